/**
 * The choice of what computes TensorFlow.js: tfjs-node-gpu, tfjs-node, the project's own `functa` backend, wasm, cpu, the
 * first that is there and passes a trial. All of them work through one copy of the core, whose engine is global: the
 * backend opened last is the one that computes.
 */
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { BadInputError, EnvironmentError } from '../../core/errors.ts';
import { loadDense } from './backend-dense.ts';
import { registerFuncta } from './backend-functa.ts';
import { loadTensorFlow, loadWasmBackend, type TensorFlow, type TensorFlowBundle } from './backend-load.ts';

export { type AdamState, type BackendAdam, type BackendAdamOptions, createAdam } from './backend-adam.ts';
export type { TensorFlow } from './backend-load.ts';

/** In order of choice. */
export const tensorFlowBackends = ['tfjs-node-gpu', 'tfjs-node', 'functa', 'wasm', 'cpu'] as const;
export type TensorFlowBackend = (typeof tensorFlowBackends)[number];

export interface TensorFlowOptions {
  /** One backend and no other; by default $FUNCTA_TFJS, else the first that works. */
  readonly backend?: TensorFlowBackend | undefined;
  /** Threads of the functa backend, of the whole process: 2 by default. */
  readonly threads?: number | undefined;
}

export interface OpenTensorFlow {
  readonly tf: TensorFlow;
  readonly backend: TensorFlowBackend;
  /** Backends of higher rank that were looked for, and why they are not used. */
  readonly absent: readonly { readonly backend: TensorFlowBackend; readonly why: string }[];
}

/**
 * Opens the best backend, or the one asked for. BadInputError for a name that is none; EnvironmentError `tfjs-absent` where
 * the one asked for is not there, with the reason.
 */
export async function openTensorFlow(options: TensorFlowOptions = {}): Promise<OpenTensorFlow> {
  const asked = options.backend ?? process.env.FUNCTA_TFJS;
  if (asked && !isBackend(asked)) {
    throw new BadInputError(
      'tfjs-backend',
      `no TensorFlow.js backend '${asked}'; one of: ${tensorFlowBackends.join(', ')}`,
    );
  }
  const candidates = asked ? [asked as TensorFlowBackend] : tensorFlowBackends;
  const tf = await loadTensorFlow();
  const absent: { backend: TensorFlowBackend; why: string }[] = [];
  for (const backend of candidates) {
    const why = await tryBackend(tf, backend, options);
    if (why === undefined) return { tf, backend, absent };
    absent.push({ backend, why });
  }
  throw new EnvironmentError(
    'tfjs-absent',
    absent.map(({ backend, why }) => `${backend}: ${why}`).join('; '),
  );
}

/** What this machine has, in order of choice. The backend that computes is the same afterwards. */
export async function listTensorFlow(): Promise<{ backend: TensorFlowBackend; why: string | undefined }[]> {
  const tf = await loadTensorFlow();
  const before = tf.getBackend();
  const list: { backend: TensorFlowBackend; why: string | undefined }[] = [];
  for (const backend of tensorFlowBackends) list.push({ backend, why: await tryBackend(tf, backend, {}) });
  if (before) await tf.setBackend(before);
  return list;
}

function isBackend(name: string): name is TensorFlowBackend {
  return (tensorFlowBackends as readonly string[]).includes(name);
}

/** Makes `backend` the one that computes; why it cannot be, in one line. */
async function tryBackend(tf: TensorFlowBundle, backend: TensorFlowBackend, options: TensorFlowOptions) {
  try {
    const name = await registered(tf, backend, options);
    if (!(await tf.setBackend(name))) return 'its initialisation failed';
    await trial(tf);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.split('\n')[0]! : String(error);
  }
}

/** Registers what `backend` needs; the name under which the core knows it. */
async function registered(
  tf: TensorFlowBundle,
  backend: TensorFlowBackend,
  options: TensorFlowOptions,
): Promise<string> {
  switch (backend) {
    case 'tfjs-node-gpu':
    case 'tfjs-node':
      await binding(`@tensorflow/${backend}`);
      return 'tensorflow';
    case 'functa': {
      const dense = loadDense();
      registerFuncta(tf, dense);
      dense.denseThreads(Math.max(1, options.threads ?? Math.min(2, availableParallelism())));
      return 'functa';
    }
    case 'wasm':
      await loadWasmBackend();
      return 'wasm';
    case 'cpu':
      return 'cpu';
    default:
      return backend satisfies never;
  }
}

/** The packages that bind the TensorFlow library are optional: they download it when they are installed. */
async function binding(name: string): Promise<void> {
  const require = createRequire(import.meta.url);
  try {
    require.resolve(name);
  } catch {
    throw new EnvironmentError('tfjs-absent', `not installed; to have it: npm install ${name}`);
  }
  await import(name);
}

/** A gradient through a matrix product, an elementwise function and a sum, against numbers worked out by hand. */
export async function trial(tf: TensorFlow): Promise<void> {
  const found = tf.tidy(() => {
    const a = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
    const b = tf.tensor2d([1, 0, 2, 1, 0, 3], [3, 2]);
    return tf.grad((x: import('@tensorflow/tfjs-core').Tensor) => tf.sum(tf.square(tf.matMul(x, b))))(a);
  });
  const values = await found.data();
  found.dispose();
  // a b = [[5, 11], [14, 23]]; the gradient is 2 (a b) b^T.
  const expected = [10, 42, 66, 28, 102, 138];
  if (expected.some((x, i) => Math.abs(x - values[i]!) > 1e-3)) {
    throw new EnvironmentError('tfjs-absent', `a trial operation gave ${[...values].join(', ')}`);
  }
}
