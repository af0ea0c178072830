/** The numbers that are whitened together, from steps to the tokens that couplings take. */
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { TensorFlow } from '../../src/engine/tfjs/backend.ts';
import type { ModulationLayout } from '../../src/field/layout.ts';
import { valuesOf } from '../train/loop.ts';
import { denseWhitening, type FlowBase, indicesOf } from './base.ts';
import { type FlowTokens, flowTokens } from './tokens.ts';

export interface Whitening {
  /** [n]: the numbers of a modulation that it takes, in order. */
  readonly together: Int32Array;
  readonly tokens: FlowTokens;
  /** Numbers in steps, [count, n], to [count, tokens * slots]. */
  whiten(numbers: Float32Array): Float32Array;
  dispose(): void;
}

export function createWhitening(tf: TensorFlow, base: FlowBase, layout: ModulationLayout): Whitening {
  const together = indicesOf(base.alone);
  const n = together.length;
  const tokens = flowTokens(layout, together);
  const matrix: Tensor2D = tf.tensor2d(denseWhitening(base, n), [n, n]);
  const row = tokens.tokens * tokens.slots;
  return {
    together,
    tokens,
    whiten(numbers) {
      const count = numbers.length / n;
      const rows = numbers.map((x, i) => {
        const d = together[i % n]!;
        return (x - base.first[d]!) / base.second[d]!;
      });
      const white = valuesOf(tf, () => tf.matMul(tf.tensor2d(rows, [count, n]), matrix, false, true));
      const z = new Float32Array(count * row);
      for (let i = 0; i < count; i++) {
        for (let j = 0; j < n; j++) z[i * row + tokens.places[j]!] = white[i * n + j]!;
      }
      return z;
    },
    dispose: () => matrix.dispose(),
  };
}
