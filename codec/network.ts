/** A network file: a field that is one signal's alone, weights and all; see FORMAT.md, "A network file". */
import type { TableCoder } from '../prior/coder.ts';
import { CostMeter } from '../prior/cost.ts';
import { maxSymbol } from '../prior/prior.ts';
import { largestFrequencyOf } from '../prior/table.ts';
import { exp2 } from '../src/core/detmath.ts';
import { BadInputError, BadStreamError } from '../src/core/errors.ts';
import { fromFloat16, toFloat16 } from '../src/core/float16.ts';
import { crc16 } from '../src/core/hash.ts';
import { checkLimit, defaultLimits, type Limits } from '../src/core/limits.ts';
import { type FieldSpec, weightLayout } from '../src/field/spec.ts';
import { checkOf } from './check.ts';
import { type NetworkHeader, readNetworkHeader, writeNetworkHeader } from './network-header.ts';
import { scaleNotches, weightTable } from './network-tables.ts';
import { checkPaid } from './paid.ts';
import { RansDecoder, RansEncoder } from './rans.ts';

/** Numbers of a step: 6 bits of a stream. */
export const stepCount = 64;
const stepBits = 6;
const scaleBits = 5;
const checkBytes = 2;
/** Weights as multiples of steps. */
export interface SteppedWeights {
  /** [tensors]: number k of each tensor's step, which is 2^(-k / 2); tensors as `weightTensors` lists them. */
  readonly steps: Uint8Array;
  /** [weights]. */
  readonly symbols: Int32Array;
}

export interface CodedNetwork extends NetworkHeader {
  /** Flat, in the order of `weightLayout`. */
  readonly weights: Float32Array;
  /** Where `coding` is `steps`. */
  readonly stepped?: SteppedWeights | undefined;
}

/** The tensors of a field without levels, in the order of its weights: W_1, b_1, ..., W_o, b_o. */
export function weightTensors(spec: FieldSpec): { readonly at: number; readonly length: number }[] {
  const { w, b, wo, bo, length } = weightLayout(spec);
  const starts = [...w.flatMap(({ at }, l) => [at, b[l]!]), wo, bo];
  return starts.map((at, t) => ({ at, length: (starts[t + 1] ?? length) - at }));
}

/** Step number k as a number: 2^(-k / 2). */
export function stepOf(k: number): number {
  return exp2(-(k >> 1)) * (k & 1 ? Math.SQRT1_2 : 1);
}

/** The file of weights in 16 bits each, rounded to the nearest. Throws BadInputError `weight-count`, `weight-range`, `network-header`. */
export function encodeHalfNetwork(header: Omit<NetworkHeader, 'coding'>, weights: Float32Array): Uint8Array {
  const bytes = writeNetworkHeader({ ...header, coding: 'half' });
  checkCount(header.spec, weights.length);
  const halves = toFloat16(weights);
  const bad = halves.findIndex((half) => (half & 0x7c00) === 0x7c00);
  if (bad >= 0)
    throw new BadInputError('weight-range', `weight ${bad} is ${weights[bad]}: half floats end at 65504`);
  const plain = new Uint8Array(2 * halves.length);
  halves.forEach((half, i) => {
    plain[2 * i] = half & 255;
    plain[2 * i + 1] = half >> 8;
  });
  const check = crc16(plain, crc16(bytes));
  return joined(bytes, Uint8Array.of(check & 255, check >> 8), plain);
}

/** The file of weights in steps, entropy coded. Throws BadInputError `weight-count`, `weight-range`, `network-header`. */
export function encodeSteppedNetwork(
  header: Omit<NetworkHeader, 'coding'>,
  { steps, symbols }: SteppedWeights,
): Uint8Array {
  const bytes = writeNetworkHeader({ ...header, coding: 'steps' });
  checkCount(header.spec, symbols.length);
  const tensors = weightTensors(header.spec);
  if (steps.length !== tensors.length || steps.some((k) => k >= stepCount))
    throw new BadInputError('weight-count', `${tensors.length} steps are wanted, each below ${stepCount}`);
  const outside = symbols.findIndex((symbol) => Math.abs(symbol) > maxSymbol);
  if (outside >= 0)
    throw new BadInputError(
      'weight-range',
      `weight ${outside} is ${symbols[outside]} steps, beyond +-${maxSymbol}`,
    );
  const scales = Uint8Array.from(tensors, ({ at, length }) => bestScale(symbols.subarray(at, at + length)));
  const encoder = new RansEncoder();
  const all = walk(header.spec, encoder, { steps, scales, symbols: symbols.slice() });
  return joined(bytes, encoder.finish(checkOf(bytes, all)));
}

/** Bits that a tensor of these symbols takes in a file, its step and its scale among them. */
export function tensorBits(symbols: Int32Array): number {
  return stepBits + scaleBits + bitsAt(symbols, bestScale(symbols));
}

