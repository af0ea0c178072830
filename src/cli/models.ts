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

/**
 * The model called `ref`; without a name, the only bundled one for which `fits` holds. `what` completes the sentence
 * "no model fits ...".
 */
export async function chooseModel(
  ref: string | undefined,
  what: string,
  fits: (model: Model) => boolean = () => true,
): Promise<Model> {
  const { listModels, loadModel } = await import('../models/index.ts');
  if (ref !== undefined) return loadModel(ref);
  const fitting: Model[] = [];
  const all: string[] = [];
  for (const { path, name } of await listModels()) {
    const model = await loadModel(path);
    all.push(name);
    if (fits(model)) fitting.push(model);
  }
  const [only] = fitting;
  if (only === undefined) {
    throw new UsageError(
      'no-model',
      `no model here (${all.join(', ') || 'none'}) fits ${what}; name one with --model`,
    );
  }
  if (fitting.length > 1) {
    const names = fitting.map(({ card }) => card.name).join(', ');
    throw new UsageError('which-model', `several models fit ${what}: ${names}; choose one with --model`);
  }
  return only;
}

/** Bundled models, but for those that draw alone. */
export async function bundledModels(): Promise<Model[]> {
  const { isForSamples, listModels, loadModel } = await import('../models/index.ts');
  const all = await Promise.all((await listModels()).map(({ path }) => loadModel(path)));
  return all.filter(({ card }) => !isForSamples(card));
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
  const model = signal && likeliestModel(fitting, signal);
  const names = (models: readonly Model[]) => models.map(({ card }) => card.name).join(', ') || 'none';
  const [only] = fitting;
  if (only === undefined)
    throw new UsageError('no-model', `no model here (${names(all)}) fits ${what}; name one with --model`);
  if (fitting.length === 1) return only;
  if (model === undefined)
    throw new UsageError(
      'which-model',
      `several models fit ${what}: ${names(fitting)}; choose one with --model`,
    );
  const others = names(fitting.filter((other) => other !== model));
  job.note(`model ${model.card.name}; ${others} would do too: --model`);
  return model;
}

/**
 * The bundled model for a signal that names none, and the others that fit, by its values too: `readFor` reads it for a model. One of the
 * signal's own shape and channels comes first, then the general one, then the only one that fits. The format says whether a model of other
 * channels will do.
 */
export async function modelOfSignal(
  signal: Signal,
  format: SignalFormat,
  readFor: (model: Model) => Promise<Signal>,
): Promise<{ readonly model: Model; readonly others: readonly string[] }> {
  const { shape } = signal;
  const channels = format.channelsNeeded(signal);
  const { isForSamples, likeliestModel, listModels, loadModel } = await import('../models/index.ts');
  const all = await Promise.all((await listModels()).map(({ path }) => loadModel(path)));
  const takes = ({ card }: Model) => {
    if (isForSamples(card)) return false;
    const sameShape = card.shape.join() === shape.join();
    if (!(card.anySize ? card.shape.length === shape.length : sameShape)) return false;
    return format.fits(kindOf(card)) && format.takes(card.spec.outputs, channels);
  };
  const fitting = await cardsOfValues(all.filter(takes), format, readFor);
  const model = likeliestModel(fitting, { shape, channels });
  if (model !== undefined) {
    return { model, others: fitting.filter((other) => other !== model).map(({ card }) => card.name) };
  }
  const what = `a signal of ${sizeText(shape)} with ${channels} channel${channels === 1 ? '' : 's'}`;
  const names = (models: readonly Model[]) => models.map(({ card }) => card.name).join(', ') || 'none';
  throw fitting.length === 0
    ? new UsageError('no-model', `no model here (${names(all)}) fits ${what}; name one with --model`)
    : new UsageError('which-model', `several models fit ${what}: ${names(fitting)}; choose one with --model`);
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
  const { listModels, loadModel } = await import('../models/index.ts');
  const all = await Promise.all((await listModels()).map(({ path }) => loadModel(path)));
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
