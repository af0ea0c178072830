/** Learning on from a learnt network, with the same levels or with others. */
import { BadInputError } from '../core/errors.ts';
import type { Rng } from '../core/rng.ts';
import type { CallOptions, Engine } from '../engine/engine.ts';
import { periodOf } from '../field/coordinates.ts';
import { initialWeights } from '../field/initialise.ts';
import {
  type BaseNetwork,
  type FieldSpec,
  type GridLevel,
  rateRows,
  ratesAt,
  totalChannels,
  weightLayout,
} from '../field/spec.ts';
import { coarseToFine, startRates } from '../fit/start-rates.ts';
import type { TrainingRecipe } from './recipe.ts';

export interface StartOptions extends CallOptions {
  /** Shape of what is learnt on, for the rates of levels that are new. */
  readonly shape: readonly number[];
  /** As in a recipe. */
  readonly startRates: TrainingRecipe['startRates'];
  /** Steps of the inner loop, for rates from coarse to fine. */
  readonly innerSteps: number;
  /** Scale over quantiser step of every channel of the network to start from; absent: all channels are used alike. */
  readonly use?: ArrayLike<number> | undefined;
}

/**
 * A network of `spec` that computes what `from` does at modulations that are zero in new channels. A level of the same cell
 * and interpolation is carried over: all its channels, or of more than are asked for the most used ones, in their order. Rates
 * are divided anew among the levels, in every row of them; where something is new, there are as many rows as the recipe asks for at least.
 * Throws BadInputError `start-network` when the fields differ in more than their levels, and features of `spec`
 * that `from` lacks.
 *
 * Channels that are new start as in a fresh network, but for the first of a level, as many as outputs: those reach the
 * output directly along the vectors of a DCT-II of its length, a quarter long (for RGB about lightness and two differences of colour),
 * and have an eighth of the bound in their other columns. A new level is of use at once, as that of a pyramid that is
 * linear (Burt and Adelson 1983, IEEE Transactions on Communications 31(4)), and not silenced by the rate first.
 */
export async function startFrom(
  engine: Engine,
  from: BaseNetwork,
  spec: FieldSpec,
  rng: Rng,
  { shape, startRates: start, innerSteps, use, signal }: StartOptions,
): Promise<BaseNetwork> {
  const weights = initialWeights(spec, () => rng.uniform());
  carryTrunk(from, spec, shape, weights);
  const [to, source] = [weightLayout(spec), weightLayout(from.spec)];
  const channels = totalChannels(spec);
  const share = from.spec.levels.length / spec.levels.length;
  const origins = originsOf(spec, from.spec, use ?? from.rates.map(() => 1));
  const fresh = origins.includes(undefined);
  const rows = Math.max(rateRows(from), fresh && start.coarseToFine === true ? innerSteps : 1);
  const rates = new Float32Array(rows * channels);
  for (const [c, there] of origins.entries()) {
    if (there === undefined) continue;
    const row = source.m + there * source.mColumns;
    weights.set(from.weights.subarray(row, row + source.mColumns), to.m + c * to.mColumns);
    for (let k = 0; k < rows; k++) rates[k * channels + c] = from.rates[ratesAt(from, k) + there]! * share;
  }
  startDirectly(spec, weights, (channel) => origins[channel] === undefined);
  const network = { spec, weights, rates };
  if (fresh) {
    const own = await startRates(engine, network, shape, rng, { ...start, signal });
    const stepwise = rows === 1 ? own : coarseToFine(spec, own, rows);
    for (let i = 0; i < rates.length; i++) if (origins[i % channels] === undefined) rates[i] = stepwise[i]!;
  }
  return network;
}

/** Lets the first channels of every level, as far as `which` says, reach the output as `startFrom` says. */
export function startDirectly(
  spec: FieldSpec,
  weights: Float32Array,
  which: (channel: number) => boolean,
): void {
  let first = 0;
  for (const { channels } of spec.levels) {
    for (let k = 0; k < Math.min(channels, spec.outputs); k++)
      if (which(first + k)) reachOutput(spec, weights, first + k, k);
    first += channels;
  }
}

