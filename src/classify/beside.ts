/** The classifier of a model: `classifier.safetensors` beside the model's own file. */
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { NotFoundError } from '../core/errors.ts';
import type { Model } from '../field/model.ts';
import { classifierName, modelSuffix } from '../pipeline/models.ts';
import { type Asker, openClassifier } from './ask.ts';
import { type ClassifierCard, loadClassifier } from './file.ts';

/** Where the classifier of the model at `modelPath` is looked for. */
export function classifierPath(modelPath: string): string {
  return join(dirname(modelPath), `${classifierName}${modelSuffix}`);
}

/** Undefined where there is no such file, or where it belongs to another model. Throws as `loadClassifier`. */
export async function classifierCardOf({ path, networkId }: Model): Promise<ClassifierCard | undefined> {
  if (path === undefined) return undefined;
  const file = classifierPath(path);
  const there = await stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!there) return undefined;
  const { card } = await loadClassifier(file);
  return card.networkId === networkId ? card : undefined;
}

const opened = new WeakMap<Model, Promise<Asker>>();

/**
 * The classifier of a model, opened once for it. Throws NotFoundError `no-classifier`, which says how to make one, and what
 * `loadClassifier` throws.
 */
export function openClassifierOf(model: Model): Promise<Asker> {
  const known = opened.get(model);
  if (known !== undefined) return known;
  const opening = open(model);
  opened.set(model, opening);
  opening.catch(() => opened.delete(model));
  return opening;
}

async function open(model: Model): Promise<Asker> {
  const { path, card } = model;
  if (path === undefined || (await classifierCardOf(model)) === undefined) {
    throw new NotFoundError(
      'no-classifier',
      `model ${card.name} has no classifier; train one on a functaset with labels: functa classify train STORE -o ${classifierName}${modelSuffix}, and put it beside the model file`,
    );
  }
  return openClassifier({ model, classifier: classifierPath(path) });
}
