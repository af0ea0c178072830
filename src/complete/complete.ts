/** The whole of a signal from a part of it: Functa's imputation (arXiv 2201.12204, section 5.3), under a prior of choice. */

import { multiplyAddsPerPoint } from '../../codec/index.ts';
import type { Diffusion } from '../../prior/diffusion/index.ts';
import type { Gaussian } from '../../prior/gaussian/index.ts';
import { generativeKinds, type KindThat, kindsThat } from '../../prior/kinds.ts';
import { aFlag, aModelAndEngine, aNumber, anObject, aSize, aText, check, optionsOf } from '../core/check.ts';
import { BadInputError, NotFoundError } from '../core/errors.ts';
import { checkLimit, defaultLimits, type Limits } from '../core/limits.ts';
import { mse, psnrDb } from '../core/units.ts';
import type { Engine } from '../engine/engine.ts';
import type { ModelCard } from '../field/card.ts';
import type { Model } from '../field/model.ts';
import { type Output, toField } from '../field/outputs.ts';
import { pointCount, totalChannels } from '../field/spec.ts';
import { openGenerative, samplersOf } from '../models/generative.ts';
import { outputGrid } from '../session/index.ts';
import { fieldRows } from '../session/rows.ts';
import { axesOf } from '../signal/axes.ts';
import { collectRows } from '../signal/index.ts';
import { modelFor } from '../signal/own-range.ts';
import type { Size } from '../signal/region.ts';
import type { Signal } from '../signal/signal.ts';
import { checkRange, checkShapeFits } from '../signal/values.ts';
import { isOfChannels, normalOfChannels } from './channels.ts';
import { byDiffusion, byNormal, workOf } from './find.ts';
import { anObservation, checkWhole, type Observation, observedSignal } from './observation.ts';
import { type Evidence, groupMeans, type Normal } from './posterior.ts';

