/**
 * Coding with a bound on the error of every value (`maxError`): a field, and in whole steps what it is off. How bytes are shared between the
 * two is found by coding at several qualities. See docs/adr/0050.
 */
import { encodeResidual, mostSteps, sampleStep, sectionIds, withSections } from '../../codec/index.ts';
import { BadInputError } from '../core/errors.ts';
import { bitsPerPoint, psnrDb } from '../core/units.ts';
import { wholeRange } from '../field/about.ts';
import { atQuality } from '../field/at-quality.ts';
import { forward, network64, siteAt } from '../field/field64.ts';
import type { Model } from '../field/model.ts';
import { sampleScale } from '../field/outputs.ts';
import { pointCount, unravel } from '../field/spec.ts';
import { errorAgainst } from '../signal/errors.ts';
import type { Signal } from '../signal/signal.ts';
import { gridOfValues } from './beside.ts';
import type { MaxError } from './max-error.ts';
import type { Encoded } from './types.ts';
import { withFacts } from './with-facts.ts';
import type { DecodedFunction } from './work.ts';

/** Engines are within 1e-5 of the largest value of the exact field (src/engine/contract.ts), so two are within twice that; this is three times. */
const engineShare = 2 ** -15;
/** Of the largest value: float32 is rounded twice on the way to a decoded value. */
const floatShare = 2 ** -22;
/** Of a bound: what rounding to float32 takes of it, with room to spare. */
const floatMargin = 2 ** -10;
/** Of a step: how far float32 may be off a number that is stored. */
const gridMargin = 0.01;
/** Points at which the engine is held against float64 while coding. */
const compared = 512;

/** [channels]: the bound of each output. Throws BadInputError `max-error`. */
export function boundsOf(asked: MaxError, { id, values, channels }: Signal): Float64Array {
  const share = typeof asked === 'string' ? Number.parseFloat(asked) / 100 : undefined;
  const given = share ?? (asked as number);
  const isText = typeof asked === 'string' && !/^[0-9.]+(e[-+]?\d+)?%$/i.test(asked);
  if (isText || !(given > 0 && given < Number.POSITIVE_INFINITY))
    throw new BadInputError('max-error', `a bound is a number above 0, or a share such as 1%, not ${asked}`);
  if (share === undefined) return new Float64Array(channels).fill(given);
  const low = new Float64Array(channels).fill(Number.POSITIVE_INFINITY);
  const high = new Float64Array(channels).fill(Number.NEGATIVE_INFINITY);
  for (let i = 0; i < values.length; i++) {
    const v = values[i]!;
    if (v < low[i % channels]!) low[i % channels] = v;
    if (v > high[i % channels]!) high[i % channels] = v;
  }
  return low.map((least, c) => {
    const range = high[c]! - least;
    if (range > 0) return share * range;
    throw new BadInputError('max-error', `the values of ${id} have no range; give the bound as a number`);
  });
}

/**
 * The signal, without how its file stores numbers where values that are rounded to them may be further off than a bound. They are not where
 * values lie on whole steps and the bound is less than half a step above some of them.
 */
export function storedWithin(signal: Signal, asked: MaxError): Signal {
  const stored = signal.about?.stored;
  const range = wholeRange(stored?.type);
  if (stored === undefined || range === undefined) return signal;
  const { slope, intercept, fill } = stored;
  const numbers = signal.values.map((v) => (v - intercept) / slope);
  const isExact = slope === 1 && Number.isInteger(intercept);
  const holds = boundsOf(asked, signal).every((bound) => {
    const steps = bound / Math.abs(slope);
    return steps - Math.floor(steps) <= (isExact ? 0.5 : 0.5 - gridMargin);
  });
  const isWhole = (v: number) => Number.isNaN(v) || Math.abs(v - Math.round(v)) < gridMargin;
  // values are kept off the number of missing ones, to the side on which they are
  const isAside = (v: number) => Number.isNaN(v) || fill === undefined || Math.abs(v - fill) > 2 + boundSteps;
  const boundSteps = Math.max(...boundsOf(asked, signal)) / Math.abs(slope);
  if (holds && numbers.every((v) => isWhole(v) && isAside(v))) return signal;
  const { stored: _, ...about } = signal.about!;
  return { ...signal, about };
}

