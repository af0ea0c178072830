/**
 * A guess of what is hidden, from tokens that are known. What a prior learnt is what the learnt steps make of a signal, so what is known
 * is found by these steps, too: what fits the observed values best is as far from that as nothing at all (docs/adr/0079).
 */
import type { Diffusion } from '../../prior/diffusion/index.ts';
import type { Engine } from '../engine/engine.ts';
import { coveringGrid } from '../field/coordinates.ts';
import type { Model } from '../field/model.ts';
import { adaptBatch, makeBatch } from '../fit/index.ts';
import { meanGiven } from './given.ts';
import { placed, putInto, seenSamples } from './placed.ts';
import type { Evidence, Normal } from './posterior.ts';

/** What is observed, and of each token the share of its points (known.ts). */
export interface Seen extends Evidence {
  readonly shares: Float64Array;
}

/** From these shares on a token is known, or seen in part. */
export const knownShare = 0.9;
export const seenShare = 0.2;
/** How often the guess is put right by what is seen, and the errors that tokens are then taken to have. */
export const guesses = 2;
const errors = { known: 0.1, seen: 0.4 };
/** Deviation of values that a guess is off by, about: an observed value whose noise is above it is put in for a small part. */
const offBy = 0.2;

/** Fits of the learnt steps that a guess takes, for limits. */
export const guessFits = 1 + guesses;

/** Whether any token is known. */
export function isKnownInPart(shares: Float64Array): boolean {
  return shares.some((share) => share >= knownShare);
}

/** Standardised modulations by the learnt steps, of what was observed and of signals that it is put into. */
export function refitting(
  { model, engine }: { readonly model: Model; readonly engine: Engine },
  prior: Diffusion,
  observed: Evidence,
  signal: AbortSignal | undefined,
) {
  const { network, card } = model;
  const { shape, noise } = observed;
  const places = placed(observed);
  const { points, outputs } = places;
  const steps = { steps: card.training.innerSteps, learntSteps: card.training.innerSteps, signal };
  const share = offBy ** 2 / (offBy ** 2 + noise);
  const fit = async (fields: Float32Array, weights: Float32Array) => {
    const batch = makeBatch(shape, weights.length / points, fields, weights);
    return prior.standardise((await adaptBatch(engine, network, batch, steps)).modulations);
  };
  const fieldsOf = (z: Float32Array) => {
    const modulations = prior.unstandardise(z);
    const batch = { shape, count: z.length / prior.scale.length, modulations };
    return engine.evaluateMany(network, batch, coveringGrid(shape), { signal });
  };
  const all = (fields: Float32Array) => new Float32Array(fields.length / outputs).fill(1);
  return {
    /** [m]: of the samples that were observed alone. */
    seenAlone: () => fit(putInto(new Float32Array(points * outputs), places), seenSamples(places)),
    /** Of `z` [count, m] with what was observed. */
    whole: async (z: Float32Array) => {
      const fields = putInto(await fieldsOf(z), places, share);
      return fit(fields, all(fields));
    },
    /** [m]: of the mean signal of `z` [count, m] with what was observed. */
    mean: async (z: Float32Array) => {
      const fields = await fieldsOf(z);
      const size = points * outputs;
      const mean = new Float32Array(size);
      for (let i = 0; i < fields.length; i++) mean[i % size]! += (fields[i]! * size) / fields.length;
      return fit(putInto(mean, places, share), all(mean));
    },
  };
}

export type Refitting = ReturnType<typeof refitting>;

/** [m], standardised: what a normal prior expects given the known tokens of `start`, then given the border, too. Throws AbortedError, and what the engine throws. */
export async function guessOf(
  normal: Normal,
  { scale, tokens, standardise, unstandardise }: Diffusion,
  {
    start,
    shares,
    whole,
    signal,
  }: {
    readonly start: Float32Array;
    readonly shares: Float64Array;
    readonly whole: Refitting['whole'];
    readonly signal: AbortSignal | undefined;
  },
): Promise<Float32Array> {
  const given = async (z: Float32Array, errorOf: (share: number) => number) => {
    const weights = Float64Array.from(scale, (one, i) => {
      const error = errorOf(shares[tokens.tokenOf[i]!]!) * one;
      return 1 / (error * error);
    });
    return standardise(await meanGiven(normal, unstandardise(z), weights, signal));
  };
  const never = Number.POSITIVE_INFINITY;
  let z = await given(start, (share) => (share >= knownShare ? errors.known : never));
  for (let i = 0; i < guesses; i++) {
    z = await given(await whole(z), (share) =>
      share >= knownShare ? errors.known : share >= seenShare ? errors.seen : never,
    );
  }
  return z;
}
