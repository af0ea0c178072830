/**
 * From a trained network in floating point to the integer tensors of `autoregressive-tensors.ts`, and what that network
 * computes, for trainers and tests. Not used in decoding.
 *
 * The float network works in these units: x_i = auxiliary / 16, or compand(symbol) / 16; y_i = |x_i| for symbols and
 * x_i for auxiliary inputs; v_i = the symbol itself, or x_i for auxiliary inputs. With h_0 = x,
 *
 *   h_j      = clip(h_{j-1} W_j + b_j, 0, 8)                                       j = 1 .. layers
 *   mean_c   = B_c  + sum_i v_i M_ic  + (h V)_c  + sum_{d < c} v_d P_dc            in symbols
 *   log2 s_c = B'_c + sum_i y_i M'_ic + (h V')_c + sum_{d < c} |x_d| P'_dc         s: scale of the table, in symbols
 *
 * and symbol k of channel c costs -log2 (F((k + 1/2 - mean) / s) - F((k - 1/2 - mean) / s)) bits under its shape F
 * (`bankShapes`; logistic: F(t) = 1 / (1 + e^-t)).
 */
import { BadInputError } from '../src/core/errors.ts';
import { type Tensor, tensor } from '../src/core/tensor.ts';
import { columnSums, levelName, maxHidden } from './autoregressive-tensors.ts';
import { firstOctave, meanBits, notchesPerOctave } from './bank.ts';
import { compand, maxCompanded, maxRaw } from './context.ts';

/** Companded and auxiliary inputs are divided by this. */
export const inputUnit = 16;
/** Hidden units of the float network are clipped to [0, maxActivation]. */
export const maxActivation = 8;

/** What leads to the mean, or to log2 of the scale, of C channels; all row-major. */
export interface FloatHead {
  /** V [units of the last hidden layer, C]; empty without hidden layers. */
  readonly output: Float32Array;
  /** B [C]. */
  readonly bias: Float32Array;
  /** M [inputs, C]. */
  readonly linear: Float32Array;
  /** P [C, R]: row d, column j leads from channel d to channel d + 1 + j. */
  readonly own: Float32Array;
}

export interface FloatLevelNetwork {
  readonly channels: number;
  readonly inputs: number;
  /** Auxiliary ones among the inputs; they come first. */
  readonly auxiliary: number;
  /** W_j [rows, units], b_j [units]. */
  readonly hidden: readonly { readonly weights: Float32Array; readonly bias: Float32Array }[];
  readonly mean: FloatHead;
  readonly scale: FloatHead;
  /** R: how many channels back P and P' reach; below C. */
  readonly reach: number;
  /** [C]: shape of each channel in the bank. */
  readonly shapes: Uint8Array;
}

/** A network of zeros: it predicts a mean of 0 and a scale of 1 whatever it sees. */
export function blankLevelNetwork(
  size: Pick<FloatLevelNetwork, 'channels' | 'inputs' | 'auxiliary'>,
  units: readonly number[],
  reach = size.channels - 1,
): FloatLevelNetwork {
  const { channels, inputs } = size;
  const head = () => ({
    output: new Float32Array((units.at(-1) ?? 0) * channels),
    bias: new Float32Array(channels),
    linear: new Float32Array(inputs * channels),
    own: new Float32Array(channels * reach),
  });
  const hidden = units.map((n, j) => ({
    weights: new Float32Array((units[j - 1] ?? inputs) * n),
    bias: new Float32Array(n),
  }));
  return { ...size, hidden, mean: head(), scale: head(), reach, shapes: new Uint8Array(channels) };
}

// Hidden integers are 2^9 times the float ones: the clip at 8 becomes 4095, 1/512 short of it.
const hiddenBits = 9;
const inputBits = 4;
/** Finest weights tried: 2^-14 of a unit. */
const finestBits = 14;
const largestWeight = 32767;
// Half of what 32 bits hold: rounding has room to spare.
const roomySum = 1 << 30;

/**
 * The integer tensors of one level, `prior.autoregressive.level<k>.*`: every product gets the finest power of two that
 * 16-bit weights and 32-bit sums allow. Throws BadInputError `prior-range` when weights are too large, or not finite.
 */