function reachOutput(spec: FieldSpec, weights: Float32Array, channel: number, k: number): void {
  const { m, mColumns } = weightLayout(spec);
  const { outputs } = spec;
  const end = m + (channel + 1) * mColumns;
  for (let i = end - mColumns; i < end - outputs; i++) weights[i]! /= 8;
  const norm = Math.sqrt((k === 0 ? 1 : 2) / outputs);
  for (let i = 0; i < outputs; i++) {
    weights[end - outputs + i]! += (norm * Math.cos((Math.PI * (2 * i + 1) * k) / (2 * outputs))) / 4;
  }
}

/** For every channel of `spec` the channel of `from` that it goes on from, or undefined. */
function originsOf(spec: FieldSpec, from: FieldSpec, use: ArrayLike<number>): (number | undefined)[] {
  return spec.levels.flatMap((level) => {
    const there = channelsOf(level, from)
      .sort((a, b) => use[b]! - use[a]!)
      .slice(0, level.channels)
      .sort((a, b) => a - b);
    return Array.from({ length: level.channels }, (_, c) => there[c]);
  });
}

function channelsOf(level: GridLevel, spec: FieldSpec): number[] {
  let first = 0;
  for (const other of spec.levels) {
    if (JSON.stringify(levelKey(other)) === JSON.stringify(levelKey(level)))
      return Array.from({ length: other.channels }, (_, c) => first + c);
    first += other.channels;
  }
  return [];
}

function levelKey({ cell, interpolation }: GridLevel) {
  return [cell, interpolation];
}

/**
 * What all levels share: the same weights, but for those of the first layer that features of other waves reach, which are 0.
 * Throws BadInputError `start-network`.
 */
function carryTrunk(
  from: BaseNetwork,
  spec: FieldSpec,
  shape: readonly number[],
  weights: Float32Array,
): void {
  const [there, here] = [featureNames(from.spec, shape), featureNames(spec, shape)];
  if (trunkOf(from.spec) !== trunkOf(spec) || there.some((name) => !here.includes(name))) {
    throw new BadInputError(
      'start-network',
      `a network to start from may differ in its levels, and have fewer features; it is ${trunkOf(from.spec)} of ${there.join(', ')}, the recipe says ${trunkOf(spec)} of ${here.join(', ')}`,
    );
  }
  const [to, source] = [weightLayout(spec), weightLayout(from.spec)];
  const { width } = spec;
  weights.fill(0, 0, here.length * width);
  for (const [i, name] of there.entries()) {
    weights.set(from.weights.subarray(i * width, (i + 1) * width), here.indexOf(name) * width);
  }
  weights.set(from.weights.subarray(source.b[0]!, source.m), to.b[0]!);
}

/** What each coordinate feature is, one text each, in their order. */
function featureNames(spec: FieldSpec, shape: readonly number[]): string[] {
  const { global, local, harmonics } = spec.features;
  const periods = periodOf(spec, shape);
  const perAxis = (name: (size: number, axis: number) => string) =>
    periods.map((size, axis) => `${name(size, axis)} of axis ${axis}`);
  return [
    ...(global ? perAxis(() => 'position') : []),
    ...(local ? perAxis((size) => `position in ${size}`) : []),
    ...Array.from({ length: harmonics }, (_, j) =>
      perAxis((size) => `${size / (j + 1)}`).flatMap((wave) => [`sine ${wave}`, `cosine ${wave}`]),
    ).flat(),
  ];
}

/** What else all levels share, as text. */
function trunkOf({ axes, outputs, width, layers, w0 }: FieldSpec): string {
  return JSON.stringify({ axes, outputs, width, layers, w0 });
}
