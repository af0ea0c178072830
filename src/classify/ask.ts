/** Asking a classifier, and judging it by a functaset. */

import { setImmediate } from 'node:timers/promises';
import { aModel, aNumber, anEngine, aText, check, having, maybe } from '../core/check.ts';
import { AbortedError, BadInputError } from '../core/errors.ts';
import type { Engine } from '../engine/engine.ts';
import { openTensorFlow, type TensorFlow } from '../engine/tfjs/backend.ts';
import type { Model } from '../field/model.ts';
import { modulationLength, pointCount } from '../field/spec.ts';
import type { Label } from '../functaset/index.ts';
import { type Classifier, type ClassifierCard, checkOwner, loadClassifier, mapsOf } from './file.ts';
import { examplesOf, readLabelledAt } from './labelled.ts';
import { judge } from './learn.ts';
import type { ModulationMaps } from './maps.ts';
import { type Network, openNetwork } from './network.ts';

/** Functions asked about in one go: between two of them other work has its turn. */
const together = 64;

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

/**
 * Judges a classifier by the labelled functions of a functaset. Throws as `readLabelled`, `loadClassifier`, `checkOwner`.
 *
 * @example
 * const { accuracy } = await evaluateClassifier({ model, engine, classifier, functaset: 'store.functaset' });
 */
export async function evaluateClassifier(options: {
  readonly model: Model;
  readonly engine: Engine;
  readonly classifier: string;
  readonly functaset: string;
  readonly limit?: number | undefined;
  readonly threads?: number | undefined;
}): Promise<Evaluated> {
  check(
    'evaluateClassifier',
    having({
      model: aModel,
      engine: anEngine,
      classifier: aText,
      functaset: aText,
      limit: maybe(aNumber),
      threads: maybe(aNumber),
    })(options, 'options'),
  );
  const { model, engine, limit } = options;
  const classifier = await loadClassifier(options.classifier);
  checkOwner(classifier, model);
  const { architecture, labels } = classifier.card;
  const found = await readLabelledAt(options.functaset, { model, engine, labels, limit });
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

export interface Guesser {
  readonly card: ClassifierCard;
  /**
   * The likeliest labels of each modulation [m], likeliest first; of functions as adapted: see `asAdapted`. Throws BadInputError `modulation` for functions of another
   * shape than the model's, AbortedError.
   */
  predict(modulations: readonly Float32Array[], options?: PredictOptions): Promise<Guess[][]>;
  dispose(): void;
}

export interface PredictOptions {
  /** Labels told of each; default 3. */
  readonly top?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A classifier ready to be asked. Throws as `loadClassifier` and `checkOwner`. */
export async function openClassifier(options: {
  readonly model: Model;
  readonly classifier: string;
  readonly threads?: number | undefined;
}): Promise<Guesser> {
  const { model } = options;
  const classifier = await loadClassifier(options.classifier);
  checkOwner(classifier, model);
  const { card } = classifier;
  const { tf } = await openTensorFlow({ threads: options.threads });
  const { network, maps } = open(tf, model, classifier);
  const wanted = modulationLength(model.card.spec, model.card.shape);
  const mapLength = maps.channels * pointCount(maps.cells);
  const check = ({ length }: Float32Array, i: number) => {
    if (length === wanted) return;
    throw new BadInputError(
      'modulation',
      `modulation ${i} has ${length} numbers; this classifier reads functions of [${model.card.shape}], which have ${wanted}`,
    );
  };
  const guess = (modulations: readonly Float32Array[], top: number): Guess[][] => {
    const all = new Float32Array(modulations.length * mapLength);
    modulations.forEach((modulation, i) => {
      maps.fill(modulation, all.subarray(i * mapLength, (i + 1) * mapLength));
    });
    const { logits } = network.run(all);
    const n = card.labels.length;
    return modulations.map((_, i) => {
      const probabilities = softmax(logits.subarray(i * n, (i + 1) * n));
      const order = Array.from(probabilities.keys()).sort((a, b) => probabilities[b]! - probabilities[a]!);
      return order.slice(0, top).map((c) => ({ label: card.labels[c]!, probability: probabilities[c]! }));
    });
  };
  return {
    card,
    dispose: () => network.dispose(),
    async predict(modulations, { top = 3, signal } = {}) {
      modulations.forEach(check);
      const guesses: Guess[][] = [];
      for (let at = 0; at < modulations.length; at += together) {
        if (signal?.aborted) throw new AbortedError();
        guesses.push(...guess(modulations.slice(at, at + together), top));
        await setImmediate();
      }
      return guesses;
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

function softmax(logits: Float32Array): Float32Array {
  const most = Math.max(...logits);
  const powers = logits.map((x) => Math.exp(x - most));
  const sum = powers.reduce((total, p) => total + p, 0);
  return powers.map((p) => p / sum);
}