export function quantiseLevel(net: FloatLevelNetwork, level: number): Map<string, Tensor> {
  const { channels, inputs, auxiliary, hidden, reach } = net;
  const name = levelName(level);
  const tensors = new Map<string, Tensor>();
  const shifts: number[] = [];
  hidden.forEach(({ weights, bias }, j) => {
    const rowBits = j === 0 ? inputBits : hiddenBits;
    const sums = columnSums(weights, bias.length, () => (j === 0 ? maxCompanded : maxHidden));
    const bits = finest(
      `${name}.hidden${j}`,
      hiddenBits - rowBits,
      (e) =>
        fits(weights, 1 << e) &&
        sums.every((sum, u) => sum * (1 << e) + Math.abs(bias[u]!) * (1 << (e + rowBits)) < roomySum),
    );
    const shift = bits + rowBits - hiddenBits;
    tensors.set(
      `${name}.hidden${j}.weights`,
      tensor(
        round16(weights, () => 1 << bits),
        [weights.length / bias.length, bias.length],
      ),
    );
    tensors.set(`${name}.hidden${j}.bias`, tensor(roundBias(bias, 0, 1 << (bits + rowBits), shift)));
    shifts.push(shift);
  });
  const unitInputs = maxCompanded / inputUnit;
  // In integers symbols are themselves for the mean and 16ths for the scale; auxiliary inputs are 16ths for both.
  quantiseHead('mean', 1 << meanBits, 0, 1, maxRaw);
  quantiseHead('scale', notchesPerOctave, firstOctave, inputUnit, unitInputs);
  tensors.set(`${name}.shapes`, tensor(net.shapes.slice()));
  tensors.set(`${name}.shifts`, tensor(Uint8Array.from(shifts)));
  return tensors;

  /** `unit`, `zero`: integer = (float - zero) unit; `symbolUnit`: integers of a symbol's unit; `largest`: of a symbol. */
  function quantiseHead(
    which: 'mean' | 'scale',
    unit: number,
    zero: number,
    symbolUnit: number,
    largest: number,
  ): void {
    const { output, bias, linear, own } = net[which];
    const prefix = `${name}.${which}`;
    const outputSums = columnSums(output, channels, () => maxHidden);
    const outputBits = finest(
      `${prefix}.output`,
      0,
      (e) => fits(output, unit * (1 << e)) && outputSums.every((sum) => sum * unit * (1 << e) < roomySum),
    );
    const sums = columnSums(linear, channels, (row) => (row < auxiliary ? unitInputs : largest));
    addOwnSums(sums, own, reach, largest);
    const bits = finest(prefix, 0, (e) => {
      const scale = unit * (1 << e);
      const within = sums.every(
        (sum, c) => (sum + outputSums[c]! / (1 << hiddenBits) + Math.abs(bias[c]! - zero)) * scale < roomySum,
      );
      return (
        within &&
        e <= hiddenBits + outputBits &&
        fits(linear, scale / symbolUnit) &&
        fits(own, scale / symbolUnit)
      );
    });
    const scale = unit * (1 << bits);
    const rowUnit = (i: number) => (i < auxiliary * channels ? inputUnit : symbolUnit);
    if (hidden.length > 0) {
      const rows = output.length / channels;
      tensors.set(
        `${prefix}.output`,
        tensor(
          round16(output, () => unit * (1 << outputBits)),
          [rows, channels],
        ),
      );
    }
    tensors.set(`${prefix}.bias`, tensor(roundBias(bias, zero, scale, bits)));
    tensors.set(
      `${prefix}.linear`,
      tensor(
        round16(linear, (i) => scale / rowUnit(i)),
        [inputs, channels],
      ),
    );
    tensors.set(
      `${prefix}.own`,
      tensor(
        round16(own, () => scale / symbolUnit),
        [channels, reach],
      ),
    );
    shifts.push(hiddenBits + outputBits - bits, bits);
  }
}

/** Mean and log2 scale of channel c from the inputs of a cell and the channels before c in `cell`: what a trainer computes. */
export function predict(
  net: FloatLevelNetwork,
  values: Int32Array,
  cell: Int32Array,
): { mean: Float64Array; log2Scale: Float64Array } {
  const { channels, auxiliary, reach } = net;
  const x = Float64Array.from(values, (v, i) => (i < auxiliary ? v : compand(v)) / inputUnit);
  const v = Float64Array.from(values, (raw, i) => (i < auxiliary ? raw / inputUnit : raw));
  const y = x.map((value, i) => (i < auxiliary ? value : Math.abs(value)));
  let h = x;
  for (const { weights, bias } of net.hidden)
    h = product(h, weights, bias).map((a) => Math.min(maxActivation, Math.max(0, a)));
  const head = (
    { output, bias, linear, own }: FloatHead,
    inputs: Float64Array,
    seen: (symbol: number) => number,
  ) => {
    const sums = product(inputs, linear, bias);
    if (net.hidden.length > 0) {
      const out = product(h, output, new Float32Array(channels));
      for (let c = 0; c < channels; c++) sums[c]! += out[c]!;
    }
    for (let d = 0; d < channels; d++) {
      for (let j = 0; j < reach && d + 1 + j < channels; j++)
        sums[d + 1 + j]! += seen(cell[d]!) * own[d * reach + j]!;
    }
    return sums;
  };
  return {
    mean: head(net.mean, v, (symbol) => Math.min(maxRaw, Math.max(-maxRaw, symbol))),
    log2Scale: head(net.scale, y, (symbol) => Math.abs(compand(symbol)) / inputUnit),
  };
}

function product(inputs: Float64Array, weights: Float32Array, bias: Float32Array): Float64Array {
  const sums = Float64Array.from(bias);
  for (let i = 0; i < inputs.length; i++) {
    for (let u = 0; u < sums.length; u++) sums[u]! += inputs[i]! * weights[i * sums.length + u]!;
  }
  return sums;
}

function addOwnSums(sums: Float64Array, own: Float32Array, reach: number, largest: number): void {
  for (let d = 0; d < sums.length; d++) {
    for (let j = 0; j < reach && d + 1 + j < sums.length; j++)
      sums[d + 1 + j]! += Math.abs(own[d * reach + j]!) * largest;
  }
}

function finest(name: string, least: number, allowed: (bits: number) => boolean): number {
  for (let bits = finestBits; bits >= least; bits--) if (allowed(bits)) return bits;
  throw new BadInputError(
    'prior-range',
    `${name}: weights are too large for 16 bits or their sums for 32, or not finite`,
  );
}

function fits(weights: Float32Array, scale: number): boolean {
  return weights.every((w) => Math.abs(w) * scale <= largestWeight);
}

function round16(weights: Float32Array, scale: (index: number) => number): Int16Array {
  return Int16Array.from(weights, (w, i) => Math.floor(w * scale(i) + 0.5));
}

/** Half of what the shift drops is added, so that shifting rounds to nearest. */
function roundBias(bias: Float32Array, zero: number, scale: number, shift: number): Int32Array {
  return Int32Array.from(bias, (b) =>
    Math.floor((b - zero) * scale + (shift > 0 ? 1 << (shift - 1) : 0) + 0.5),
  );
}
