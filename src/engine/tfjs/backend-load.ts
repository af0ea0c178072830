/**
 * TensorFlow.js as one bundle (scripts/bundle.mjs). Its engine and its registry of kernels are global to the
 * process: backends that bring a copy of the core of their own register into the same place.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EnvironmentError } from '../../core/errors.ts';

export type TensorFlow = typeof import('@tensorflow/tfjs-core');
export type TensorFlowBundle = TensorFlow &
  Pick<typeof import('@tensorflow/tfjs-backend-cpu'), 'MathBackendCPU'>;

let loading: Promise<TensorFlowBundle> | undefined;

/** Loads the bundle once; EnvironmentError `tfjs-absent` where it was not made. */
export function loadTensorFlow(): Promise<TensorFlowBundle> {
  loading ??= load();
  return loading;
}

/** Loads TensorFlow.js's own wasm backend, which registers itself, and tells it where its modules are. */
export async function loadWasmBackend(): Promise<void> {
  const wasm: typeof import('@tensorflow/tfjs-backend-wasm') = await bundled('tfjs-wasm.mjs');
  wasm.setWasmPaths(fileURLToPath(folder));
}

// build/ of a checkout, dist/build/ of a built package.
const folder = new URL('../../../build/', import.meta.url);

async function load(): Promise<TensorFlowBundle> {
  let tf: TensorFlowBundle;
  try {
    tf = await bundled('tfjs.mjs');
  } catch (error) {
    loading = undefined;
    throw error;
  }
  // Otherwise the core prints: advice to install another backend, notice of a second copy of itself.
  tf.enableProdMode();
  return tf;
}

async function bundled<T>(name: string): Promise<T> {
  const place = new URL(name, folder);
  if (existsSync(place)) return import(/* @vite-ignore */ place.href);
  const message = 'the TensorFlow.js bundle is not built; run: node scripts/bundle.mjs';
  throw new EnvironmentError('tfjs-absent', message);
}
