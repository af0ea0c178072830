/** What a run reports while it learns, and the bookkeeping behind it. */
import { psnrDb } from '../core/units.ts';
import { modulationLength } from '../field/spec.ts';
import type { Phase, StepFigures } from './outer-step.ts';
import type { TrainingRecipe } from './recipe.ts';
import type { TrainerState } from './state.ts';
import type { ValidationRecord } from './validate.ts';

export type TrainEvent =
  | {
      readonly type: 'start';
      /** Steps already done: above 0 in a resumed run. */
      readonly step: number;
      readonly steps: number;
      /** Number of shared weights, and floats of a modulation of the recipe's shape. */
      readonly weights: number;
      readonly modulation: number;
    }
  | {
      readonly type: 'progress';
      readonly step: number;
      readonly steps: number;
      readonly phase: Phase;
      /** Means since the last report, over training signals at noisy or rounded modulations of drawn qualities. */
      readonly loss: number;
      readonly psnrDb: number;
      /** NaN while distortion alone is learnt. */
      readonly bitsPerPoint: number;
      /** Over weights and log-rates, before clipping. */
      readonly gradientNorm: number;
      /** Steps left out so far. */
      readonly skipped: number;
      readonly signalsPerSecond: number;
      readonly secondsLeft: number;
    }
  | ({ readonly type: 'validation'; readonly steps: number } & ValidationRecord)
  | {
      readonly type: 'skipped';
      readonly step: number;
      readonly steps: number;
      readonly inRow: number;
      /** A number was not finite, or the gradient was far longer than all before it. */
      readonly why: 'not-finite' | 'spike';
      readonly gradientNorm: number;
    }
  | {
      /** Learning rates were halved: gradients have grown to so many times their shortest of this phase (watch.ts). */
      readonly type: 'rates-cut';
      readonly step: number;
      readonly steps: number;
      readonly growth: number;
      /** Of the recipe's learning rates, from here on. */
      readonly share: number;
    }
  | {
      /** Inner steps made the loss of the first batch larger: inner rates start at this share of what was estimated. */
      readonly type: 'start-rates-cut';
      readonly step: number;
      readonly steps: number;
      readonly share: number;
    }
  | { readonly type: 'checkpoint'; readonly step: number; readonly steps: number; readonly path: string }
  | {
      readonly type: 'done';
      readonly step: number;
      readonly steps: number;
      readonly skipped: number;
      readonly seconds: number;
    };

/** Sums figures between reports and keeps time. */
export class Reporter {
  readonly #recipe: TrainingRecipe;
  readonly #state: TrainerState;
  readonly #now: () => number;
  readonly #startMs: number;
  readonly #startStep: number;
  #steps = 0;
  #loss = 0;
  #mse = 0;
  #bits = 0;
  #norm = 0;
  #phase: Phase = 'distortion';

  constructor(recipe: TrainingRecipe, state: TrainerState, now: () => number) {
    this.#recipe = recipe;
    this.#state = state;
    this.#now = now;
    this.#startMs = now();
    this.#startStep = state.step;
  }

  start(): TrainEvent {
    const { spec, shape, steps } = this.#recipe;
    const weights = this.#state.learnt.weights.length;
    return {
      type: 'start',
      step: this.#startStep,
      steps,
      weights,
      modulation: modulationLength(spec, shape),
    };
  }

  add(figures: StepFigures): void {
    this.#phase = figures.phase;
    if (!figures.updated) return;
    this.#steps++;
    this.#loss += figures.loss;
    this.#mse += figures.mse;
    this.#bits += figures.bitsPerPoint;
    this.#norm += figures.gradientNorm;
  }

  /** The means since the last call. */
  progress(): TrainEvent {
    const { steps, batch, values } = this.#recipe;
    const { step, skipped } = this.#state;
    const n = this.#steps;
    const seconds = Math.max(1e-9, (this.#now() - this.#startMs) / 1000);
    const stepsPerSecond = (step - this.#startStep) / seconds;
    const event: TrainEvent = {
      type: 'progress',
      step,
      steps,
      phase: this.#phase,
      loss: this.#loss / n,
      psnrDb: psnrDb((this.#mse / n) * values.scale ** 2, values.peak),
      bitsPerPoint: this.#bits / n,
      gradientNorm: this.#norm / n,
      skipped,
      signalsPerSecond: stepsPerSecond * batch,
      secondsLeft: (steps - step) / stepsPerSecond,
    };
    this.#steps = this.#loss = this.#mse = this.#bits = this.#norm = 0;
    return event;
  }

  done(): TrainEvent {
    const { step, skipped } = this.#state;
    return {
      type: 'done',
      step,
      steps: this.#recipe.steps,
      skipped,
      seconds: (this.#now() - this.#startMs) / 1000,
    };
  }
}
