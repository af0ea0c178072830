/** Functions that were not built from a data set: files of anybody's making, and modulations from outside. */
import { decodeFile, readHeader } from '../../codec/index.ts';
import { quantise } from '../../prior/quantiser.ts';
import { priorKinds } from '../../prior/registry.ts';
import { BadInputError } from '../core/errors.ts';
import { defaultLimits, type Limits } from '../core/limits.ts';
import { defaultQuality } from '../field/at-quality.ts';
import { modulationLayout } from '../field/layout.ts';
import type { Model } from '../field/model.ts';
import { modulationLength } from '../field/spec.ts';
import type { Label, StoredFunction } from '../functaset/index.ts';
import { bitsOfSymbols, stepsOf } from './coding.ts';

export interface FunctionOf {
  readonly id: string;
  readonly label?: Label | undefined;
}

/**
 * A `.functa` file as a function to put; its PSNR is not known. Throws what decoding it throws: what is put can be asked.
 *
 * @example
 * await store.put(functionOfFile(model, bytes, { id: 'mine', label: 'shoe' }));
 */
export function functionOfFile(
  model: Model,
  bytes: Uint8Array,
  { limits = defaultLimits, ...named }: FunctionOf & { readonly limits?: Limits | undefined },
): StoredFunction {
  const found = decodeFile(model, bytes, limits);
  const { shape, quality } = found;
  const bits =
    found.prior === 'samples'
      ? 8 * readHeader(bytes, limits).streamBytes
      : bitsOfSymbols(model, modulationLayout(model.card.spec, shape), quality, found.prior, found.symbols);
  return { ...named, shape, bits, psnrDb: Number.NaN, content: { kind: 'file', bytes } };
}

/**
 * A modulation [m] of the network at `quality` as a function to put: it is kept as half floats and coded when it is asked for as a
 * file. Its bits are those that the model's best prior would take, 0 without one; its PSNR is not known. Throws BadInputError
 * `modulation-length`.
 *
 * @example
 * await store.put(functionOfModulation(model, values, { id: 'mine', quality: 60 }));
 */
export function functionOfModulation(
  model: Model,
  values: Float32Array,
  {
    quality = defaultQuality,
    shape = model.card.shape,
    ...named
  }: FunctionOf & { readonly quality?: number | undefined; readonly shape?: readonly number[] | undefined },
): StoredFunction {
  checkModulation(model, values, shape);
  const layout = modulationLayout(model.card.spec, shape);
  const [prior] = priorKinds(model);
  const symbols = quantise(layout, values, stepsOf(model, quality));
  const bits = prior === undefined ? 0 : bitsOfSymbols(model, layout, quality, prior, symbols);
  return { ...named, shape, bits, psnrDb: Number.NaN, content: { kind: 'modulation', quality, values } };
}

/** Throws BadInputError `modulation-length`. */
export function checkModulation({ card }: Model, values: Float32Array, shape: readonly number[]): void {
  const wanted = modulationLength(card.spec, shape);
  if (values.length === wanted) return;
  throw new BadInputError(
    'modulation-length',
    `a modulation of ${values.length} numbers; shape [${shape}] of ${card.name} takes ${wanted}`,
  );
}
