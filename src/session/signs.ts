/**
 * Coding that keeps the side of 0 on which every sample lies (`keepSigns`): what is inside of a shape stays inside. The field, and beside it a bit
 * a sample where the field alone is not on the right side everywhere. See docs/adr/0083.
 */
import { encodeSigns, sectionIds, withSections } from '../../codec/index.ts';
import { BadInputError } from '../core/errors.ts';
import { bitsPerPoint, psnrDb } from '../core/units.ts';
import type { Model } from '../field/model.ts';
import { pointCount } from '../field/spec.ts';
import { errorAgainst } from '../signal/errors.ts';
import type { Signal } from '../signal/signal.ts';
import { gridOfValues, onSide } from './beside.ts';
import type { Encoded } from './types.ts';
import { withFacts } from './with-facts.ts';
import type { DecodedFunction } from './work.ts';

/** What two engines may differ by, of the largest value; see bounded.ts. */
const engineShare = 2 ** -15;

export interface SignsContext {
  readonly model: Model;
  readonly signal: Signal;
  /** What a file decodes to without what is said beside its field, neither rounded nor clamped: [points, channels]. */
  valuesOf(bytes: Uint8Array): Promise<{ readonly values: Float32Array; readonly found: DecodedFunction }>;
}

/** Throws BadInputError `keep-signs` for outputs that are sampled in whole numbers. */
export function checkKeepsSigns({ card: { name, outputs } }: Model): void {
  const whole = outputs.find(({ sample }) => sample !== 'float32');
  if (whole === undefined) return;
  throw new BadInputError(
    'keep-signs',
    `output ${whole.name} of ${name} is sampled as ${whole.sample}: signs are kept of numbers, such as distances; quality 100 keeps samples as they are`,
  );
}

/** The file with the signs of its signal, or as it is where its field has them. */
export async function withSigns(
  { model, signal, valuesOf }: SignsContext,
  encoded: Encoded,
): Promise<Encoded> {
  const { shape, channels, values } = signal;
  const { values: field, found } = await valuesOf(encoded.bytes);
  const sums = new Float64Array(channels);
  const counts = new Float64Array(channels);
  for (let i = 0; i < values.length; i++) {
    if (!isOtherSide(values[i]!, field[i]!)) continue;
    sums[i % channels]! += Math.abs(values[i]!);
    counts[i % channels]! += 1;
  }
  const largest = field.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const scale = model.card.outputs.reduce((most, output) => Math.max(most, Math.abs(output.scale)), largest);
  const isSure = field.every((value, i) => Math.abs(value) > engineShare * scale || Number.isNaN(values[i]!));
  if (isSure && counts.every((count) => count === 0)) return encoded;
  // A mean is the size of least squared error; what is nothing but zeros takes the least normal float.
  const near = Float32Array.from(sums, (sum, c) => Math.max(sum / Math.max(1, counts[c]!), 2 ** -126));
  const below = Uint8Array.from(values, (value) => (value < 0 ? 1 : 0));
  layOver(field, { near, below }, channels);
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i]!)) field[i] = Number.NaN;
  const bytes = withSections(encoded.bytes, [
    ...(found.sections ?? []),
    { id: sectionIds.signs, bytes: encodeSigns({ near, below }, gridOfValues(shape, channels)) },
  ]);
  const error = errorAgainst(model.card, signal, field);
  const points = pointCount(shape);
  return withFacts(encoded, {
    bytes,
    ...{ ...error, psnrDb: psnrDb(error.mse), bitsPerPoint: bitsPerPoint(bytes.length, points) },
  });
}

/** In place: values [points, channels] of which one is on the other side of 0 are as far from it as `near` says. */
function layOver(
  values: Float32Array,
  { near, below }: { readonly near: Float32Array; readonly below: Uint8Array },
  channels: number,
): void {
  for (let i = 0; i < values.length; i++) values[i] = onSide(values[i]!, below[i]!, near[i % channels]!);
}

/** Missing values have no side. */
function isOtherSide(value: number, field: number): boolean {
  return !Number.isNaN(value) && value < 0 !== field < 0;
}
