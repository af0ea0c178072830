/** Which model a command uses: the one that is named, else the only one that fits. */
import { NotFoundError } from '../core/errors.ts';
import type { Model } from '../field/model.ts';
import type { Inspection, Session } from '../pipeline/types.ts';
import { UsageError } from './exit.ts';
import type { Job } from './job.ts';

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
  const { listModels, loadModel } = await import('../pipeline/index.ts');
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

/** The model that a coded file names by its digest; one given by name or path is left to the decoder to refuse. */
export async function modelOfFile(
  ref: string | undefined,
  file: string,
  { modelDigest }: Inspection,
): Promise<Model> {
  return namedOrKnown(
    ref,
    ({ id, networkId }) => id.startsWith(modelDigest) || networkId.startsWith(modelDigest),
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
    (model) => model.networkId === networkId,
    (known) =>
      `${owner} belongs to network ${networkId.slice(0, 16)}, which is none of those here (${known}); give its model with --model`,
  );
}

/** The model of `ref`, or the first one here that fits. */
async function namedOrKnown(
  ref: string | undefined,
  fits: (model: Model) => boolean,
  absent: (known: string) => string,
): Promise<Model> {
  const { listModels, loadModel } = await import('../pipeline/index.ts');
  if (ref !== undefined) return loadModel(ref);
  const entries = await listModels();
  for (const { path } of entries) {
    const model = await loadModel(path);
    if (fits(model)) return model;
  }
  throw new NotFoundError('model-not-here', absent(entries.map(({ name }) => name).join(', ') || 'none'));
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
  const { openSession } = await import('../pipeline/index.ts');
  return withEngine(job, (engine) => work(openSession({ model, engine })));
}

export async function withEngine<T>(job: Job, work: (engine: Session['engine']) => Promise<T>): Promise<T> {
  const { openEngine } = await import('../engine/index.ts');
  const { engine: choice, threads } = job.globals;
  const engine = await openEngine(choice, threads === undefined ? {} : { threads });
  try {
    return await work(engine);
  } finally {
    await engine.close();
  }
}
