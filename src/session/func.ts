/** A function as an object: what a file, a store or a prior gives, asked at points, decoded at any size, or written as bytes. */
import { multiplyAddsPerPoint } from '../../codec/index.ts';
import type { PriorKind } from '../../prior/kinds.ts';
import { AbortedError, BadInputError } from '../core/errors.ts';
import { checkLimit, type Limits } from '../core/limits.ts';
import { Pace } from '../core/pace.ts';
import type { Engine } from '../engine/engine.ts';
import { atQuality, defaultQuality } from '../field/at-quality.ts';
import { network64 } from '../field/field64.ts';
import type { Model } from '../field/model.ts';
import { placeAt, valueAndSlope } from '../field/slopes64.ts';
import { bestPrior } from '../models/priors.ts';
import { collectRows, type RowStream } from '../signal/rows.ts';
import type { Signal } from '../signal/signal.ts';
import { toSignalValues } from '../signal/values.ts';
import { checkCodedAt, filesOf, functionsOf } from './coding.ts';
import { functionRows } from './function-rows.ts';
import { itemNumber, namesOf } from './items.ts';
import { modulationOf } from './modulation.ts';
import type { DecodeOptions, OpenFuncOptions } from './types.ts';
import type { DecodedFunction, Work } from './work.ts';

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
  /** The modulation is one of the network at this quality; that of a file of samples, whose own quality `inspect` tells, is of 50. */
  readonly quality: number;
  /** The model that it is a function of; a network file brings its own. */
  readonly model: Model;
  /** Whether it came from a file, which `toBytes` gives back. */
  readonly ofFile: boolean;
  /** [m]: dequantised symbols; the plain fit of a file of samples; no numbers where the file is a network of its own. */
  readonly modulation: Float32Array;
  /**
   * Values [points, channels] of the field at points [points, axes], row-major, in the units of the signal; neither clamped nor rounded. A file of
   * samples is asked by its plain fit, here and by all queries: what it decodes to can be far from that.
   * Throws BadInputError `bad-coordinates`, `outside-signal`; LimitError; AbortedError.
   */
  evaluate(
    points: ArrayLike<number>,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<Float32Array>;
  /** Exact derivatives [points, channels, axes] of these values by the coordinates, a unit a sample, in float64. Throws as `evaluate`. */
  derivative(
    points: ArrayLike<number>,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<Float64Array>;
  /** The signal at any size, or a region of it. Throws as `Session.decode`. */
  decode(options?: FuncDecodeOptions): Promise<Signal>;
  /** The same values, rows at a time. */
  rows(options?: FuncDecodeOptions): RowStream;
  /** A `.functa` file: the one it came from, unless quality or prior are given. Throws what coding throws. */
  toBytes(options?: FuncBytesOptions): Promise<Uint8Array>;
}

/** What functions are asked with. */
export interface FuncContext {
  readonly model: Model;
  readonly engine: Engine;
  readonly work: Pick<Work, 'code'>;
  readonly limits: Limits;
}

/** What is known of a function. */
export interface FuncParts {
  readonly id: string;
  /** What decodes to its signal. */
  readonly found:
    | DecodedFunction
    | { readonly modulation: Float32Array; readonly shape: readonly number[]; readonly quality: number };
  readonly quality: number;
  readonly modulation: Float32Array;
  /** The file that it came from; absent where it came from none. */
  readonly file?: (() => Uint8Array) | undefined;
}

export function funcOf(context: FuncContext, parts: FuncParts): Func {
  return new OpenedFunc(context, parts);
}

/** A function of a file or an archive. Throws as `Session.open`. */
export async function openFunc(
  context: FuncContext & { readonly work: Pick<Work, 'decode'> },
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
  return funcOfFile(context, found, { id, file: () => files(item), signal });
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
    yield await funcOfFile(context, found, { id: names[item]!, file: () => files(item), signal });
  }
}

