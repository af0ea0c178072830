/**
 * A prior of the functions that are most like what was observed: a Gaussian is learnt of them alone, for one completion. A Gaussian of all
 * functions of a set is one blob around their mean; the nearest of them lie on one side of it, where what is hidden follows from what is
 * seen more closely (locally weighted learning: C. Atkeson et al., Artificial Intelligence Review 11, 1997).
 */
import { type Gaussian, openGaussian, trainGaussian } from '../../prior/gaussian/index.ts';
import { AbortedError, BadInputError } from '../core/errors.ts';
import { checkLimit } from '../core/limits.ts';
import { defaultQuality } from '../field/at-quality.ts';
import { modulationLayout } from '../field/layout.ts';
import { toField } from '../field/outputs.ts';
import { leastFunctions, ownPrior } from '../jobs/own-prior.ts';
import { nearestToPart } from '../query/alike.ts';
import type { Observed } from '../query/observed.ts';
import type { QueryContext, QueryOptions } from '../query/types.ts';
import { type ModulatedFunction, modulated, openFunctions } from '../session/functions.ts';
import { broughtTo } from '../session/refit.ts';
import { type CompleteOptions, type Completion, complete } from './complete.ts';
import { checkWhole, type Observation } from './observation.ts';

/** A functaset with what evaluates and searches its functions. */
export type FunctasetContext = Pick<QueryContext, 'store' | 'model' | 'engine' | 'indexes' | 'limits'>;

/** `complete`'s options, but for the prior. */
export interface SetCompleteOptions
  extends Omit<CompleteOptions, 'prior' | 'own'>,
    Pick<QueryOptions, 'onProgress' | 'onDamaged'> {
  /** By this many functions that are most like what was observed, instead of all; 1000 does well. `noise` is 0.1 then. */
  readonly nearest?: number | undefined;
}

export const mostNearest = 8192;
/** Functions for each direction of the covariance, and directions: what more of them add is chance. */
const functionsPerDirection = 8;
const mostDirections = 128;
/** Turns of the search for directions: of one completion they need not be as exact as those of a prior that is kept. */
const rounds = 4;
/** Functions that are opened together. */
const together = 256;
/** How far a function counts: the deviation of its weight (a Gaussian kernel), of the median distance of the nearest. */
const reach = 0.7;
/** Of an observed value: a prior of few functions is off by more than what the network cannot show. */
const noiseOfNearest = 0.1;

/**
 * Completes by the prior of a functaset: its own, or that of its nearest functions. `seconds` hold the learning. Throws as `complete`, `ownPrior`
 * and `priorOfNearest`.
 */
export async function completeByFunctaset(
  context: FunctasetContext,
  observation: Observation,
  { nearest, onProgress, onDamaged, ...options }: SetCompleteOptions = {},
): Promise<Completion> {
  const started = performance.now();
  const told = { signal: options.signal, onProgress, onDamaged };
  const own =
    nearest === undefined
      ? await ownPrior(context, context.store, told)
      : await priorOfNearest(context, observation, nearest, told);
  const { noise = nearest === undefined ? undefined : noiseOfNearest, limits = context.limits } = options;
  const found = await complete(context, observation, { ...options, own, noise, limits });
  return { ...found, seconds: (performance.now() - started) / 1000 };
}

/**
 * The Gaussian of the `nearest` functions of the model's own shape, at quality 50; of samples their plain fits. They are found by the index
 * of values, which is made when it is first needed. Throws BadInputError `bad-nearest`, `observed-shape`, `own-prior` where the
 * functions are too few; LimitError, AbortedError, and what opening functions throws.
 */
async function priorOfNearest(
  context: FunctasetContext,
  observation: Observation,
  nearest: number,
  options: QueryOptions,
): Promise<Gaussian> {
  if (!Number.isInteger(nearest) || nearest < leastFunctions || nearest > mostNearest) {
    throw new BadInputError(
      'bad-nearest',
      `nearest is a whole number from ${leastFunctions} to ${mostNearest}, not ${nearest}`,
    );
  }
  const { model, store, indexes, limits } = context;
  const { card, networkId } = model;
  checkWhole(model, observation);
  const { signal, onDamaged = () => {} } = options;
  const layout = modulationLayout(card.spec, card.shape);
  checkLimit('symbols', nearest * layout.length, limits.maxSymbols, 'learn from fewer functions');
  const found: ModulatedFunction[] = [];
  const distances = new Map<string, number>();
  let ids: string[] = [];
  const take = async () => {
    if (signal?.aborted) throw new AbortedError();
    // One that went away since the index was made is none of the nearest.
    const stored = store.getMany(ids, { onDamaged }).filter((fn) => fn !== undefined);
    ids = [];
    const opened = await openFunctions(context, stored, { limits, signal, onDamaged });
    const alike = opened.filter(({ shape }) => shape.join() === card.shape.join());
    const some = await modulated(context, alike, { signal });
    found.push(...(await broughtTo(context, some, defaultQuality, signal)));
  };
  for await (const { id, distance } of nearestToPart(context, partOf(context, observation), options)) {
    distances.set(id, distance);
    if (ids.push(id) < Math.min(together, nearest - found.length)) continue;
    await take();
    if (found.length >= nearest) break;
  }
  if (ids.length > 0 && found.length < nearest) await take();
  const count = found.length;
  if (count < leastFunctions) {
    throw new BadInputError(
      'own-prior',
      `a prior of a functaset is learnt from ${leastFunctions} functions of [${card.shape}] or more, and ${store.path} has ${count}; name a prior of the model`,
    );
  }
  const modulations = new Float32Array(count * layout.length);
  for (const [i, { modulation }] of found.entries()) modulations.set(modulation, i * layout.length);
  const bytes = await trainGaussian({
    set: { layout, count, modulations, labels: [], labelOf: new Uint16Array(count) },
    weights: weightsOf(found.map(({ id }) => distances.get(id)!)),
    ...{ networkId, data: 'the nearest functions of a functaset', rounds, signal },
    rank: Math.min(mostDirections, Math.floor(count / functionsPerDirection)),
    multiply: indexes.multiply,
  });
  return openGaussian(bytes);
}

/** By distances, the least first. */
function weightsOf(distances: readonly number[]): Float64Array {
  const width = reach * distances[distances.length >> 1]!;
  return Float64Array.from(distances, (distance) =>
    width > 0 ? Math.exp(-0.5 * (distance / width) ** 2) : 1,
  );
}

/** Values at places on the scale of the card, as the index has them; of a mean over several places each is taken for it. */
function partOf({ model }: FunctasetContext, observation: Observation): Observed {
  const { shape, coordinates, group, values, channels } = observation;
  const field = toField(model.card.outputs, values);
  const relative = Float64Array.from(coordinates, (x, i) => x / shape[i % shape.length]!);
  const places = { axes: shape.length, relative };
  const count = relative.length / shape.length;
  const at = Float32Array.from(
    { length: count * channels },
    (_, i) => field[Math.floor(i / (group * channels)) * channels + (i % channels)]!,
  );
  return { shape, places, values: at, sampled: { points: count, of: count } };
}
