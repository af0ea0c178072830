/** What is known of a model without using it. */

import { readFile } from 'node:fs/promises';
import { generativePriors } from '../../../prior/generative/index.ts';
import { type Ability, distilledName, type GenerativeKind } from '../../../prior/kinds.ts';
import { type ClassifierCard, classifierCardOf, loadClassifier } from '../../../src/classify/index.ts';
import { ConflictError } from '../../../src/core/errors.ts';
import type { ModelCard } from '../../../src/field/card.ts';
import { readModel } from '../../../src/field/model.ts';
import { bestPrior, describePriors, priorsOf } from '../../../src/models/index.ts';
import { multiplyAddsPerSymbol } from '../../../src/models/priors.ts';
import type { Made } from '../messages.ts';
import { type ModelRef, modelStamp, type Shelf } from '../shelf.ts';

export interface ModelDescription {
  readonly id: string;
  readonly networkId: string;
  /** Changes when the model's file does, or one of those beside it. */
  readonly stamp: string;
  readonly card: ModelCard;
  /** In its file and beside it. */
  readonly priors: readonly { readonly name: string; readonly can: readonly Ability[] }[];
  /** What one symbol costs by each prior of its file, in multiply-adds, at most. */
  readonly perSymbol: Readonly<Record<string, number>>;
  readonly bestPrior: string | undefined;
  /** Qualities that the network was learnt for, lowest and highest, where it changes with quality. */
  readonly qualities: readonly [number, number] | undefined;
  /** Of the classifier beside its file. */
  readonly classifier: ClassifierCard | undefined;
}

export async function describeModel(
  shelf: Shelf,
  ref: Omit<ModelRef, 'id'>,
): Promise<Made<ModelDescription>> {
  const { model, stamp } = await shelf.modelAt(ref);
  const coding = priorsOf(model);
  const head = {
    id: model.id,
    networkId: model.networkId,
    stamp,
    card: model.card,
    priors: await describePriors(model),
    perSymbol: Object.fromEntries(coding.map((kind) => [kind, multiplyAddsPerSymbol(model, kind)])),
    bestPrior: coding.length === 0 ? undefined : bestPrior(model),
    qualities: model.slopes?.qualities,
    classifier: await classifierCardOf(model),
  };
  return { head };
}

/** Reads a model and says which it is; it is not kept. Throws BadStreamError, LimitError. */
export async function checkModel(
  { limits }: Shelf,
  { path }: { readonly path: string },
): Promise<Made<{ readonly id: string; readonly networkId: string }>> {
  const { id, networkId } = readModel(new Uint8Array(await readFile(path)), limits);
  return { head: { id, networkId } };
}

/**
 * Reads a prior with a file of its own, what draws for one in few steps, or a classifier. Throws BadStreamError, ConflictError `prior-network` or `classifier-network` where it is of
 * another network, EnvironmentError `tfjs-absent`.
 */
export async function checkBeside(
  _: Shelf,
  {
    path,
    kind,
    networkId,
  }: {
    readonly path: string;
    readonly kind: GenerativeKind | typeof distilledName | 'classifier';
    readonly networkId: string;
  },
): Promise<Made<null>> {
  if (kind === distilledName) {
    const { openDistilled } = await import('../../../prior/diffusion/index.ts');
    (await openDistilled(new Uint8Array(await readFile(path)), { networkId })).dispose();
    return { head: null };
  }
  if (kind !== 'classifier') {
    await generativePriors[kind].open(new Uint8Array(await readFile(path)), { networkId });
    return { head: null };
  }
  const { card } = await loadClassifier(path);
  if (card.networkId !== networkId)
    throw new ConflictError(
      'classifier-network',
      'the classifier is of another network; train one for this model',
    );
  return { head: null };
}

/** Has the model at hand. Throws as `Shelf.model`. */
export async function readyModel(shelf: Shelf, { model }: { readonly model: ModelRef }): Promise<Made<null>> {
  await shelf.model(model);
  return { head: null };
}

/** As it is on the disk now. */
export async function stampOfModel(_: Shelf, { path }: { readonly path: string }): Promise<Made<string>> {
  return { head: modelStamp(path) };
}