/**
 * Any bytes give a network within the limits, or throw: LimitError, or BadStreamError `magic`, `version`, `container`, `network`, `shape`,
 * `truncated`, `varint`, `payload`, `symbol-range`, `not-finite` or `checksum`.
 */
export function decodeNetwork(bytes: Uint8Array, limits: Limits = defaultLimits): CodedNetwork {
  checkLimit('file-bytes', bytes.length, limits.maxFileBytes, 'allow more, or give a smaller file');
  const { header, headerBytes: at } = readNetworkHeader(bytes, limits);
  const start = bytes.subarray(0, at);
  const body = bytes.subarray(at);
  switch (header.coding) {
    case 'half':
      return { ...header, weights: readHalves(header.spec, start, body) };
    case 'steps': {
      const stepped = readStepped(header.spec, start, body, limits);
      return { ...header, stepped, weights: weightsOf(header.spec, stepped) };
    }
    default:
      return header.coding satisfies never;
  }
}

/** What weights in steps stand for, [weights], nearest floats. */
export function weightsOf(spec: FieldSpec, { steps, symbols }: SteppedWeights): Float32Array {
  const weights = new Float32Array(symbols.length);
  for (const [t, { at, length }] of weightTensors(spec).entries()) {
    const step = stepOf(steps[t]!);
    for (let i = at; i < at + length; i++) weights[i] = symbols[i]! * step;
  }
  return weights;
}

function readHalves(spec: FieldSpec, header: Uint8Array, body: Uint8Array): Float32Array {
  const at = header.length;
  const count = weightLayout(spec).length;
  if (body.length !== checkBytes + 2 * count)
    throw new BadStreamError('payload', at, `${count} half floats in ${body.length - checkBytes} bytes`);
  const plain = body.subarray(checkBytes);
  checkSame(body[0]! + 256 * body[1]!, crc16(plain, crc16(header)), at);
  const halves = Uint16Array.from({ length: count }, (_, i) => plain[2 * i]! + 256 * plain[2 * i + 1]!);
  const bad = halves.findIndex((half) => (half & 0x7c00) === 0x7c00);
  if (bad >= 0)
    throw new BadStreamError('not-finite', at + checkBytes + 2 * bad, `weight ${bad} is not finite`);
  return fromFloat16(halves);
}

function readStepped(spec: FieldSpec, header: Uint8Array, body: Uint8Array, limits: Limits): SteppedWeights {
  const at = header.length;
  const count = weightLayout(spec).length;
  checkPaid(count, body.length, largestFrequency(), limits);
  const tensors = weightTensors(spec).length;
  const found = {
    steps: new Uint8Array(tensors),
    scales: new Uint8Array(tensors),
    symbols: new Int32Array(count),
  };
  const decoder = new RansDecoder(body, at);
  const all = walk(spec, decoder, found);
  checkSame(decoder.end(), checkOf(header, all), at);
  return { steps: found.steps, symbols: found.symbols };
}

/** Passes all numbers through a coder, in place and in the order of the stream, which is returned: those that the check is taken of. */
function walk(
  spec: FieldSpec,
  coder: TableCoder,
  { steps, scales, symbols }: SteppedWeights & { readonly scales: Uint8Array },
): Int32Array {
  const tensors = weightTensors(spec);
  const all = new Int32Array(2 * tensors.length + symbols.length);
  let next = 0;
  for (const [t, { at, length }] of tensors.entries()) {
    steps[t] = coder.bits(stepBits, steps[t]!);
    scales[t] = coder.bits(scaleBits, scales[t]!);
    all[next++] = steps[t]!;
    all[next++] = scales[t]!;
    const table = weightTable(scales[t]!);
    for (let i = at; i < at + length; i++) {
      symbols[i] = coder.code(table, 0, symbols[i]!);
      all[next++] = symbols[i]!;
    }
  }
  return all;
}

/** The notch under which symbols take the fewest bits, the lowest of several. */
function bestScale(symbols: Int32Array): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let notch = 0; notch < scaleNotches; notch++) {
    const bits = bitsAt(symbols, notch);
    if (bits >= least) continue;
    best = notch;
    least = bits;
  }
  return best;
}

function bitsAt(symbols: Int32Array, notch: number): number {
  const meter = new CostMeter();
  const table = weightTable(notch);
  for (let i = 0; i < symbols.length; i++) meter.code(table, 0, symbols[i]!);
  return meter.bitCount;
}

function largestFrequency(): number {
  return largestFrequencyOf(Array.from({ length: scaleNotches }, (_, notch) => weightTable(notch)));
}

function checkCount(spec: FieldSpec, given: number): void {
  const { length } = weightLayout(spec);
  if (given !== length)
    throw new BadInputError('weight-count', `this field has ${length} weights, not ${given}`);
}

function checkSame(stored: number, computed: number, at: number): void {
  if (stored === computed) return;
  const text = (check: number) => check.toString(16).padStart(4, '0');
  throw new BadStreamError(
    'checksum',
    at,
    `the file is damaged: check stored ${text(stored)}, computed ${text(computed)}`,
  );
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