async function funcOfFile(
  context: FuncContext,
  found: DecodedFunction,
  { id, file, signal }: Pick<FuncParts, 'id' | 'file'> & { readonly signal: AbortSignal | undefined },
): Promise<Func> {
  const { modulation, quality } =
    'network' in found
      ? { modulation: new Float32Array(0), quality: defaultQuality }
      : await modulationOf(context, found, { signal });
  return funcOf(context, { id, found, modulation, quality, file });
}

class OpenedFunc implements Func {
  readonly id: string;
  readonly shape: readonly number[];
  readonly channels: number;
  readonly quality: number;
  readonly model: Model;
  readonly modulation: Float32Array;
  readonly ofFile: boolean;
  readonly #context: FuncContext;
  readonly #found: FuncParts['found'];
  readonly #file: FuncParts['file'];

  constructor(context: FuncContext, { id, found, quality, modulation, file }: FuncParts) {
    this.model = 'network' in found ? found.network : context.model;
    this.id = id;
    this.shape = found.shape;
    this.channels = this.model.card.spec.outputs;
    this.quality = quality;
    this.modulation = modulation;
    this.#context = context;
    this.#found = found;
    this.#file = file;
    this.ofFile = file !== undefined;
  }

  async evaluate(points: ArrayLike<number>, { signal }: { readonly signal?: AbortSignal | undefined } = {}) {
    this.#check(points, 1);
    const { network } = atQuality(this.model, this.quality);
    const coordinates = Float32Array.from(points);
    const list = { kind: 'list', coordinates } as const;
    const found = await this.#context.engine.evaluate(network, this.shape, this.modulation, list, { signal });
    return toSignalValues(this.model.card, found, true);
  }

  async derivative(
    points: ArrayLike<number>,
    { signal }: { readonly signal?: AbortSignal | undefined } = {},
  ) {
    const { card } = this.model;
    const { axes, outputs } = card.spec;
    this.#check(points, 1 + axes);
    const net = network64(atQuality(this.model, this.quality).network);
    const phi = Float64Array.from(this.modulation);
    const all = new Float64Array((points.length / axes) * outputs * axes);
    const pace = new Pace(signal);
    for (let p = 0; p * axes < points.length; p++) {
      const x = Array.from({ length: axes }, (_, axis) => points[p * axes + axis]!);
      const { slope } = valueAndSlope(net, placeAt(card.spec, this.shape, x), phi);
      all.set(
        slope.map((d, i) => card.outputs[Math.floor(i / axes)]!.scale * d),
        p * outputs * axes,
      );
      if (pace.due) await pace.turn();
    }
    return all;
  }

  async decode(options: FuncDecodeOptions = {}): Promise<Signal> {
    const stream = this.rows(options);
    const values = await collectRows(stream);
    const { shape, channels, axes } = stream;
    return { id: this.id, shape, channels, axes, values };
  }

  rows(options: FuncDecodeOptions = {}): RowStream {
    const { limits = this.#context.limits } = options;
    return functionRows(this.#context, this.#found, { ...options, limits });
  }

  async toBytes({ quality, prior, signal }: FuncBytesOptions = {}): Promise<Uint8Array> {
    if (this.#file !== undefined && quality === undefined && prior === undefined) return this.#file();
    const { model, shape, modulation } = this;
    if ('samples' in this.#found)
      throw new BadInputError(
        'own-samples',
        'a file of samples is not coded anew from its plain fit; decode it and encode the signal, or leave quality and prior out',
      );
    if ('network' in this.#found)
      throw new BadInputError(
        'own-network',
        'a network of its own is not coded anew; leave quality and prior out',
      );
    const at = quality ?? this.quality;
    checkCodedAt(model, at, this.quality);
    const task = { modulation, shape, quality: at, prior: prior ?? bestPrior(model) };
    return (await this.#context.work.code(model, task, signal)).bytes;
  }

  #check(points: ArrayLike<number>, passes: number): void {
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
    const work = (points.length / axes) * passes * multiplyAddsPerPoint(this.model.card.spec);
    checkLimit('multiply-adds', work, this.#context.limits.maxMultiplyAdds, 'ask for fewer points');
  }
}
