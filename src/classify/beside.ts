/** The classifier of a model: `classifier.safetensors`, or `NAME.classifier.safetensors`, beside the model's own file. */
import { NotFoundError } from '../core/errors.ts';
import type { Model } from '../field/model.ts';
import { findBeside, pathBeside } from '../models/beside.ts';
import { modelSuffix } from '../models/file-kind.ts';
import { classifierName } from '../models/models.ts';
import { type Guesser, openClassifier } from './ask.ts';
import { type ClassifierCard, loadClassifier } from './file.ts';

/** Where the classifier of the model at `modelPath` is looked for first; `classifier.safetensors` is the other place. */
export function classifierPath(modelPath: string): string {
  return pathBeside(modelPath, classifierName);
}

/** Undefined where there is no such file, or where it belongs to another model. Throws as `loadClassifier`. */
export async function classifierCardOf(model: Model): Promise<ClassifierCard | undefined> {
  const found = await findBeside(model, classifierName);
  if (found === undefined || found.own === false) return undefined;
  return (await loadClassifier(found.path)).card;
}

const opened = new WeakMap<Model, Promise<Guesser>>();

/**
 * The classifier of a model, opened once for it. Throws NotFoundError `no-classifier`, which says how to make one, and what
 * `loadClassifier` throws.
 */
export function openClassifierOf(model: Model): Promise<Guesser> {
  const known = opened.get(model);
  if (known !== undefined) return known;
  const opening = open(model);
  opened.set(model, opening);
  opening.catch(() => opened.delete(model));
  return opening;
}

async function open(model: Model): Promise<Guesser> {
  const { path, card } = model;
  const found = await findBeside(model, classifierName);
  if (found === undefined || found.own === false) {
    const where = path === undefined ? `${classifierName}${modelSuffix}` : classifierPath(path);
    throw new NotFoundError(
      'no-classifier',
      `model ${card.name} has no classifier; train one on a functaset with labels: functa classify train STORE -o ${where}`,
    );
  }
  return openClassifier({ model, classifier: found.path });
}