export interface CompleteOptions {
  /** One of `completingPriors`; default: the first of them that the model has. */
  readonly prior?: KindThat<'complete'> | undefined;
  /** A prior of a functaset (`ownPrior`), in place of one of the model; the answer calls it `own`. */
  readonly own?: Gaussian | undefined;
  /** Signals drawn from what is possible given the observation; default 4. */
  readonly draws?: number | undefined;
  readonly seed?: number | undefined;
  /**
   * Standard deviation of an observed value, in units of the model's range of values: what the network cannot show, and
   * what the values themselves are off by. Default 0.04.
   */
  readonly noise?: number | undefined;
  /** Size of what is returned; default: the signal's own. */
  readonly size?: Size | string | undefined;
  /** Values as the field gives them: not clamped, not rounded. */
  readonly raw?: boolean | undefined;
  readonly limits?: Limits | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Completion {
  readonly prior: string;
  /** What the values of all signals are: the card's, over the range of what was observed where that is another. */
  readonly outputs: readonly Output[];
  /** The likeliest signal; by a diffusion the mean of eight draws, as modulations, or of sixteen, as signals, where whole cells are known. */
  readonly completed: Signal;
  readonly draws: readonly Signal[];
  /** Mean and standard deviation of every value over the draws; absent under two draws. */
  readonly spread: { readonly mean: Signal; readonly deviation: Signal } | undefined;
  /** [m] each: of `completed`, then of the draws. */
  readonly modulations: readonly Float32Array[];
  /** Of the completed field at the observed places against what was observed; peak: the model's range of values. */
  readonly observedPsnrDb: number;
  /**
   * How far what was observed is from what the prior expects there, for each observed value: the square of the Mahalanobis distance
   * of the observation (see `Posterior.square`). What the prior itself would draw has about 1, what it knows little of has more.
   * Absent where a diffusion completed, which gives no densities.
   */
  readonly surprise: number | undefined;
  readonly seconds: number;
}

/** Priors that signals can be completed with, in order of choice: those of whole signals first, and of them the quick one. */
export const completingPriors = kindsThat('complete').toReversed();
export type CompletingPrior = KindThat<'complete'>;

export const maxDraws = 64;
const defaultNoise = 0.04;
/**
 * Completes a signal: of the model's own shape by a prior of whole signals where there is one, else of any size that the model codes by what the
 * model's tables say of channels. Values of another range than that of outputs without a unit are taken over their own. The same observation, options and seed give the same values on one machine.
 * Throws BadInputError `prior-cannot-complete`, `unknown-prior`, `observed-shape`, `signal-range`, `bad-draws`, `bad-noise`; NotFoundError
 * `prior`; LimitError; AbortedError; and what opening a prior throws.
 *
 * @example
 * const half = Uint8Array.from({ length: 784 }, (_, i) => Number(i < 392));
 * const { completed } = await complete(session, observeMasked(signal, { shape: [28, 28], observed: half }), { draws: 0 });
 */
export async function complete(
  source: { readonly model: Model; readonly engine: Engine },
  observation: Observation,
  options: CompleteOptions = {},
): Promise<Completion> {
  check(
    'complete',
    aModelAndEngine(source, 'source'),
    anObservation(observation, 'observation'),
    optionsOf({
      prior: aText,
      own: anObject,
      draws: aNumber,
      seed: aNumber,
      noise: aNumber,
      size: aSize,
      raw: aFlag,
    })(options, 'options'),
  );
  const { model, engine } = source;
  const { draws = 4, seed = 0, noise = defaultNoise, limits = defaultLimits, size, raw, signal } = options;
  const started = performance.now();
  if (!Number.isInteger(draws) || draws < 0 || draws > maxDraws) {
    throw new BadInputError('bad-draws', `draws is a whole number from 0 to ${maxDraws}, not ${draws}`);
  }
  if (!(noise >= 1e-4 && noise <= 1e3)) {
    throw new BadInputError('bad-noise', `noise is a number from 0.0001 to 1000, not ${noise}`);
  }
  const { shape, coordinates, group } = observation;
  checkShapeFits(model.card, shape, 'the observation');
  const over = modelFor(model, observedSignal(observation));
  const { card, network } = over;
  checkRange(over, observation.values, 'the observation');
  checkDrawn(card, shape, 1 + draws, size, limits);
  checkOnePrior(options.own, options.prior);
  const kind = options.own === undefined ? await choosePrior(model, options.prior, observation) : undefined;
  if (kind === undefined || !isOfChannels(kind)) checkWhole(model, observation);
  const prior = kind === undefined ? options.own! : await openPrior(model, kind, shape);
  checkWork(model, observation, 'renew' in prior ? draws : undefined, limits);
  const values = toField(card.outputs, observation.values);
  // What is off by chance cancels in means.
  const evidence: Evidence = { shape, coordinates, group, values, noise: (noise * noise) / group };
  const request = { draws, seed, signal };
  const { found, surprise } =
    'renew' in prior
      ? await byDiffusion(source, prior, await normalOf(model), evidence, request)
      : await byNormal(source, prior, evidence, request);
  const axes = axesOf(card, shape).map((axis, a) => {
    const own = observation.axes?.[a];
    return own?.step === undefined && own?.at === undefined ? axis : own;
  });
  const decode = async (modulation: Float32Array, id: string): Promise<Signal> => {
    const stream = fieldRows({ model: over, engine }, shape, modulation, { size, raw, axes, signal, limits });
    const { shape: drawn, channels, axes: along } = stream;
    return { id, shape: drawn, channels, axes: along, values: await collectRows(stream) };
  };
  const [first, ...rest] = found;
  const drawn: Signal[] = [];
  for (const [i, modulation] of rest.entries()) drawn.push(await decode(modulation, `draw-${i}`));
  const points = { kind: 'list', coordinates } as const;
  const field = await engine.evaluate(network, shape, first!, points, { signal });
  return {
    prior: kind ?? 'own',
    outputs: card.outputs,
    completed: await decode(first!, 'completed'),
    draws: drawn,
    spread: drawn.length < 2 ? undefined : spreadOf(drawn),
    modulations: found,
    observedPsnrDb: psnrDb(
      mse(inPeaks(card, groupMeans(field, group, network.spec.outputs)), inPeaks(card, values)),
    ),
    surprise,
    seconds: (performance.now() - started) / 1000,
  };
}

/** Field values [count, outputs] in peaks of their outputs. */
function inPeaks({ outputs }: ModelCard, values: ArrayLike<number>): Float64Array {
  const n = outputs.length;
  return Float64Array.from(values, (v, i) => (v * outputs[i % n]!.scale) / outputs[i % n]!.peak);
}

/** What a diffusion guesses by, where it stands beside the model. */
async function normalOf(model: Model): Promise<Normal | undefined> {
  const there: readonly string[] = await samplersOf(model);
  const able: readonly string[] = completingPriors;
  for (const kind of generativeKinds.filter((kind) => there.includes(kind) && able.includes(kind))) {
    const prior = await openPrior(model, kind as CompletingPrior, model.card.shape);
    if (!('renew' in prior)) return prior;
  }
  return undefined;
}

/** Throws BadInputError `unknown-prior`, `prior-cannot-complete`; NotFoundError `prior`. */
async function choosePrior(
  model: Model,
  asked: string | undefined,
  { shape }: Observation,
): Promise<CompletingPrior> {
  const there: readonly string[] = await samplersOf(model);
  const isWhole = shape.join() === model.card.shape.join();
  // One that is asked for says itself that it knows another shape.
  const able = completingPriors.filter(
    (kind) => there.includes(kind) && (asked !== undefined || isWhole || isOfChannels(kind)),
  );
  const known = completingPriors.find((kind) => kind === asked);
  const help = `completing takes one of ${completingPriors.join(', ')}; this model has ${able.join(', ') || 'none of them'}`;
  if (asked !== undefined && known === undefined) {
    const code = (await samplersOf(model)).some((kind) => kind === asked)
      ? 'prior-cannot-complete'
      : 'unknown-prior';
    throw new BadInputError(code, `the prior ${asked.slice(0, 64)} cannot complete a signal: ${help}`);
  }
  const kind = known ?? able[0];
  if (kind !== undefined && able.includes(kind)) return kind;
  throw new NotFoundError(
    'prior',
    `model ${model.card.name}: ${help}; to make one: functa prior train --kinds ${completingPriors[0]}`,
  );
}

async function openPrior(model: Model, kind: CompletingPrior, shape: readonly number[]) {
  const generative = generativeKinds.find((known) => known === kind);
  if (generative === undefined) return normalOfChannels(model, kind, shape);
  return (await openGenerative(model, generative)) as Gaussian | Diffusion;
}

/** `ofSet`: a functaset, or its prior. Throws BadInputError `one-prior` where a prior of the model is named beside it. */
export function checkOnePrior(ofSet: unknown, ofModel: unknown): void {
  if (ofSet === undefined || ofModel === undefined) return;
  throw new BadInputError(
    'one-prior',
    'a prior of a functaset stands in place of one of the model; give one of them',
  );
}

/** `chains`: how many draws a diffusion makes; absent: it is no diffusion. */
function checkWork(
  { card }: Model,
  { coordinates, values }: Observation,
  chains: number | undefined,
  limits: Limits,
): void {
  const { spec } = card;
  const points = coordinates.length / spec.axes;
  const numbers = points * spec.outputs * totalChannels(spec);
  checkLimit('samples', Math.max(numbers, values.length), limits.maxSamples, 'observe fewer points');
  checkLimit('multiply-adds', workOf(card, points, chains), limits.maxMultiplyAdds, 'observe fewer points');
}

/** What is drawn in the end, all of which is held at once, is looked at before anything is searched for. */
function checkDrawn(
  card: ModelCard,
  shape: readonly number[],
  count: number,
  size: Size | string | undefined,
  limits: Limits,
): void {
  const points = count * pointCount(outputGrid(shape, { size, axes: card.axes }, limits).shape);
  const hint = 'ask for a smaller size or fewer draws';
  checkLimit('samples', points, limits.maxSamples, hint);
  checkLimit('multiply-adds', points * multiplyAddsPerPoint(card.spec), limits.maxMultiplyAdds, hint);
}

function spreadOf(draws: readonly Signal[]): { mean: Signal; deviation: Signal } {
  const first = draws[0]!;
  const n = draws.length;
  const mean = new Float32Array(first.values.length);
  for (const { values } of draws) for (let i = 0; i < mean.length; i++) mean[i]! += values[i]! / n;
  const deviation = mean.map((m, i) =>
    Math.sqrt(draws.reduce((sum, { values }) => sum + (values[i]! - m) ** 2, 0) / (n - 1)),
  );
  return {
    mean: { ...first, id: 'mean', values: mean },
    deviation: { ...first, id: 'deviation', values: deviation },
  };
}
