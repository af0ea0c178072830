/**
 * TensorFlow.js as one bundle (scripts/bundle-tfjs.mjs). Its engine and its registry of kernels are global to the
 * process: backends that bring a copy of the core of their own register into the same place.
 */
import { existsSync } from 'node:fs';
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

async function load(): Promise<TensorFlowBundle> {
  // Beside dist/src in a built package, in build/ of a checkout.
  const places = ['../../../tfjs.mjs', '../../../build/tfjs.mjs'].map(
    (path) => new URL(path, import.meta.url),
  );
  const found = places.find((place) => existsSync(place));
  if (!found) {
    loading = undefined;
    throw new EnvironmentError(
      'tfjs-absent',
      'the TensorFlow.js bundle is not built; run: node scripts/bundle-tfjs.mjs',
    );
  }
  const tf: TensorFlowBundle = await import(/* @vite-ignore */ found.href);
  // Otherwise the core prints: advice to install another backend, notice of a second copy of itself.
  tf.enableProdMode();
  return tf;
}
