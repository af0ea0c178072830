/**
 * Adam (D. Kingma and J. Ba, arXiv 1412.6980, algorithm 1) with an explicit state, so that a run resumes exactly. On the
 * functa backend one pass over memory updates a variable; elsewhere it is TensorFlow.js operations.
 */
import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import { BadInputError } from '../../core/errors.ts';
import type { FunctaBackend } from './backend-functa.ts';
import type { TensorFlow } from './backend-load.ts';

export interface BackendAdamOptions {
  readonly beta1?: number | undefined;
  readonly beta2?: number | undefined;
  readonly epsilon?: number | undefined;
}

export interface AdamState {
  /** Updates done. */
  readonly step: number;
  /** First and second moments, a pair for each variable in order. */
  readonly moments: readonly (readonly [Float32Array, Float32Array])[];
}

export interface BackendAdam {
  /** Changes the variables in place; `gradients` in the order of the variables, kept by the caller. */
  update(gradients: readonly Tensor[], rate: number): void;
  /** A copy. */
  state(): AdamState;
  /** Throws BadInputError `adam-state` when it is of other variables. */
  restore(state: AdamState): void;
  dispose(): void;
}

export function createAdam(
  tf: TensorFlow,
  variables: readonly Variable[],
  options: BackendAdamOptions = {},
): BackendAdam {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
  const zeros = (like: Variable) => tf.tidy(() => tf.variable(tf.zerosLike(like), false));
  const first = variables.map(zeros);
  const second = variables.map(zeros);
  let step = 0;

  return {
    update(gradients, rate) {
      step++;
      const correct1 = 1 - beta1 ** step;
      const correct2 = 1 - beta2 ** step;
      const native = tf.getBackend() === 'functa' ? (tf.backend() as unknown as FunctaBackend) : undefined;
      const numbers = Float64Array.of(rate, beta1, beta2, epsilon, correct1, correct2);
      variables.forEach((variable, i) => {
        const gradient = gradients[i]!;
        if (native) {
          const [value, m, v] = [variable, first[i]!, second[i]!].map((target) =>
            inPlace(tf, native, target),
          );
          native.dense.denseAdam(native.valuesOf(gradient), value!, m!, v!, numbers);
          return;
        }
        tf.tidy(() => {
          const m = tf.add(tf.mul(first[i]!, beta1), tf.mul(gradient, 1 - beta1));
          const v = tf.add(tf.mul(second[i]!, beta2), tf.mul(tf.square(gradient), 1 - beta2));
          const change = tf.div(tf.mul(m, rate / correct1), tf.add(tf.sqrt(tf.div(v, correct2)), epsilon));
          first[i]!.assign(m);
          second[i]!.assign(v);
          variable.assign(tf.sub(variable, change));
        });
      });
    },

    state() {
      const copy = (variable: Variable) => Float32Array.from(variable.dataSync());
      return { step, moments: variables.map((_, i) => [copy(first[i]!), copy(second[i]!)] as const) };
    },

    restore(state) {
      const fits = state.moments.length === variables.length;
      if (
        !fits ||
        variables.some(({ size }, i) => state.moments[i]!.some((moment) => moment.length !== size))
      ) {
        throw new BadInputError('adam-state', 'the optimiser state is of other variables');
      }
      step = state.step;
      variables.forEach(({ shape }, i) => {
        for (const [j, target] of [first[i]!, second[i]!].entries()) {
          const values = tf.tensor(state.moments[i]![j]!.slice(), shape, 'float32');
          target.assign(values);
          values.dispose();
        }
      });
    },

    dispose() {
      tf.dispose([...first, ...second]);
    },
  };
}

/** Memory of a variable that may be changed: a variable that shares its memory gets its own first. */
function inPlace(tf: TensorFlow, backend: FunctaBackend, variable: Variable): Float32Array {
  const values = backend.writable(variable);
  if (values) return values;
  const copy = tf.tidy(() => tf.add(variable, 0));
  variable.assign(copy as typeof variable);
  copy.dispose();
  return backend.writable(variable)!;
}
