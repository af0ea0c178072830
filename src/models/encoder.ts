/** The encoder beside a model's file: it is found where the model is loaded, and used from then on. */
import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { EnvironmentError } from '../core/errors.ts';
import { checkLimit, type Limits } from '../core/limits.ts';
import { type Encoder, readEncoder } from '../field/encoder.ts';
import type { Model } from '../field/model.ts';
import { findBeside, pathBeside } from './beside.ts';

/** The kind of an encoder beside a model's file. */
export const encoderName = 'encoder';

/** Where the encoder of a model's file is written. */
export function encoderPath(modelPath: string): string {
  return pathBeside(modelPath, encoderName);
}

/**
 * A model with the encoder beside it, if there is one; it is read when a fit first asks for it. A file under the model's own name that is no
 * encoder of its network is refused: throws BadInputError `encoder-network`, BadStreamError `encoder-format`, and what `readSafetensors` throws.
 */
export async function withEncoder(model: Model, limits: Limits): Promise<Model> {
  const found = await findBeside(model, encoderName);
  if (found === undefined || (found.own !== true && found.path !== encoderPath(model.path!))) return model;
  const { size } = await stat(found.path);
  checkLimit('file-bytes', size, limits.maxFileBytes, `${found.path} is larger than an encoder may be`);
  let kept: Encoder | undefined;
  const encoder = () => {
    kept ??= readEncoder(bytesOf(found.path), model, limits);
    return kept;
  };
  if (found.own !== true) encoder();
  return { ...model, encoder };
}

/** Throws EnvironmentError `model-unreadable`. */
function bytesOf(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new EnvironmentError('model-unreadable', `${path} cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
}
