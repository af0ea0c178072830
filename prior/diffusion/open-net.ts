/** The denoiser's network by what there is: the native addon, else TensorFlow.js. */
import { openTensorFlow } from '../../src/engine/tfjs/backend.ts';
import type { DenoiserNet, DenoiserSize } from './net.ts';
import { nativeDenoiser } from './net-native.ts';
import { tfjsDenoiser } from './net-tfjs.ts';

export interface OpenNet {
  readonly net: DenoiserNet;
  /** What computes. */
  readonly backend: string;
}

/** Keeps `weights`, in the order of `denoiserShapes`. Throws what `openTensorFlow` throws. */
export async function openNet(
  size: DenoiserSize,
  weights: readonly Float32Array[],
  threads = 1,
): Promise<OpenNet> {
  const net = nativeDenoiser(size, weights, threads);
  if (net !== undefined) return { net, backend: 'the native kernels' };
  const { tf, backend } = await openTensorFlow({ threads });
  return { net: tfjsDenoiser(tf, size, weights), backend: `TensorFlow.js (${backend})` };
}
