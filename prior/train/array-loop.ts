/** A training run over plain arrays. */
import { type DenseAddon, loadDense } from '../../src/engine/tfjs/backend-dense.ts';
import { type RunOptions, runSteps } from './run.ts';

export interface ArrayRun extends RunOptions {
  /** Changed in place, and told by `refresh`. */
  readonly weights: readonly Float32Array[];
  readonly refresh: () => void;
  /** Loss and gradients, in the order of the weights, of step 0 .. trainingSteps - 1. */
  readonly step: (index: number) => { readonly loss: number; readonly gradients: readonly Float32Array[] };
  /** The loss of what is held out, with the weights as they are: asked of the averaged ones after every `every` steps and at the end. */
  readonly heldOut?: { readonly every: number; readonly loss: () => number } | undefined;
}

export interface Trained {
  /** The averaged ones. */
  readonly weights: readonly Float32Array[];
  /** `heldOutLoss`, where something is held out. */
  readonly figures: Readonly<Record<string, number>>;
}

const beta1 = 0.9;
const beta2 = 0.999;
const epsilon = 1e-8;

/** Throws as `runSteps`. */
export async function runArrays(run: ArrayRun): Promise<Trained> {
  const { weights, heldOut, trainingSteps } = run;
  const adam = adamUpdate();
  const zeros = () => weights.map(({ length }) => new Float32Array(length));
  const [first, second] = [zeros(), zeros()];
  const averages = weights.map((values) => values.slice());
  const use = (from: readonly Float32Array[]) => {
    weights.forEach((values, i) => {
      values.set(from[i]!);
    });
    run.refresh();
  };
  const figures: Record<string, number> = {};
  await runSteps(run, {
    step(index) {
      const { loss, gradients } = run.step(index);
      return {
        loss,
        update(rate) {
          const t = index + 1;
          const options = Float64Array.of(rate, beta1, beta2, epsilon, 1 - beta1 ** t, 1 - beta2 ** t);
          weights.forEach((values, i) => {
            adam(gradients[i]!, values, first[i]!, second[i]!, options);
          });
          run.refresh();
        },
      };
    },
    follow(decay) {
      averages.forEach((average, i) => {
        follow(average, weights[i]!, decay);
      });
    },
    state: (step) => ({
      step,
      variables: weights,
      adam: { step, moments: first.map((m, i) => [m, second[i]!]) },
      averages,
      shapes: [],
    }),
    restore(from) {
      weights.forEach((values, i) => {
        values.set(from.variables[i]!);
        first[i]!.set(from.adam.moments[i]![0]);
        second[i]!.set(from.adam.moments[i]![1]);
        averages[i]!.set(from.averages![i]!);
      });
      run.refresh();
    },
    done(step) {
      if (heldOut === undefined || (step % heldOut.every !== 0 && step !== trainingSteps)) return;
      const now = weights.map((values) => values.slice());
      use(averages);
      figures.heldOutLoss = heldOut.loss();
      use(now);
      run.onEvent?.({ type: 'figure', name: 'held-out loss', value: figures.heldOutLoss });
    },
  });
  return { weights: averages, figures };
}

type Update = DenseAddon['denseAdam'];

/** Adam over one array, by the native addon where there is one. */
export function adamUpdate(): Update {
  try {
    const addon = loadDense();
    return (...given) => addon.denseAdam(...given);
  } catch {
    return plainAdam;
  }
}

/** D. Kingma and J. Ba, arXiv 1412.6980, algorithm 1. */
const plainAdam: Update = (gradient, value, m, v, options) => {
  const [rate, beta1, beta2, epsilon, correct1, correct2] = options;
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
