/** What is known of a model without using it. */

import type { Ability } from '../../../prior/kinds.ts';
import { type ClassifierCard, classifierCardOf } from '../../../src/classify/index.ts';
import type { ModelCard } from '../../../src/field/card.ts';
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
    classifier: await classifierCardOf(model),
  };
  return { head };
}

/** As it is on the disk now. */
export async function stampOfModel(_: Shelf, { path }: { readonly path: string }): Promise<Made<string>> {
  return { head: modelStamp(path) };
}
