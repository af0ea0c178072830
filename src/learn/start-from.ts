/** Learning on from a learnt network, with the same levels or with others. */
import { BadInputError } from '../core/errors.ts';
import type { Rng } from '../core/rng.ts';
import type { CallOptions, Engine } from '../engine/engine.ts';
import { initialWeights } from '../field/initialise.ts';
import {
  type BaseNetwork,
  type FieldSpec,
  type GridLevel,
  totalChannels,
  weightLayout,
} from '../field/spec.ts';
import { startRates } from './start-rates.ts';

export interface StartOptions extends CallOptions {
  /** Shape of what is learnt on, for the rates of levels that are new. */
  readonly shape: readonly number[];
  /** As in a recipe. */
  readonly startRates: { readonly share: number; readonly probes: number };
}

/**
 * A network of `spec` that computes what `from` does at modulations that are zero in new levels. Levels of the same cell,
 * channels and interpolation are carried over, with rates divided anew among the levels; the others start as in a fresh
 * network. Throws BadInputError `start-network` when the fields differ in more than their levels.
 */
export async function startFrom(
  engine: Engine,
  from: BaseNetwork,
  spec: FieldSpec,
  rng: Rng,
  { shape, startRates: start, signal }: StartOptions,
): Promise<BaseNetwork> {
  if (trunkOf(from.spec) !== trunkOf(spec)) {
    throw new BadInputError(
      'start-network',
      `a network to start from may differ in its levels alone; it is ${trunkOf(from.spec)}, the recipe says ${trunkOf(spec)}`,
    );
  }
  const [to, source] = [weightLayout(spec), weightLayout(from.spec)];
  const weights = initialWeights(spec, () => rng.uniform());
  weights.set(from.weights.subarray(0, source.m));
  const rates = new Float32Array(totalChannels(spec));
  const share = from.spec.levels.length / spec.levels.length;
  const fresh: number[] = [];
  let first = 0;
  for (const level of spec.levels) {
    const there = firstChannelOf(level, from.spec);
    for (let c = 0; c < level.channels; c++) {
      if (there === undefined) {
        fresh.push(first + c);
        continue;
      }
      const row = source.m + (there + c) * source.mColumns;
      weights.set(from.weights.subarray(row, row + source.mColumns), to.m + (first + c) * to.mColumns);
      rates[first + c] = from.rates[there + c]! * share;
    }
    first += level.channels;
  }
  const network = { spec, weights, rates };
  if (fresh.length > 0) {
    const own = await startRates(engine, network, shape, rng, { ...start, signal });
    for (const c of fresh) rates[c] = own[c]!;
  }
  return network;
}

function firstChannelOf(level: GridLevel, spec: FieldSpec): number | undefined {
  let first = 0;
  for (const other of spec.levels) {
    if (JSON.stringify(levelKey(other)) === JSON.stringify(levelKey(level))) return first;
    first += other.channels;
  }
  return undefined;
}

function levelKey({ cell, channels, interpolation }: GridLevel) {
  return [cell, channels, interpolation];
}

/** What all levels share, as text. */
function trunkOf({ axes, outputs, width, layers, w0, features }: FieldSpec): string {
  const { global, local, harmonics } = features;
  return JSON.stringify({ axes, outputs, width, layers, w0, features: { global, local, harmonics } });
}
