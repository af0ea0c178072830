/** Which model a command uses: the one that is named, else the only one that fits. */
import { dirname, resolve } from 'node:path';
import { BadInputError, NotFoundError } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import type { Model } from '../field/model.ts';
import { kindOf, type SignalFormat } from '../formats/formats.ts';
import { cardsOfValues, cardsThatTake, otherKindCodes, toldOfTakers } from '../formats/read.ts';
import type { Inspection, Session } from '../session/types.ts';
import type { Signal } from '../signal/signal.ts';
import { UsageError } from './exit.ts';
import type { Job } from './job.ts';
import { sizeText } from './text.ts';

export const modelOption = [
  '-m, --model <model>',
  'a model file, or the name of a model in models/',
] as const;

/** The model called `ref`; without a name, the only bundled one. `what` completes the sentence "no model fits ...". Throws as `chosenOf`. */
export async function chooseModel(ref: string | undefined, what: string): Promise<Model> {
  const { loadModel } = await import('../models/index.ts');
  if (ref !== undefined) return loadModel(ref);
  const all = await loadBundled();
  const [only] = all;
  if (only === undefined || all.length > 1) throw noChoice(all, all, what);
  return only;
}

async function loadBundled(): Promise<Model[]> {
  const { listModels, loadModel } = await import('../models/index.ts');
  return Promise.all((await listModels()).map(({ path }) => loadModel(path)));
}

/** Bundled models, but for those that draw alone. */
export async function modelsOfSignals(): Promise<Model[]> {
  const { isForSamples } = await import('../models/index.ts');
  return (await loadBundled()).filter(({ card }) => !isForSamples(card));
}

/** None fits, or several do. */
function noChoice(fitting: readonly Model[], all: readonly Model[], what: string): UsageError {
  return fitting.length === 0
    ? new UsageError('no-model', `no model here (${namesOf(all)}) fits ${what}; name one with --model`)
    : new UsageError(
        'which-model',
        `several models fit ${what}: ${namesOf(fitting)}; choose one with --model`,
      );
}

function namesOf(models: readonly Model[]): string {
  return models.map(({ card }) => card.name).join(', ') || 'none';
}

/**
 * Of models that fit `what` the likeliest for a signal, of which a note tells the others; without a signal the only one. Throws UsageError
 * `no-model`, `which-model`.
 */
export async function chosenOf(
  job: Job,
  fitting: readonly Model[],
  all: readonly Model[],
  what: string,
  signal?: Pick<Signal, 'shape' | 'channels'>,
): Promise<Model> {
  const { likeliestModel } = await import('../models/index.ts');
  const [only] = fitting;
  if (only !== undefined && fitting.length === 1) return only;
  const model = signal && likeliestModel(fitting, signal);
  if (model === undefined) throw noChoice(fitting, all, what);
  const others = namesOf(fitting.filter((other) => other !== model));
  job.note(`model ${model.card.name}; ${others} would do too: --model`);
  return model;
}

/**
 * The bundled model for a signal that names none, by its values too: `readFor` reads it for a model. One of the signal's own shape and
 * channels comes first, then the general one, then the only one that fits; a note tells the others. The format says whether a model of
 * other channels will do. Throws as `chosenOf`.
 */
export async function modelOfSignal(
  job: Job,
  signal: Signal,
  format: SignalFormat,
  readFor: (model: Model) => Promise<Signal>,
): Promise<Model> {
  const { shape } = signal;
  const channels = format.channelsNeeded(signal);
  const { isForSamples } = await import('../models/index.ts');
  const all = await loadBundled();
  const takes = ({ card }: Model) => {
    if (isForSamples(card)) return false;
    const sameShape = card.shape.join() === shape.join();
    if (!(card.anySize ? card.shape.length === shape.length : sameShape)) return false;
    return format.fits(kindOf(card)) && format.takes(card.spec.outputs, channels);
  };
  const fitting = await cardsOfValues(all.filter(takes), format, readFor);
  const what = `a signal of ${sizeText(shape)} with ${channels} channel${channels === 1 ? '' : 's'}`;
  return chosenOf(job, fitting, all, what, { shape, channels });
}

/**
 * What is wrong with a file that its model does not take: one of another kind is told with the names of the models here that would take it.
 * Throws it.
 */
export async function refuseFor(
  error: unknown,
  bytes: Uint8Array,
  options: Parameters<typeof cardsThatTake>[2],
): Promise<never> {
  if (!(error instanceof BadInputError && otherKindCodes.has(error.code))) throw error;
  const all = await loadBundled();
  const taking = await cardsThatTake(
    bytes,
    all.map(({ card }) => card),
    options,
  );
  const told = toldOfTakers(
    taking.map(({ name }) => name),
    all.length,
  );
  throw new BadInputError(error.code, `${error.message}; ${told}`, { cause: error });
}

/**
 * The model that a coded file names by its digest, or that it brings itself; one given by name or path is left to the decoder to
 * refuse.
 */
export async function modelOfFile(
  ref: string | undefined,
  file: string,
  { modelDigest }: Inspection,
  bytes: Uint8Array,
  limits: Limits,
): Promise<Model> {
  if (modelDigest === undefined) {
    const { modelOfNetworkFile } = await import('../session/index.ts');
    return modelOfNetworkFile(bytes, limits);
  }
  const { isCodedBy } = await import('../models/index.ts');
  return namedOrKnown(
    ref,
    file,
    isCodedBy(modelDigest),
    (known) =>
      `${file} was coded by the model ${modelDigest}, which is none of those here (${known}); give its file with --model`,
  );
}

/** The model of a network; one given by name or path is left to what it is used with to refuse. */
export async function modelOfNetwork(
  ref: string | undefined,
  owner: string,
  networkId: string,
): Promise<Model> {
  return namedOrKnown(
    ref,
    owner,
    (model) => model.networkId === networkId,
    (known) =>
      `${owner} belongs to network ${networkId.slice(0, 16)}, which is none of those here (${known}); give its model with --model`,
  );
}

/** The model of `ref`, or the first that fits of the bundled ones and of those that stand beside `owner`. */
async function namedOrKnown(
  ref: string | undefined,
  owner: string,
  fits: (model: Model) => boolean,
  absent: (known: string) => string,
): Promise<Model> {
  const { findModelWith, loadModel } = await import('../models/index.ts');
  if (ref !== undefined) return loadModel(ref);
  const { model, known } = await findModelWith(fits, { beside: dirname(resolve(owner)) });
  if (model !== undefined) return model;
  throw new NotFoundError('model-not-here', absent(known.join(', ') || 'none'));
}

/** The model whose functions a functaset holds. */
export async function modelOfStore(ref: string | undefined, path: string): Promise<Model> {
  const { openFunctaset } = await import('../functaset/index.ts');
  const store = await openFunctaset(path, { readOnly: true });
  await store.close();
  return modelOfNetwork(ref, path, store.info.networkId);
}

/** Opens the engine that the flags ask for, runs `work` in a session with it, and closes it. */
export async function withSession<T>(
  job: Job,
  model: Model,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const { openSession } = await import('../session/index.ts');
  return withEngine(job, (engine) => work(openSession({ model, engine, limits: job.limits })));
}

export async function withEngine<T>(job: Job, work: (engine: Session['engine']) => Promise<T>): Promise<T> {
  const { engineNamed, openEngine } = await import('../engine/index.ts');
  const { engine: choice, threads } = job.globals;
  const engine = await openEngine(engineNamed(choice), threads === undefined ? {} : { threads });
  try {
    return await work(engine);
  } finally {
    await engine.close();
  }
}
