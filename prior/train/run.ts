/** A training run of a generative prior: its steps, an exponential moving average of the weights, checkpoints. What is trained is a `Learner`'s. */
import { AbortedError } from '../../src/core/errors.ts';
import { type CheckpointPlace, packState, type RunState, unpackState } from './checkpoint.ts';
import { checkLoss } from './finite.ts';
import { schedule } from './schedule.ts';

export interface RunOptions {
  readonly trainingSteps: number;
  /** Highest learning rate: a warm-up of one fiftieth, then half a cosine down to zero. */
  readonly rate: number;
  /** Of everything that makes this run another one. */
  readonly digest: string;
  /** What is left of the average after a step. */
  readonly averageDecay: number;
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

/** Weights with their optimiser and their moving average, wherever these are kept. */
export interface Learner {
  /** The loss of step 0 .. trainingSteps - 1, and what brings the weights forward at a rate. */
  step(index: number): { readonly loss: number; update(rate: number): void };
  /** Moves the average: what is left of it is `decay`. */
  follow(decay: number): void;
  /** After `step` steps. */
  state(step: number): RunState;
  restore(state: RunState): void;
  /** Called after every step, with how many were done. */
  done?(step: number): void;
}

const eventSteps = 20;
/** The average is brought up to date so often: it costs a pass over memory. */
const averageSteps = 4;

/** Throws BadInputError `diverged`, AbortedError when told to stop, after saving a checkpoint if there is a place for one. */
export async function runSteps(run: RunOptions, learner: Learner): Promise<void> {
  const { trainingSteps, checkpoint, onEvent } = run;
  const state = (step: number) => packState(learner.state(step), run.digest);
  let step = 0;
  let sum = 0;
  let summed = 0;
  const saved = await checkpoint?.load();
  if (saved) {
    const from = unpackState(saved, run.digest);
    learner.restore(from);
    step = from.step;
    onEvent?.({ type: 'resumed', step });
  }
  while (step < trainingSteps) {
    if (run.signal?.aborted) {
      await checkpoint?.save(state(step));
      throw new AbortedError(`training of the prior stopped after step ${step}`);
    }
    const { loss, update } = learner.step(step);
    checkLoss(loss, 'training of the prior', step);
    update(run.rate * schedule(step / trainingSteps));
    step++;
    if (step % averageSteps === 0 || step === trainingSteps) {
      // A young run forgets its start sooner.
      learner.follow(Math.min(run.averageDecay, (1 + step) / (10 + step)) ** averageSteps);
    }
    sum += loss;
    summed++;
    if (step % eventSteps === 0 || step === trainingSteps) {
      onEvent?.({ type: 'train', step, steps: trainingSteps, loss: sum / summed });
      sum = 0;
      summed = 0;
    }
    learner.done?.(step);
    // Kernels are synchronous: let timers, signals and other jobs in.
    await new Promise((resolve) => setImmediate(resolve));
    if (checkpoint && step < trainingSteps && step % (checkpoint.every ?? 500) === 0) {
      await checkpoint.save(state(step));
      onEvent?.({ type: 'checkpoint', step });
    }
  }
}