export interface BoundedContext {
  readonly model: Model;
  readonly signal: Signal;
  /** The file of a quality, without a residual. */
  encodeAt(quality: number, effort: number): Promise<Encoded>;
  /** The file of samples in the steps of a quality; undefined where samples do not stand for the signal. */
  encodeSamples(quality: number, by: 'foretold' | 'wavelets'): Encoded | undefined;
  /** What a file decodes to, without a residual, neither rounded nor clamped: [points, channels]. */
  valuesOf(bytes: Uint8Array): Promise<{ readonly values: Float32Array; readonly found: DecodedFunction }>;
}

/** Qualities that are tried first; then those around the best, `nearer` apart. */
const tried = [8, 20, 32, 44, 56, 68];
const nearer = [6, 3];
/** Of wavelets, whose errors spread further than half a step: so much finer than the steps of samples that keep the bound. */
const wavelets = [0, 5, 10, 15];

/** The shortest file found that keeps the bound. Throws BadInputError `max-error` where none can, and what coding throws. */
export async function encodeBounded(
  context: BoundedContext,
  asked: MaxError,
  effort: number,
): Promise<Encoded> {
  const { model, signal } = context;
  for (const { name, sample } of model.card.outputs)
    if (sample !== 'float32')
      throw new BadInputError(
        'max-error',
        `output ${name} of ${model.card.name} is sampled as ${sample}: errors are bounded for numbers; quality 100 keeps samples as they are`,
      );
  const bounds = boundsOf(asked, signal);
  const known = new Map<string, Encoded>();
  const at = async (quality: number, own: number) => {
    const key = `${quality} ${own}`;
    const found = known.get(key) ?? (await bounded(context, bounds, await context.encodeAt(quality, own)));
    known.set(key, found);
    return found;
  };
  let best = { quality: tried[0]!, file: await at(tried[0]!, 1) };
  const take = async (quality: number, own: number) => {
    const file = await at(quality, own);
    if (file.bytes.length < best.file.bytes.length) best = { quality, file };
  };
  for (const quality of tried.slice(1)) await take(quality, 1);
  if (effort > 1) best = { ...best, file: await at(best.quality, effort) };
  for (const step of nearer) {
    const middle = best.quality;
    for (const quality of [middle - step, middle + step])
      if (quality >= 1 && quality <= 100) await take(quality, effort);
  }
  const samples = samplesQuality(model, bounds);
  if (samples === undefined) return best.file;
  /** Bytes of the file. */
  const sampled = async (quality: number, by: 'foretold' | 'wavelets') => {
    const encoded = quality < 1 || quality > 100 ? undefined : context.encodeSamples(quality, by);
    if (encoded === undefined) return Number.POSITIVE_INFINITY;
    const file = await bounded(context, bounds, encoded);
    if (file.bytes.length < best.file.bytes.length) best = { quality, file };
    return file.bytes.length;
  };
  await sampled(samples, 'foretold');
  let [middle, least] = [samples, Number.POSITIVE_INFINITY];
  for (const finer of wavelets) {
    const bytes = await sampled(samples + finer, 'wavelets');
    if (bytes < least) [middle, least] = [samples + finer, bytes];
  }
  for (const finer of [-2, 2]) await sampled(middle + finer, 'wavelets');
  return best.file;
}

/** The quality of the largest steps of samples that keep the bounds; undefined where the smallest do not. */
function samplesQuality({ card: { outputs } }: Model, bounds: Float64Array): number | undefined {
  const units = outputs.map((output, c) => bounds[c]! * sampleScale(output, output.sample).perUnit);
  // A value is off by half a step, and by half a sample that it was rounded to before.
  const most = 2 * Math.min(...units.map(Math.abs)) * (1 - floatMargin) - 1;
  for (let quality = 1; quality <= 100; quality++) if (sampleStep(quality) <= most) return quality;
  return undefined;
}

