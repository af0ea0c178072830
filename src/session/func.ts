/** A function as an object: what a file, a store or a prior gives, asked at points, decoded at any size, or written as bytes. */

import { multiplyAddsPerPoint, type Section, sectionIds, withSections } from '../../codec/index.ts';
import type { PriorKind } from '../../prior/kinds.ts';
import { aNumber, aText, check, numbers, optionsOf } from '../core/check.ts';
import { AbortedError, BadInputError } from '../core/errors.ts';
import { checkLimit, type Limits } from '../core/limits.ts';
import { Pace } from '../core/pace.ts';
import { atQuality, defaultQuality } from '../field/at-quality.ts';
import { network64 } from '../field/field64.ts';
import type { Model } from '../field/model.ts';
import { placeAt, valueAndSlope } from '../field/slopes64.ts';
import { bestPrior } from '../models/priors.ts';
import { collectRows, type RowStream } from '../signal/rows.ts';
import type { Signal } from '../signal/signal.ts';
import { toSignalValues } from '../signal/values.ts';
import { decodeOptions } from './arguments.ts';
import { BandPoints, fieldAt, isBanded, samplesOfPoints } from './band.ts';
import { modelBeside } from './beside.ts';
import { checkCodedAt, filesOf, functionsOf } from './coding.ts';
import { functionRows, type RowsContext } from './function-rows.ts';
import { itemNumber, namesOf } from './items.ts';
import type { OpenedModulation, PlainFitOptions } from './modulation.ts';
import { type SampledSignal, SampleField } from './sample-field.ts';
import type { DecodeOptions, OpenFuncOptions } from './types.ts';
import type { DecodedFunction, SessionWork } from './work.ts';

/** How a function is decoded: as `Session.decode`, without the choice of an item. */
export type FuncDecodeOptions = Omit<DecodeOptions, 'item' | 'id'>;

