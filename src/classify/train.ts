/** Training a classifier on a functaset. */

import { rm } from 'node:fs/promises';
import {
  aFlag,
  aModel,
  aNumber,
  anAbortSignal,
  anEngine,
  anObject,
  aText,
  check,
  having,
  maybe,
} from '../core/check.ts';
import { AbortedError, BadInputError } from '../core/errors.ts';
import { checkFree, writeWhole } from '../disk/whole.ts';
import type { Engine } from '../engine/engine.ts';
import { openTensorFlow } from '../engine/tfjs/backend.ts';
import type { Model } from '../field/model.ts';
import { modulationLength } from '../field/spec.ts';
import { checkpointAt } from '../jobs/files.ts';
import type { JobEvent } from '../jobs/types.ts';
import type { Architecture, Learning, Stage } from './architecture.ts';
import { type ClassifierCard, mapsOf, type ProbeKind, writeClassifier } from './file.ts';
import { examplesOf, readLabelledAt } from './labelled.ts';
import { type LearnEvent, learn } from './learn.ts';
import { standardOf } from './maps.ts';
import { viewsOf } from './views.ts';

const job = 'classify';

/** What a probe is trained with unless the caller says otherwise. */
export interface ProbeRecipe {
  readonly stages: readonly Stage[];
  readonly learning: Learning;
  /** Views of each function, itself the first: then its mirror image, then shifted ones, mirrored in turn. */
  readonly views: number;
}

export const probeRecipes: Readonly<Record<ProbeKind, ProbeRecipe>> = {
  linear: {
    stages: [],
    learning: { epochs: 8, batch: 128, rate: 2e-3, dropout: 0, smoothing: 0.1, seed: 0 },
    views: 1,
  },
  network: {
    stages: [
      { width: 96, blocks: 2 },
      { width: 160, blocks: 2 },
    ],
    learning: { epochs: 9, batch: 64, rate: 3e-3, dropout: 0.2, smoothing: 0.1, seed: 0 },
    views: 3,
  },
};

/** Largest shift of a view, as a share of each axis. */
const viewShift = 0.125;

