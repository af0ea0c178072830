/** Models whose prior was adapted: a file that names its model, and moves the prior of that (ADR 66). */
import { adaptedFormat, movedTensors, readAdapted } from '../../prior/adapted.ts';
import { NotFoundError } from '../core/errors.ts';
import type { Limits } from '../core/limits.ts';
import { isModelFormat, type Model } from '../field/model.ts';

/** Whether the `format` of a safetensors file is that of a model, or of an adaptation of one, which is a model, too. */
export function isAnyModelFormat(format: string): boolean {
  return isModelFormat(format) || format === adaptedFormat;
}

/**
 * The model of an adapted prior: all of `base` but the prior, under an id of its own. Throws what `readAdapted` and `movedTensors` throw, and
 * NotFoundError `model-not-here` where `find` knows no model of the id that the file names.
 */
export async function adaptedModel(
  bytes: Uint8Array,
  path: string,
  limits: Limits,
  find: (base: { readonly name: string; readonly id: string }) => Promise<Model | undefined>,
): Promise<Model> {
  const { id, card, moves } = readAdapted(bytes, limits);
  const base = await find({ name: card.model, id: card.modelId });
  if (base === undefined) {
    throw new NotFoundError(
      'model-not-here',
      `${path} adapts the prior of model ${card.model} (${card.modelId.slice(0, 16)}), which is not here; put its file beside it`,
    );
  }
  return { ...base, id, path, tensors: movedTensors(base.tensors, moves) };
}
