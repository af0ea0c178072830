/**
 * Adapts the autoregressive prior of a model to some signals: training goes on from the model's own, first in everything but the weights
 * that lead to hidden units, then in all, and what it moved is rounded to the steps at which the file and what it codes take the fewest bytes together.
 */
import type { Scalar, Tensor as TfTensor } from '@tensorflow/tfjs-core';
import { AbortedError } from '../../src/core/errors.ts';
import { Rng } from '../../src/core/rng.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { createAdam, openTensorFlow, type TensorFlow } from '../../src/engine/tfjs/backend.ts';
import type { ModulationLayout } from '../../src/field/layout.ts';
import type { FieldSpec } from '../../src/field/spec.ts';
import { type Move, movedNames, movedTensors, packMoves } from '../adapted.ts';
import { type FloatLevelNetwork, inputUnit } from '../autoregressive-export.ts';
import { levelName, readLevel, readRecipe } from '../autoregressive-tensors.ts';
import { readBank } from '../bank.ts';
import { CostMeter } from '../cost.ts';
import { quantise, stepsAt } from '../quantiser.ts';
import { readPrior } from '../registry.ts';
import { drawRows } from './autoregressive.ts';
import { checkLoss } from './finite.ts';
import { floatLevel, levelUnits } from './float-level.ts';
import { createLevelNet, type LevelNet } from './level-net.ts';
import type { CellRows } from './rows.ts';
import { schedule } from './schedule.ts';
import type { ModulationSource } from './source.ts';

export interface AdaptOptions {
  /** Of the signals that are to be coded: the prior is fitted to all of them. */
  readonly modulations: ModulationSource;
  readonly spec: FieldSpec;
  /** Quantiser steps of the model [channels], at quality 50. */
  readonly steps: Float32Array;
  /** Of the model. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Quality at which modulations that have none of their own are coded. */
  readonly quality: number;
  /** Of each of two turns; default 400. */
  readonly trainingSteps?: number | undefined;
  readonly batch?: number | undefined;
  readonly rate?: number | undefined;
  readonly seed?: number | undefined;
  readonly threads?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onStep?: ((step: number, steps: number, bitsPerSymbol: number) => void) | undefined;
}

export interface AdaptedPrior {
  readonly moves: ReadonlyMap<string, Move>;
  /** Bits of a modulation, mean of up to 400: by the model's prior, and by the adapted one. */
  readonly bitsBefore: number;
  readonly bitsAfter: number;
  /** Of `moves`, packed. */
  readonly bytes: number;
}

/** Precisions that are tried, in the units of the float network: symbols, and octaves of the scale. */
const precisions: readonly number[] = [0.2, 0.1, 0.05, 0.025, 0.0125, 0.006];
/** Numbers beside the weights that lead to hidden units are few, and each of them counts for more. */
const lightShare = 0.25;
const mostPriced = 400;
const eventSteps = 20;
const firstStepStream = 16;

/** Throws BadInputError `diverged` and what reading a prior throws, AbortedError. */
export async function adaptAutoregressive(options: AdaptOptions): Promise<AdaptedPrior> {
  const { spec, tensors, modulations, trainingSteps = 400, seed = 0, signal, onStep } = options;
  const { batch = 2048, rate = 6e-3, steps } = options;
  const recipe = readRecipe(tensors, spec.axes);
  const channels = spec.levels.map((level) => level.channels);
  const { shapes } = readBank(tensors);
  const levels = channels.map((_, k) => readLevel(tensors, recipe, spec.axes, channels, k, shapes));
  const floats = levels.map(floatLevel);
  const { tf } = await openTensorFlow({ threads: options.threads });
  const nets = floats.map((network) =>
    createLevelNet(
      tf,
      network,
      network.hidden.map(({ bias }) => bias.length),
      { network },
      new Rng(seed, 1),
    ),
  );
  const at = async (index: number) => {
    const found = await modulations.at(index);
    return { ...found, quality: found.quality ?? options.quality };
  };
  const drawing = {
    source: { length: modulations.length, at },
    training: modulations.length,
    steps,
    recipe,
    batch,
  };
  try {
    const priced = await pricedOf(options);
    const bitsBefore = bitsOf(options, priced, tensors);
    let best: AdaptedPrior = { moves: new Map(), bitsBefore, bitsAfter: bitsBefore, bytes: 0 };
    let rows: CellRows[] = [];
    let step = 0;
    // What leads to hidden units is many numbers: few signals pay for the rest alone. Both are found, and the cheaper one is taken.
    for (const moving of ['light', 'variables'] as const) {
      const adam = createAdam(
        tf,
        nets.flatMap((net) => [...net[moving]]),
      );
      for (let own = 0; own < trainingSteps; own++, step++) {
        if (signal?.aborted) {
          adam.dispose();
          throw new AbortedError(`adapting the prior stopped after step ${step}`);
        }
        rows = await drawRows(drawing, nets.length, new Rng(seed, firstStepStream + step), rows);
        const { bits, gradients } = gradientsOf(tf, nets, rows, floats, moving);
        checkLoss(bits, 'adapting the prior', step);
        adam.update(gradients, rate * schedule(own / trainingSteps));
        tf.dispose(gradients);
        if ((step + 1) % eventSteps === 0 || own + 1 === trainingSteps)
          onStep?.(step + 1, 2 * trainingSteps, bits);
        // Kernels are synchronous: let timers, signals and other jobs in.
        await new Promise((resolve) => setImmediate(resolve));
      }
      adam.dispose();
      const trained = nets.map((net, level) => ({
        from: floats[level]!,
        to: net.export(floats[level]!.shapes),
        units: levelUnits(levels[level]!),
      }));
      best = await leastBytes(options, priced, trained, best);
    }
    return best;
  } finally {
    for (const net of nets) net.dispose();
  }
}