/** How a function is coded. */
export interface FuncBytesOptions {
  /** Default: its own. */
  readonly quality?: number | undefined;
  /** Default: the best that the model has. */
  readonly prior?: PriorKind | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A signal as a function. Coordinates are in samples of the signal, axes in array order: sample i of an axis stands at i + 0.5.
 *
 * @example
 * const fn = await session.open(bytes);
 * const [r, g, b] = await fn.evaluate([12.25, 7.5]);
 * const large = await fn.decode({ size: '4x' });
 */
export interface Func {
  /** Its id in an archive or a functaset; `0`, `1`, ... where it has none. */
  readonly id: string;
  /** Samples of the signal along each axis, array order. */
  readonly shape: readonly number[];
  /** Values at a point. */
  readonly channels: number;
  /** What it is: a modulation of the model, samples that no network stands behind, or a network of its own. */
  readonly kind: FuncKind;
  /** A modulation is one of the network at this quality; samples are whole at 100. */
  readonly quality: number;
  /**
   * The model that it is a function of; a network file brings its own. Of a signal that was taken over its own range the outputs of the card
   * are in the signal's units.
   */
  readonly model: Model;
  /** Whether it came from a file, which `toBytes` gives back. */
  readonly ofFile: boolean;
  /**
   * [m]: dequantised symbols; no numbers where the file is a network of its own. Throws BadInputError `own-samples` where it is samples,
   * which have none: `fitted` gives the function of their fit.
   */
  readonly modulation: Float32Array;
  /**
   * Values [points, channels] at points [points, axes], row-major, in the units of the signal; neither clamped nor rounded: what `decode`
   * gives with `raw`. A sound is the windowed sinc through its samples (ADR 60), of a network or not. Other samples have their own values
   * where they stand, and in between those of cubic convolution (pictures of 8 bits) or of lines. Throws BadInputError `bad-coordinates`, `outside-signal`; LimitError; AbortedError.
   */
  evaluate(
    points: ArrayLike<number>,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<Float32Array>;
  /**
   * Exact derivatives [points, channels, axes] of these values by the coordinates, a unit a sample, in float64; where lines meet at a
   * sample, that of the line which begins there. Throws as `evaluate`.
   */
  derivative(
    points: ArrayLike<number>,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<Float64Array>;
  /** The signal at any size, or a region of it. Throws as `Session.decode`. */
  decode(options?: FuncDecodeOptions): Promise<Signal>;
  /** The same values, rows at a time. */
  rows(options?: FuncDecodeOptions): RowStream;
  /**
   * The function as one of the model's network, for what is done with modulations: itself, or, of samples, another function, that of
   * their plain fit (quality 50, effort 1), which can be far from them. Throws BadInputError `own-network`; AbortedError.
   */
  fitted(options?: { readonly signal?: AbortSignal | undefined }): Promise<Func>;
  /**
   * A `.functa` file: the one it came from, unless quality or prior are given. What the file says of the signal goes with it: missing values,
   * ranges, names. A residual, which keeps a bound on the error (`maxError`), is of one field: it goes along at the function's own quality,
   * and not at another. Throws what coding throws.
   */
  toBytes(options?: FuncBytesOptions): Promise<Uint8Array>;
}

export type FuncKind = 'modulation' | 'samples' | 'network';

/** What functions are asked with. */
export interface FuncContext extends RowsContext {
  /** Draws it; a page does without what files say beside values. */
  readonly rows?: typeof functionRows | undefined;
  readonly work: Pick<SessionWork, 'code'>;
  /** The modulation of what a file holds: a reader has none for samples, as it brings nothing that fits. */
  readonly fit: (found: DecodedFunction, options: PlainFitOptions) => Promise<OpenedModulation>;
  readonly limits: Limits;
}

/** What is known of a function. */
export interface FuncParts {
  readonly id: string;
  /** What decodes to its signal. */
  readonly found: DecodedFunction | OpenedModulation;
  /** The file that it came from; absent where it came from none. */
  readonly file?: (() => Uint8Array) | undefined;
}

export function funcOf(context: FuncContext, parts: FuncParts): Func {
  return new OpenedFunc(context, parts);
}

/** A function of a file or an archive. Throws as `Session.open`. */
export async function openFunc(
  context: FuncContext & { readonly work: Pick<SessionWork, 'decode'> },
  bytes: Uint8Array,
  options: Omit<OpenFuncOptions, 'limits'>,
): Promise<Func> {
  const { model, work, limits } = context;
  const { signal } = options;
  const item = itemNumber(bytes, options, limits);
  if (signal?.aborted) throw new AbortedError();
  const found = await work.decode(model, { bytes, item, limits }, signal);
  const id = options.name ?? namesOf(bytes, limits)[item]!;
  const files = filesOf(model, bytes, limits);
  return funcOf(context, { id, found, file: () => files(item) });
}

/** All functions of an archive, in one pass over its bytes. Throws as `Session.openEach`. */
export async function* openFuncs(
  context: FuncContext,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
): AsyncIterable<Func> {
  const { model, limits } = context;
  const files = filesOf(model, bytes, limits);
  const names = namesOf(bytes, limits);
  let next = 0;
  for (const found of functionsOf(model, bytes, { limits, signal })) {
    const item = next++;
    yield funcOf(context, { id: names[item]!, found, file: () => files(item) });
  }
}

const noNumbers = new Float32Array(0);
/** Points of samples that are read between two looks at the clock. */
const pointsTogether = 256;

async function valuesOfSamples(
  { card }: Model,
  sampled: SampledSignal,
  points: ArrayLike<number>,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const { axes, outputs } = card.spec;
  const field = new SampleField(card, sampled);
  const values = new Float32Array((points.length / axes) * outputs);
  const coordinates = Float64Array.from(points);
  const pace = new Pace(signal);
  for (let first = 0; first * axes < points.length; first += pointsTogether) {
    const some = coordinates.subarray(first * axes, (first + pointsTogether) * axes);
    values.set(field.valuesAt(some), first * outputs);
    if (pace.due) await pace.turn();
  }
  return values;
}

/** Whether a section says something of the signal, which holds of another function of it, too; a residual is of one field. */
const isOfSignal: Readonly<Record<keyof typeof sectionIds, boolean>> = {
  mask: true,
  residual: false,
  affine: true,
  signs: true,
  leastSquares: false,
  wavelets: false,
  names: true,
  axes: true,
  about: true,
};
const idsOfSignal: ReadonlySet<number> = new Set(
  Object.entries(sectionIds).flatMap(([name, id]) => (isOfSignal[name as keyof typeof sectionIds] ? id : [])),
);

/** Those that hold of another function of the signal, too. */
function sectionsOfSignal(sections: readonly Section[] = []): readonly Section[] {
  return sections.filter(({ id }) => idsOfSignal.has(id));
}

class OpenedFunc implements Func {
  readonly id: string;
  readonly shape: readonly number[];
  readonly channels: number;
  readonly kind: FuncKind;
  readonly quality: number;
  readonly model: Model;
  readonly ofFile: boolean;
  readonly #context: FuncContext;
  readonly #found: FuncParts['found'];
  readonly #file: FuncParts['file'];

  constructor(context: FuncContext, { id, found, file }: FuncParts) {
    this.kind = 'network' in found ? 'network' : 'samples' in found ? 'samples' : 'modulation';
    this.model = 'network' in found ? found.network : modelBeside(context.model, found.sections);
    this.id = id;
    this.shape = found.shape;
    this.channels = this.model.card.spec.outputs;
    this.quality = 'network' in found ? defaultQuality : found.quality;
    this.#context = context;
    this.#found = found;
    this.#file = file;
    this.ofFile = file !== undefined;
  }

  get modulation(): Float32Array {
    if ('network' in this.#found) return noNumbers;
    if (!('samples' in this.#found)) return this.#found.modulation;
    throw new BadInputError(
      'own-samples',
      `function ${this.id} is samples and has no modulation; \`await fn.fitted()\` gives the function of their plain fit`,
    );
  }

  async evaluate(points: ArrayLike<number>, { signal }: { readonly signal?: AbortSignal | undefined } = {}) {
    this.#check(points, 1);
    if ('samples' in this.#found) return valuesOfSamples(this.model, this.#found, points, signal);
    const found = isBanded(this.model.card)
      ? await this.#bandValues(points, signal)
      : await this.#fieldValues(Float32Array.from(points), signal);
    return toSignalValues(this.model.card, found, true);
  }

  /** Field values at coordinates. */
  #fieldValues(coordinates: Float32Array, signal: AbortSignal | undefined): Promise<Float32Array> {
    const { network } = atQuality(this.model, this.quality);
    const list = { kind: 'list', coordinates } as const;
    return this.#context.engine.evaluate(network, this.shape, this.modulation, list, { signal });
  }

  /** Field values of a sound: drawn from those at its samples. */
  async #bandValues(points: ArrayLike<number>, signal: AbortSignal | undefined): Promise<Float32Array> {
    const values = new Float32Array(points.length * this.channels);
    const all = Float64Array.from(points);
    const pace = new Pace(signal);
    for (let first = 0; first < all.length; first += pointsTogether) {
      const some = new BandPoints(all.subarray(first, first + pointsTogether), this.shape[0]!, 'value');
      const samples = await this.#fieldValues(some.coordinates, signal);
      values.set(some.sum(samples, this.channels), first * this.channels);
      if (pace.due) await pace.turn();
    }
    return values;
  }

  async derivative(
    points: ArrayLike<number>,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ) {
    const { card } = this.model;
    const { axes, outputs } = card.spec;
    this.#check(points, 1 + axes);
    const { engine } = this.#context;
    if (engine.derivatives !== undefined && this.kind !== 'samples' && !isBanded(card)) {
      const { network } = atQuality(this.model, this.quality);
      const signals = { shape: this.shape, count: 1, modulations: this.modulation };
      const found = await engine.derivatives(network, signals, Float64Array.from(points), { signal });
      return found.slopes.map((d, i) => card.outputs[Math.floor(i / axes) % outputs]!.scale * d);
    }
    const slopeAt = this.#slopes();
    const all = new Float64Array((points.length / axes) * outputs * axes);
    const pace = new Pace(signal);
    for (let p = 0; p * axes < points.length; p++) {
      all.set(
        slopeAt(Array.from({ length: axes }, (_, axis) => points[p * axes + axis]!)),
        p * outputs * axes,
      );
      if (pace.due) await pace.turn();
    }
    return all;
  }

  /** Derivatives [channels, axes] at a point, in the units of the signal. */
  #slopes(): (x: readonly number[]) => Float64Array {
    const { card } = this.model;
    if ('samples' in this.#found) {
      const field = new SampleField(card, this.#found);
      return (x) => field.slope(x);
    }
    const { axes, outputs } = card.spec;
    const net = network64(atQuality(this.model, this.quality).network);
    const phi = Float64Array.from(this.modulation);
    const scaled = (slope: Float64Array) =>
      slope.map((d, i) => card.outputs[Math.floor(i / axes)]!.scale * d);
    if (!isBanded(card))
      return (x) => scaled(valueAndSlope(net, placeAt(card.spec, this.shape, x), phi).slope);
    const valuesAt = fieldAt(net, this.shape, phi);
    return (x) => scaled(new BandPoints(x, this.shape[0]!, 'slope').sumOf(valuesAt, outputs));
  }

  async fitted({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<Func> {
    if (this.kind === 'modulation') return this;
    // Of a network of its own there is none, and this throws.
    const found = await this.#context.fit(this.#found as DecodedFunction, { signal });
    const sections = sectionsOfSignal(this.#found.sections);
    return funcOf(this.#context, { id: this.id, found: { ...found, sections } });
  }

  async decode(options: FuncDecodeOptions = {}): Promise<Signal> {
    const stream = this.rows(options);
    const values = await collectRows(stream);
    const { shape, channels, axes, about } = stream;
    return { id: this.id, shape, channels, axes, about, values };
  }

  rows(options: FuncDecodeOptions = {}): RowStream {
    check('decode', decodeOptions(options, 'options'));
    const { limits = this.#context.limits } = options;
    const { rows = functionRows } = this.#context;
    return rows(this.#context, this.#found, { ...options, limits });
  }

  async toBytes(options: FuncBytesOptions = {}): Promise<Uint8Array> {
    check('toBytes', optionsOf({ quality: aNumber, prior: aText })(options, 'options'));
    const { quality, prior, signal } = options;
    if (this.#file !== undefined && quality === undefined && prior === undefined) return this.#file();
    if ('samples' in this.#found)
      throw new BadInputError(
        'own-samples',
        'samples are not coded anew; decode them and encode the signal, or leave quality and prior out',
      );
    if ('network' in this.#found)
      throw new BadInputError(
        'own-network',
        'a network of its own is not coded anew; leave quality and prior out',
      );
    const { model, shape, modulation } = this;
    const at = quality ?? this.quality;
    checkCodedAt(model, at, this.quality);
    const task = { modulation, shape, quality: at, prior: prior ?? bestPrior(model) };
    const { bytes } = await this.#context.work.code(model, task, signal);
    const { sections: own = [] } = this.#found;
    // by another prior the symbols are the same, and so is the field that a residual is of
    const sections = at === this.quality ? own : sectionsOfSignal(own);
    return sections.length === 0 ? bytes : withSections(bytes, sections);
  }

  #check(points: ArrayLike<number>, passes: number): void {
    check('evaluate', numbers(points, 'points'));
    const { shape } = this;
    const axes = shape.length;
    if (points.length === 0 || points.length % axes !== 0) {
      const wanted = `${axes} numbers for each point`;
      throw new BadInputError('bad-coordinates', `${points.length} numbers are no points; give ${wanted}`);
    }
    for (let i = 0; i < points.length; i++) {
      const x = points[i]!;
      if (x >= 0 && x <= shape[i % axes]!) continue;
      throw new BadInputError(
        'outside-signal',
        `point ${Math.floor(i / axes)} is outside the function of [${shape}]: coordinates go from 0 to the size of each axis`,
      );
    }
    const { card } = this.model;
    const behind = isBanded(card)
      ? samplesOfPoints(points.length, pointsTogether, shape[0]!)
      : points.length / axes;
    const work = behind * passes * multiplyAddsPerPoint(card.spec);
    checkLimit('multiply-adds', work, this.#context.limits.maxMultiplyAdds, 'ask for fewer points');
  }
}
