/** A training run over the variables of TensorFlow.js. */
import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import { createAdam, type TensorFlow } from '../../src/engine/tfjs/backend.ts';
import { type RunOptions, runSteps } from './run.ts';

export interface TrainingRun extends RunOptions {
  readonly variables: readonly Variable[];
  /** Loss and gradients (in the order of the variables, disposed of here) of step 0 .. trainingSteps - 1. */
  readonly step: (index: number) => { readonly loss: number; readonly gradients: readonly Tensor[] };
}

/** The averaged weights. Throws as `runSteps`. */
export async function runTraining(tf: TensorFlow, run: TrainingRun): Promise<Float32Array[]> {
  const { variables } = run;
  const adam = createAdam(tf, variables);
  const averages = variables.map((variable) =>
    tf.variable(
      tf.tidy(() => tf.add(variable, 0)),
      false,
    ),
  );
  const copies = (list: readonly Variable[]) => list.map((v) => Float32Array.from(v.dataSync()));
  try {
    await runSteps(run, {
      step(index) {
        const { loss, gradients } = run.step(index);
        return {
          loss,
          update(rate) {
            adam.update(gradients, rate);
            tf.dispose(gradients as Tensor[]);
          },
        };
      },
      follow: (decay) => follow(tf, averages, variables, decay),
      state: (step) => ({
        step,
        variables: copies(variables),
        adam: adam.state(),
        averages: copies(averages),
        shapes: [],
      }),
      restore(from) {
        assign(tf, variables, from.variables);
        assign(tf, averages, from.averages ?? []);
        adam.restore(from.adam);
      },
    });
    return copies(averages);
  } finally {
    adam.dispose();
    tf.dispose(averages);
  }
}

/** The values of a tensor and nothing else; an array returned from `tidy` itself is searched for tensors, number by number. */
export function valuesOf(tf: TensorFlow, make: () => Tensor): Float32Array {
  const found = tf.tidy(make);
  const values = found.dataSync() as Float32Array;
  found.dispose();
  return values;
}

/** Overwrites variables. */
export function assign(
  tf: TensorFlow,
  variables: readonly Variable[],
  values: readonly Float32Array[],
): void {
  variables.forEach((variable, i) => {
    const stored = tf.tensor(values[i]!.slice(), variable.shape, 'float32');
    variable.assign(stored as typeof variable);
    stored.dispose();
  });
}

function follow(
  tf: TensorFlow,
  averages: readonly Variable[],
  variables: readonly Variable[],
  decay: number,
) {
  averages.forEach((average, i) => {
    const next = tf.tidy(() => tf.add(tf.mul(average, decay), tf.mul(variables[i]!, 1 - decay)));
    average.assign(next as typeof average);
    next.dispose();
  });
}