export interface TrainClassifierOptions {
  readonly model: Model;
  readonly engine: Engine;
  /** Directory of a functaset of the model, with labels. */
  readonly functaset: string;
  /** Another, that the classifier is judged by after each epoch. */
  readonly validation?: string | undefined;
  readonly probe: ProbeKind;
  /** Replace members of the probe's recipe. */
  readonly recipe?: Partial<Omit<ProbeRecipe, 'learning'>> & { readonly learning?: Partial<Learning> };
  /** Only the first functions of the functaset. */
  readonly limit?: number | undefined;
  readonly out: string;
  /** Replace `out` where it is there; without it that is a conflict. */
  readonly replace?: boolean | undefined;
  /** Threads of TensorFlow.js. */
  readonly threads?: number | undefined;
  readonly onEvent?: ((event: JobEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface TrainedClassifier {
  readonly path: string;
  readonly card: ClassifierCard;
  readonly seconds: number;
}

/**
 * Trains a classifier and writes it to `out`; the state of the run is kept in `<out>.checkpoint`, from which the same call
 * goes on after a stop. Throws BadInputError `no-labels`, `one-label`, `other-shape`, `training` or `views`, ConflictError
 * `functaset-network`, `output-exists`, or `other-run` for the checkpoint of another training, NotFoundError, AbortedError.
 *
 * @example
 * await trainClassifier({ model, engine, functaset: 'store.functaset', probe: 'linear', out: 'labels.safetensors' });
 */
export async function trainClassifier(options: TrainClassifierOptions): Promise<TrainedClassifier> {
  check(
    'trainClassifier',
    having({
      model: aModel,
      engine: anEngine,
      functaset: aText,
      out: aText,
      probe: aText,
      recipe: maybe(anObject),
      limit: maybe(aNumber),
      threads: maybe(aNumber),
      replace: maybe(aFlag),
      validation: maybe(aText),
      signal: maybe(anAbortSignal),
    })(options, 'options'),
  );
  const { model, probe, signal, replace = false } = options;
  await checkFree(options.out, { replace });
  const started = performance.now();
  const preset = probeRecipes[probe];
  const given: ProbeRecipe = {
    ...preset,
    ...options.recipe,
    learning: { ...preset.learning, ...options.recipe?.learning },
  };
  if (!(Number.isInteger(given.views) && given.views >= 1 && given.views <= 16)) {
    throw new BadInputError('views', `views are from 1 to 16, not ${given.views}`);
  }
  const { engine } = options;
  const found = await readLabelledAt(options.functaset, { model, engine, signal, limit: options.limit });
  // A batch of the preset is at most all functions; one that was asked for stays as it is, and is refused where it is larger.
  const batch = options.recipe?.learning?.batch ?? Math.min(given.learning.batch, found.classes.length);
  const recipe: ProbeRecipe = { ...given, learning: { ...given.learning, batch } };
  if (found.labels.length < 2) {
    throw new BadInputError(
      'one-label',
      `all functions have the label ${found.labels[0]}; classes are needed`,
    );
  }
  const held =
    options.validation === undefined
      ? undefined
      : await readLabelledAt(options.validation, { model, engine, signal, labels: found.labels });
  const standard = standardOf(model.card.spec, model.card.shape, found.modulations);
  const maps = mapsOf(probe, model, standard);
  const architecture: Architecture = {
    cells: maps.cells,
    channels: maps.channels,
    stages: recipe.stages,
    classes: found.labels.length,
  };
  const views = [found.modulations, ...(await otherViews(found.modulations, recipe, options))];
  if (signal?.aborted) throw new AbortedError();
  const { tf } = await openTensorFlow({ threads: options.threads });
  const figures: Record<string, number> = {};
  const checkpoint = `${options.out}.checkpoint`;
  const { epochs } = recipe.learning;
  const total = epochs * Math.floor(found.classes.length / batch);
  options.onEvent?.({ type: 'start', job, total, done: 0, unit: 'steps' });
  const tensors = await learn(tf, {
    architecture,
    learning: recipe.learning,
    examples: examplesOf(maps, views, found.classes),
    validation: held && examplesOf(maps, [held.modulations], held.classes),
    checkpoint: checkpointAt(checkpoint),
    // The mean of the modulations stands for the functions that are learnt from.
    digest: [model.networkId, probe, given.views, found.labels, [...standard.mean]],
    signal,
    onEvent: (event) => tell(event, figures, checkpoint, options),
  });
  const card: ClassifierCard = {
    probe,
    networkId: model.networkId,
    model: model.card.name,
    architecture,
    labels: found.labels,
    learning: recipe.learning,
    views: given.views,
    functions: found.classes.length,
    figures,
  };
  await writeWhole(options.out, writeClassifier({ card, standard, tensors }), { replace });
  await rm(checkpoint, { force: true });
  return { path: options.out, card, seconds: (performance.now() - started) / 1000 };
}

async function otherViews(
  modulations: Float32Array,
  { views, learning }: ProbeRecipe,
  { model, engine, onEvent, signal }: TrainClassifierOptions,
): Promise<Float32Array[]> {
  const count = modulations.length / modulationLength(model.card.spec, model.card.shape);
  const total = (views - 1) * count;
  const made: Float32Array[] = [];
  onEvent?.({ type: 'start', job, total, done: 0, unit: 'views' });
  for (let view = 1; view < views; view++) {
    const before = (view - 1) * count;
    made.push(
      await viewsOf(modulations, {
        ...{ model, engine, signal },
        seed: learning.seed + view,
        mirrored: view % 2 === 1,
        shift: view === 1 ? 0 : viewShift,
        onProgress: (done) => onEvent?.({ type: 'progress', job, done: before + done, total, figures: {} }),
      }),
    );
  }
  return made;
}

function tell(
  event: LearnEvent,
  figures: Record<string, number>,
  checkpoint: string,
  { onEvent }: TrainClassifierOptions,
): void {
  switch (event.type) {
    case 'step':
      onEvent?.({
        type: 'progress',
        job,
        done: event.step,
        total: event.steps,
        figures: { loss: event.loss },
      });
      return;
    case 'epoch':
      figures.validationAccuracy = event.accuracy;
      onEvent?.({
        type: 'note',
        job,
        message: `epoch ${event.epoch}: ${(100 * event.accuracy).toFixed(2)} % of the validation set`,
      });
      return;
    case 'checkpoint':
      onEvent?.({ type: 'checkpoint', job, path: checkpoint, done: event.step });
      return;
    case 'resumed':
      onEvent?.({ type: 'note', job, message: `training goes on from step ${event.step}` });
      return;
    default:
      event satisfies never;
  }
}
