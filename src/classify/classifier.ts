/** Training a classifier on a functaset, judging it by another, and asking it. */
import { AbortedError, BadInputError } from '../core/errors.ts';
import type { Engine } from '../engine/engine.ts';
import { openTensorFlow, type TensorFlow } from '../engine/tfjs/backend.ts';
import type { Model } from '../field/model.ts';
import { modulationLength } from '../field/spec.ts';
import type { Label } from '../functaset/index.ts';
import { writeWhole } from '../pipeline/files.ts';
import { openFunctasetOf } from '../pipeline/store.ts';
import type { PipelineEvent } from '../pipeline/types.ts';
import type { Architecture, Stage } from './architecture.ts';
import {
  type Classifier,
  type ClassifierCard,
  checkOwner,
  loadClassifier,
  mapsOf,
  type ProbeKind,
  writeClassifier,
} from './file.ts';
import { type Labelled, readLabelled } from './labelled.ts';
import { type Examples, judge, type LearnEvent, type Learning, learn } from './learn.ts';
import { type ModulationMaps, standardOf } from './maps.ts';
import { type Network, openNetwork } from './network.ts';
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
  /** Threads of TensorFlow.js. */
  readonly threads?: number | undefined;
  readonly onEvent?: ((event: PipelineEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface TrainedClassifier {
  readonly path: string;
  readonly card: ClassifierCard;
  readonly seconds: number;
}

/**
 * Trains a classifier and writes it to `out`. Throws BadInputError `no-labels`, `one-label`, `other-shape`, `training` or
 * `views`, ConflictError `functaset-network`, NotFoundError, AbortedError.
 */
export async function trainClassifier(options: TrainClassifierOptions): Promise<TrainedClassifier> {
  const { model, probe, signal } = options;
  const started = performance.now();
  const preset = probeRecipes[probe];
  const recipe: ProbeRecipe = {
    ...preset,
    ...options.recipe,
    learning: { ...preset.learning, ...options.recipe?.learning },
  };
  if (!(Number.isInteger(recipe.views) && recipe.views >= 1 && recipe.views <= 16)) {
    throw new BadInputError('views', `views are from 1 to 16, not ${recipe.views}`);
  }
  const found = await labelledOf(model, options.functaset, { limit: options.limit });
  if (found.labels.length < 2) {
    throw new BadInputError(
      'one-label',
      `all functions have the label ${found.labels[0]}; classes are needed`,
    );
  }
  const held =
    options.validation === undefined
      ? undefined
      : await labelledOf(model, options.validation, { labels: found.labels });
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
  const { epochs, batch } = recipe.learning;
  const total = epochs * Math.floor(found.classes.length / batch);
  options.onEvent?.({ type: 'start', job, total, done: 0, unit: 'steps' });
  const tensors = await learn(tf, {
    architecture,
    learning: recipe.learning,
    examples: examplesOf(maps, views, found.classes),
    validation: held && examplesOf(maps, [held.modulations], held.classes),
    signal,
    onEvent: (event) => tell(event, figures, options),
  });
  const card: ClassifierCard = {
    probe,
    networkId: model.networkId,
    model: model.card.name,
    architecture,
    labels: found.labels,
    learning: recipe.learning,
    views: recipe.views,
    functions: found.classes.length,
    figures,
  };
  await writeWhole(options.out, writeClassifier({ card, standard, tensors }));
  return { path: options.out, card, seconds: (performance.now() - started) / 1000 };
}

export interface Evaluated {
  readonly functions: number;
  /** Share of the functions whose likeliest class is their label. */
  readonly accuracy: number;
  readonly perLabel: readonly {
    readonly label: Label;
    readonly functions: number;
    readonly accuracy: number;
    /** The label that it is most often taken for instead. */
    readonly takenFor: Label | null;
  }[];
}

/** Judges a classifier by the labelled functions of a functaset. Throws as `readLabelled`, `loadClassifier`, `checkOwner`. */
export async function evaluateClassifier(options: {
  readonly model: Model;
  readonly classifier: string;
  readonly functaset: string;
  readonly limit?: number | undefined;
  readonly threads?: number | undefined;
}): Promise<Evaluated> {
  const { model, limit } = options;
  const classifier = await loadClassifier(options.classifier);
  checkOwner(classifier, model);
  const { architecture, labels } = classifier.card;
  const found = await labelledOf(model, options.functaset, { labels, limit });
  const { tf } = await openTensorFlow({ threads: options.threads });
  const { network, maps } = open(tf, model, classifier);
  try {
    const examples = examplesOf(maps, [found.modulations], found.classes);
    const { accuracy, classes } = judge(network, architecture, examples);
    const counts = labels.map(() => new Uint32Array(labels.length));
    classes.forEach((c, i) => {
      counts[found.classes[i]!]![c]!++;
    });
    const perLabel = labels.map((label, k) => {
      const row = counts[k]!;
      const functions = row.reduce((sum, n) => sum + n, 0);
      const others = row.map((n, c) => (c === k ? 0 : n));
      const most = Math.max(...others);
      const takenFor = most > 0 ? labels[others.indexOf(most)]! : null;
      return { label, functions, accuracy: functions > 0 ? row[k]! / functions : Number.NaN, takenFor };
    });
    return { functions: classes.length, accuracy, perLabel };
  } finally {
    network.dispose();
  }
}

export interface Guess {
  readonly label: Label;
  readonly probability: number;
}

export interface Asker {
  readonly card: ClassifierCard;
  /** The `top` likeliest labels of each modulation [m], likeliest first. Throws BadInputError `modulation`. */
  predict(modulations: readonly Float32Array[], top?: number): Guess[][];
  dispose(): void;
}

/** A classifier ready to be asked. Throws as `loadClassifier` and `checkOwner`. */
export async function openClassifier(options: {
  readonly model: Model;
  readonly classifier: string;
  readonly threads?: number | undefined;
}): Promise<Asker> {
  const { model } = options;
  const classifier = await loadClassifier(options.classifier);
  checkOwner(classifier, model);
  const { card } = classifier;
  const { tf } = await openTensorFlow({ threads: options.threads });
  const { network, maps } = open(tf, model, classifier);
  const wanted = modulationLength(model.card.spec, model.card.shape);
  const mapLength = maps.channels * maps.cells.reduce((product, n) => product * n, 1);
  return {
    card,
    dispose: () => network.dispose(),
    predict(modulations, top = 3) {
      const all = new Float32Array(modulations.length * mapLength);
      modulations.forEach((modulation, i) => {
        if (modulation.length !== wanted) {
          throw new BadInputError(
            'modulation',
            `modulation ${i} has ${modulation.length} numbers; this classifier reads functions of [${model.card.shape}], which have ${wanted}`,
          );
        }
        maps.fill(modulation, all.subarray(i * mapLength, (i + 1) * mapLength));
      });
      const { logits } = network.run(all);
      const n = card.labels.length;
      return modulations.map((_, i) => {
        const probabilities = softmax(logits.subarray(i * n, (i + 1) * n));
        const order = Array.from(probabilities.keys()).sort((a, b) => probabilities[b]! - probabilities[a]!);
        return order.slice(0, top).map((c) => ({ label: card.labels[c]!, probability: probabilities[c]! }));
      });
    },
  };
}

function open(
  tf: TensorFlow,
  model: Model,
  { card, standard, tensors }: Classifier,
): { network: Network; maps: ModulationMaps } {
  const maps = mapsOf(card.probe, model, standard, card.architecture);
  return { maps, network: openNetwork(tf, card.architecture, tensors) };
}

async function labelledOf(
  model: Model,
  path: string,
  options: Parameters<typeof readLabelled>[2],
): Promise<Labelled> {
  const store = await openFunctasetOf(model, path, { readOnly: true });
  try {
    return readLabelled(model, store, options);
  } finally {
    await store.close();
  }
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

function examplesOf(maps: ModulationMaps, views: readonly Float32Array[], classes: Uint16Array): Examples {
  const length = views[0]!.length / classes.length;
  return {
    count: classes.length,
    views: views.length,
    classOf: (i) => classes[i]!,
    fill: (i, view, target) => maps.fill(views[view]!.subarray(i * length, (i + 1) * length), target),
  };
}

function tell(event: LearnEvent, figures: Record<string, number>, { onEvent }: TrainClassifierOptions): void {
  switch (event.type) {
    case 'step':
      figures.trainLoss = event.loss;
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
    default:
      event satisfies never;
  }
}

function softmax(logits: Float32Array): Float32Array {
  const most = Math.max(...logits);
  const powers = logits.map((x) => Math.exp(x - most));
  const sum = powers.reduce((total, p) => total + p, 0);
  return powers.map((p) => p / sum);
}
