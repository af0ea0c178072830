/** A training run over plain arrays: Adam, an exponential moving average of the weights, checkpoints. As loop.ts does it over variables. */
import { AbortedError } from '../../src/core/errors.ts';
import { type DenseAddon, loadDense } from '../../src/engine/tfjs/backend-dense.ts';
import { packState, unpackState } from './checkpoint.ts';
import { checkLoss } from './finite.ts';
import type { RunEvent, TrainingRun } from './loop.ts';
import { schedule } from './schedule.ts';

export interface ArrayRun extends Omit<TrainingRun, 'variables' | 'step'> {
  /** Changed in place, and told by `refresh`. */
  readonly weights: readonly Float32Array[];
  readonly refresh: () => void;
  /** Loss and gradients, in the order of the weights, of step 0 .. trainingSteps - 1. */
  readonly step: (index: number) => { readonly loss: number; readonly gradients: readonly Float32Array[] };
  /** Looks at the averaged weights after every `every` steps and at the end. */
  readonly judge?:
    | { readonly every: number; readonly at: (averages: readonly Float32Array[], step: number) => void }
    | undefined;
}

const beta1 = 0.9;
const beta2 = 0.999;
const epsilon = 1e-8;
const eventSteps = 20;
/** The average is brought up to date so often: it costs a pass over memory. */
const averageSteps = 4;

/** The averaged weights. Throws BadInputError `diverged`, AbortedError when told to stop, after saving a checkpoint if there is a place for one. */
export async function runArrays(run: ArrayRun): Promise<Float32Array[]> {
  const { weights, trainingSteps, checkpoint } = run;
  const update = adamUpdate();
  const zeros = () => weights.map(({ length }) => new Float32Array(length));
  const [first, second] = [zeros(), zeros()];
  const averages = weights.map((values) => values.slice());
  const state = (step: number) =>
    packState(
      {
        step,
        variables: weights,
        adam: { step, moments: first.map((m, i) => [m, second[i]!]) },
        averages,
        shapes: [],
      },
      run.digest,
    );
  let step = 0;
  let sum = 0;
  let summed = 0;
  const emit = (event: RunEvent) => run.onEvent?.(event);
  const saved = await checkpoint?.load();
  if (saved) {
    const from = unpackState(saved, run.digest);
    weights.forEach((values, i) => {
      values.set(from.variables[i]!);
      first[i]!.set(from.adam.moments[i]![0]);
      second[i]!.set(from.adam.moments[i]![1]);
      averages[i]!.set(from.averages![i]!);
    });
    run.refresh();
    step = from.step;
    emit({ type: 'resumed', step });
  }
  while (step < trainingSteps) {
    if (run.signal?.aborted) {
      await checkpoint?.save(state(step));
      throw new AbortedError(`training of the prior stopped after step ${step}`);
    }
    const { loss, gradients } = run.step(step);
    checkLoss(loss, 'training of the prior', step);
    const rate = run.rate * schedule(step / trainingSteps);
    step++;
    const options = [rate, beta1, beta2, epsilon, 1 - beta1 ** step, 1 - beta2 ** step];
    weights.forEach((values, i) => {
      update(gradients[i]!, values, first[i]!, second[i]!, Float64Array.from(options));
    });
    run.refresh();
    if (step % averageSteps === 0 || step === trainingSteps) {
      // A young run forgets its start sooner.
      const decay = Math.min(run.averageDecay, (1 + step) / (10 + step)) ** averageSteps;
      averages.forEach((average, i) => {
        follow(average, weights[i]!, decay);
      });
    }
    sum += loss;
    summed++;
    if (step % eventSteps === 0 || step === trainingSteps) {
      emit({ type: 'train', step, steps: trainingSteps, loss: sum / summed });
      sum = 0;
      summed = 0;
    }
    if (run.judge && (step % run.judge.every === 0 || step === trainingSteps)) run.judge.at(averages, step);
    // Kernels are synchronous: let timers, signals and other jobs in.
    await new Promise((resolve) => setImmediate(resolve));
    if (checkpoint && step < trainingSteps && step % (checkpoint.every ?? 500) === 0) {
      await checkpoint.save(state(step));
      emit({ type: 'checkpoint', step });
    }
  }
  return averages;
}

type Update = DenseAddon['denseAdam'];

/** Adam over one array, by the native addon where there is one. */
function adamUpdate(): Update {
  try {
    const addon = loadDense();
    return (...given) => addon.denseAdam(...given);
  } catch {
    return plainAdam;
  }
}

/** D. Kingma and J. Ba, arXiv 1412.6980, algorithm 1. */
const plainAdam: Update = (gradient, value, m, v, options) => {
  const [rate, beta1, beta2, epsilon, correct1, correct2] = options as unknown as number[];
  for (let i = 0; i < value.length; i++) {
    const g = gradient[i]!;
    m[i] = beta1! * m[i]! + (1 - beta1!) * g;
    v[i] = beta2! * v[i]! + (1 - beta2!) * g * g;
    value[i]! -= (rate! * (m[i]! / correct1!)) / (Math.sqrt(v[i]! / correct2!) + epsilon!);
  }
};

function follow(average: Float32Array, values: Float32Array, decay: number): void {
  const rest = 1 - decay;
  for (let i = 0; i < average.length; i++) average[i] = average[i]! * decay + values[i]! * rest;
}