/** Mean bits of a symbol of `rows`, and the gradients of the levels' mean bits of a cell by their variables. */
function gradientsOf(
  tf: TensorFlow,
  nets: readonly LevelNet[],
  rows: readonly CellRows[],
  floats: readonly FloatLevelNetwork[],
  moving: 'light' | 'variables',
): { readonly bits: number; readonly gradients: TfTensor[] } {
  let bits = 0;
  let symbols = 0;
  const gradients = nets.flatMap((net, level) => {
    const own = rows[level]!;
    const { value, grads } = tf.variableGrads(
      () => tf.div<Scalar>(tf.sum(net.bits(own, floats[level]!.shapes)), own.count),
      [...net[moving]],
    );
    bits += value.dataSync()[0]! * own.count;
    symbols += own.count * net.channels;
    value.dispose();
    return net[moving].map((variable) => grads[variable.name] ?? tf.zerosLike(variable));
  });
  return { bits: bits / Math.max(1, symbols), gradients };
}

interface Training {
  readonly from: FloatLevelNetwork;
  readonly to: FloatLevelNetwork;
  /** Integers of a unit of the float network, by the name of a part. */
  readonly units: ReadonlyMap<string, number>;
}

/** Of all precisions the one at which the moves and all that is coded with them take the fewest bits; `best` where none takes fewer. */
async function leastBytes(
  options: AdaptOptions,
  priced: readonly Priced[],
  levels: readonly Training[],
  best: AdaptedPrior,
): Promise<AdaptedPrior> {
  const { tensors, modulations } = options;
  const totalOf = ({ bitsAfter, bytes }: AdaptedPrior) => bitsAfter * modulations.length + 8 * bytes;
  let found = best;
  for (const precision of precisions) {
    // Pricing is synchronous: let timers, signals and other jobs in.
    await new Promise((resolve) => setImmediate(resolve));
    const moves = movesOf(tensors, levels, precision);
    const packed = packMoves(tensors, moves);
    const bitsAfter = bitsOf(options, priced, movedTensors(tensors, packed));
    const tried = { moves, bitsBefore: best.bitsBefore, bitsAfter, bytes: packed.length };
    if (totalOf(tried) < totalOf(found)) found = tried;
  }
  return found;
}

function movesOf(
  tensors: ReadonlyMap<string, Tensor>,
  levels: readonly Training[],
  precision: number,
): Map<string, Move> {
  const moves = new Map<string, Move>();
  const names = movedNames(tensors);
  levels.forEach(({ from, to, units }, level) => {
    for (const [part, unit] of units) {
      const name = `${levelName(level)}.${part}`;
      if (!names.includes(name)) continue;
      const share = part.endsWith('.weights') ? 1 : lightShare;
      const shift = Math.max(0, Math.round(Math.log2(share * precision * unit)));
      const [a, b] = [arrayOf(from, part), arrayOf(to, part)];
      const largest = tensors.get(name)!.dtype === 'I16' ? 32767 : 2 ** 30;
      const base = tensors.get(name)!.data;
      if (b.length !== base.length) continue;
      const rowUnit = (i: number) =>
        part === 'mean.linear' && i < from.auxiliary * from.channels ? unit / inputUnit : unit;
      const steps = Int32Array.from(base, (value, i) => {
        // What is less than three quarters of a step stays where it is: most numbers then take one bit.
        const wanted = ((b[i]! - a[i]!) * rowUnit(i)) / 2 ** shift;
        const step = Math.sign(wanted) * Math.floor(Math.abs(wanted) + 0.25);
        return Math.abs(value + step * 2 ** shift) > largest ? 0 : step;
      });
      moves.set(name, { shift, steps });
    }
  });
  return moves;
}

function arrayOf(network: FloatLevelNetwork, part: string): Float32Array {
  const [of, what] = part.split('.') as ['mean' | 'scale' | string, string];
  if (of === 'mean' || of === 'scale') return network[of][what as 'output' | 'bias' | 'linear' | 'own'];
  return network.hidden[Number(of.slice('hidden'.length))]![what as 'bias' | 'weights'];
}

/** A modulation as it is coded. */
interface Priced {
  readonly layout: ModulationLayout;
  readonly quality: number;
  readonly symbols: Int32Array;
}

/** Up to `mostPriced` of the modulations, evenly apart: what each try is priced by. */
async function pricedOf({ modulations, steps, quality, signal }: AdaptOptions): Promise<Priced[]> {
  const count = Math.min(mostPriced, modulations.length);
  const priced: Priced[] = [];
  for (let i = 0; i < count; i++) {
    if (signal?.aborted) throw new AbortedError();
    const found = await modulations.at(Math.floor(((i + 0.5) * modulations.length) / count));
    const { modulation, layout, quality: own = quality } = found;
    priced.push({ layout, quality: own, symbols: quantise(layout, modulation, stepsAt(steps, own)) });
  }
  return priced;
}

/** Mean bits of a modulation by the integer tables. Throws AbortedError. */
function bitsOf(
  { spec, signal }: AdaptOptions,
  priced: readonly Priced[],
  tensors: ReadonlyMap<string, Tensor>,
): number {
  const prior = readPrior({ network: { spec }, tensors }, 'autoregressive');
  const meter = new CostMeter();
  for (const { layout, quality, symbols } of priced) {
    if (signal?.aborted) throw new AbortedError();
    prior.walk(layout, quality, symbols, meter);
  }
  return meter.bitCount / priced.length;
}