/** The file with what its field is off by more than the bounds. */
async function bounded(
  { model, signal, valuesOf }: BoundedContext,
  bounds: Float64Array,
  encoded: Encoded,
): Promise<Encoded> {
  const { shape, channels, values } = signal;
  const { values: field, found } = await valuesOf(encoded.bytes);
  const margins = marginsOf(model, signal, field, found);
  const steps = bounds.map((bound, c) => {
    if (bound > 2 * margins[c]!) return 2 * (bound - margins[c]!);
    const least = (2.2 * margins[c]!).toPrecision(2);
    throw new BadInputError(
      'max-error',
      `a bound of ${bound} on ${model.card.outputs[c]!.name} is below what engines and float32 agree on; ask for ${least} or more, or store the values as they are`,
    );
  });
  const numbers = new Int32Array(values.length);
  let any = false;
  for (let i = 0; i < values.length; i++) {
    const c = i % channels;
    const off = values[i]! - field[i]!;
    // Missing values are off by NaN.
    if (!(Math.abs(off) > bounds[c]! - margins[c]!)) continue;
    const number = Math.round(off / steps[c]!);
    if (Math.abs(number) >= mostSteps)
      throw new BadInputError(
        'max-error',
        `value ${i} is ${Math.abs(number)} steps of ${steps[c]} off the field; ask for a bound that is larger`,
      );
    numbers[i] = number;
    any = true;
    field[i] = field[i]! + steps[c]! * number;
  }
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i]!)) field[i] = Number.NaN;
  const { sections = [] } = found;
  const bytes = any
    ? withSections(encoded.bytes, [
        ...sections,
        { id: sectionIds.residual, bytes: encodeResidual({ steps, numbers }, gridOfValues(shape, channels)) },
      ])
    : encoded.bytes;
  const error = errorAgainst(model.card, signal, field);
  const points = pointCount(shape);
  const facts = { ...error, psnrDb: psnrDb(error.mse), bitsPerPoint: bitsPerPoint(bytes.length, points) };
  return withFacts(encoded, { bytes, ...facts });
}

/**
 * [channels]: how far the values of two engines may be apart. Throws BadInputError `max-error` where this one is further from float64 than
 * engines are allowed to be.
 */
function marginsOf(
  model: Model,
  { shape, channels, values }: Signal,
  field: Float32Array,
  found: DecodedFunction,
): Float64Array {
  const { outputs, spec } = model.card;
  const largest = new Float64Array(channels).fill(1);
  const most = new Float64Array(channels);
  for (let i = 0; i < field.length; i++) {
    const c = i % channels;
    const { offset, scale } = outputs[c]!;
    largest[c] = Math.max(largest[c]!, Math.abs((field[i]! - offset) / scale));
    most[c] = Math.max(most[c]!, Math.abs(field[i]!), Number.isNaN(values[i]!) ? 0 : Math.abs(values[i]!));
  }
  if ('samples' in found) return most.map((size) => floatShare * size);
  const margins = most.map(
    (size, c) => engineShare * Math.abs(outputs[c]!.scale) * largest[c]! + floatShare * size,
  );
  if (!('modulation' in found)) return margins;
  const net = network64(atQuality(model, found.quality).network);
  const phi = Float64Array.from(found.modulation);
  const points = pointCount(shape);
  const every = Math.max(1, Math.floor(points / compared));
  for (let p = 0; p < points; p += every) {
    const place = unravel(shape, p).map((i) => i + 0.5);
    const { f } = forward(net, siteAt(spec, shape, place), phi);
    for (let c = 0; c < channels; c++) {
      const exact = outputs[c]!.offset + outputs[c]!.scale * f[c]!;
      if (Math.abs(exact - field[p * channels + c]!) <= margins[c]! / 2) continue;
      throw new BadInputError(
        'max-error',
        `this engine is ${Math.abs(exact - field[p * channels + c]!)} from the exact field at point ${p}: no bound would hold on others`,
      );
    }
  }
  return margins;
}
