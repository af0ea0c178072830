/** A training run of a generative prior: Adam, an exponential moving average of the weights, checkpoints. */
import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import { AbortedError } from '../../src/core/errors.ts';
import { createAdam, type TensorFlow } from '../../src/engine/tfjs/backend.ts';
import { type CheckpointPlace, packState, unpackState } from './checkpoint.ts';
import { checkLoss } from './finite.ts';
import { schedule } from './schedule.ts';

export interface TrainingRun {
  readonly variables: readonly Variable[];
  readonly trainingSteps: number;
  /** Highest learning rate: a warm-up of one fiftieth, then half a cosine down to zero. */
  readonly rate: number;
  /** Of everything that makes this run another one. */
  readonly digest: string;
  /** What is left of the average after a step. */
  readonly averageDecay: number;
  /** Loss and gradients (in the order of the variables, disposed of here) of step 0 .. trainingSteps - 1. */
  readonly step: (index: number) => { readonly loss: number; readonly gradients: readonly Tensor[] };
  readonly checkpoint?: CheckpointPlace | undefined;
  readonly onEvent?: ((event: RunEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type RunEvent =
  /** Mean loss over the steps since the last such event. */
  | { readonly type: 'train'; readonly step: number; readonly steps: number; readonly loss: number }
  | { readonly type: 'checkpoint'; readonly step: number }
  /** What the averaged weights reach on held-out modulations. */
  | { readonly type: 'figure'; readonly name: string; readonly value: number }
  | { readonly type: 'resumed'; readonly step: number };

const eventSteps = 20;
/** The average is brought up to date so often: it costs a pass over memory. */
const averageSteps = 4;

/** The averaged weights. Throws BadInputError `diverged`, AbortedError when told to stop, after saving a checkpoint if there is a place for one. */
export async function runTraining(tf: TensorFlow, run: TrainingRun): Promise<Float32Array[]> {
  const { variables, trainingSteps, checkpoint } = run;
  const adam = createAdam(tf, variables);
  const averages = variables.map((variable) =>
    tf.variable(
      tf.tidy(() => tf.add(variable, 0)),
      false,
    ),
  );
  const copies = (list: readonly Variable[]) => list.map((v) => Float32Array.from(v.dataSync()));
  const state = (step: number) =>
    packState(
      { step, variables: copies(variables), adam: adam.state(), averages: copies(averages), shapes: [] },
      run.digest,
    );
  let step = 0;
  let sum = 0;
  let summed = 0;
  try {
    const saved = await checkpoint?.load();
    if (saved) {
      const from = unpackState(saved, run.digest);
      assign(tf, variables, from.variables);
      assign(tf, averages, from.averages ?? []);
      adam.restore(from.adam);
      step = from.step;
      run.onEvent?.({ type: 'resumed', step });
    }
    while (step < trainingSteps) {
      if (run.signal?.aborted) {
        await checkpoint?.save(state(step));
        throw new AbortedError(`training of the prior stopped after step ${step}`);
      }
      const { loss, gradients } = run.step(step);
      checkLoss(loss, 'training of the prior', step);
      adam.update(gradients, run.rate * schedule(step / trainingSteps));
      tf.dispose(gradients as Tensor[]);
      step++;
      // A young run forgets its start sooner.
      const decay = Math.min(run.averageDecay, (1 + step) / (10 + step)) ** averageSteps;
      if (step % averageSteps === 0 || step === trainingSteps) follow(tf, averages, variables, decay);
      sum += loss;
      summed++;
      if (step % eventSteps === 0 || step === trainingSteps) {
        run.onEvent?.({ type: 'train', step, steps: trainingSteps, loss: sum / summed });
        sum = 0;
        summed = 0;
      }
      // Kernels are synchronous: let timers, signals and other jobs in.
      await new Promise((resolve) => setImmediate(resolve));
      if (checkpoint && step < trainingSteps && step % (checkpoint.every ?? 500) === 0) {
        await checkpoint.save(state(step));
        run.onEvent?.({ type: 'checkpoint', step });
      }
    }
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
