/** The model of bytes, and of a functaset. */

import { readHeader } from '../../codec/index.ts';
import { byteArray, check, optionsOf } from '../core/check.ts';
import { NotFoundError } from '../core/errors.ts';
import { defaultLimits, type Limits } from '../core/limits.ts';
import type { Model } from '../field/model.ts';
import { type FindModelOptions, findModelWith, isCodedBy } from '../models/find.ts';
import { modelOfNetworkFile } from './own-network.ts';

/**
 * The model that a `.functa` file or an archive was coded by, among those of the package unless `directories` says others; a file that is
 * a network of its own brings it. Throws NotFoundError `model-not-here`, and what reading a header throws.
 *
 * @example
 * const model = await findModelOf(bytes); // or { directories: ['mine'] }
 * const fn = await openSession({ model, engine }).open(bytes);
 */
export async function findModelOf(
  bytes: Uint8Array,
  options: FindModelOptions & { readonly limits?: Limits | undefined } = {},
): Promise<Model> {
  check('findModelOf', byteArray(bytes, 'bytes'), optionsOf()(options, 'options'));
  const { limits = defaultLimits } = options;
  const header = readHeader(bytes, limits);
  if (header.container === 'network') return modelOfNetworkFile(bytes, limits);
  const { modelDigest } = header;
  const { model, known } = await findModelWith(isCodedBy(modelDigest), options);
  if (model !== undefined) return model;
  throw new NotFoundError(
    'model-not-here',
    `these bytes were coded by the model ${modelDigest}, which is none of those here (${known.join(', ') || 'none'}); give the directory of its file, a model's or an adapted prior's`,
  );
}
