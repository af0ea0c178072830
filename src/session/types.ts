/** What a session takes and gives. Every option object ends with limits and an abort signal; nothing here prints. */
import type { Coding, WeightCoding } from '../../codec/index.ts';
import type { DistilledSteps, KindThat, PriorKind } from '../../prior/kinds.ts';
import type { Limits } from '../core/limits.ts';
import type { Engine } from '../engine/engine.ts';
import type { About } from '../field/about.ts';
import type { Channels } from '../field/kinds.ts';
import type { Model } from '../field/model.ts';
import type { Axis, Output } from '../field/outputs.ts';
import type { Samples } from '../field/samples.ts';
import type { Box } from '../signal/box.ts';
import type { Size } from '../signal/region.ts';
import type { RowStream } from '../signal/rows.ts';
import type { Signal } from '../signal/signal.ts';
import type { Func } from './func.ts';
import type { Keeping } from './keeping.ts';
import type { MaxError } from './max-error.ts';
import type { SessionWork } from './work.ts';

export interface SessionOptions {
  readonly model: Model;
  readonly engine: Engine;
  readonly limits?: Limits | undefined;
  /** Where entropy coding runs; default: here. */
  readonly work?: SessionWork | undefined;
}

export interface EncodeOptions {
  /** 1 (fewest bits) .. 100; default 50, the steps the model was trained with. */
  readonly quality?: number | undefined;
  /** 1, the inner steps of the model's training alone, to 9; see src/fit/effort.ts. */
  readonly effort?: number | undefined;
  /** The file is then one of symbols of this quality by this prior. Default: whatever serves best; see encoder.ts. */
  readonly prior?: PriorKind | undefined;
  /**
   * `chosen` (default): small files take the quantiser steps that serve the quality best, which is what keeps qualities in order
   * (src/fit/ranking.ts) and takes about eight codings in place of one. `asked`: those of the quality itself.
   */
  readonly steps?: 'chosen' | 'asked' | undefined;
  /**
   * What the file says of the signal that its values do not need: `all` (default), `axes`, where samples stand, or `none`. Places of a map take 16 to 25
   * bytes, attributes such as a long name 25 to 100.
   */
  readonly keep?: Keeping | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a file is to reach, in place of a quality. */
export type EncodeTarget =
  /** At least; decibels as in `Encoded.psnrDb`. */
  | { readonly psnrDb: number }
  /** At most; of the whole file. */
  | { readonly fileBytes: number };

/** A bound on the error of every value. */
export interface BoundOptions {
  /**
   * No decoded value is further off, at the size of the signal and on any engine: a number in the unit of the outputs, or a share of the
   * range of the signal's values, such as `1%`. `quality` is then looked for. See bounded.ts.
   */
  readonly maxError?: MaxError | undefined;
  /**
   * Every decoded sample is on the side of 0 on which it was, on any engine: what is inside of a shape stays inside. Costs about 60 bytes of a part on a grid
   * of 32. Of outputs that are numbers, without `maxError`. See signs.ts.
   */
  readonly keepSigns?: boolean | undefined;
}

export interface EncodeOneOptions extends EncodeOptions, BoundOptions {
  /** `quality` is then looked for; see target.ts. */
  readonly target?: EncodeTarget | undefined;
}

/** `maxError` and `keepSigns` are of each signal, and of single files: they ask for `archive: false`. */
export interface EncodeManyOptions extends EncodeOptions, BoundOptions {
  /** Signals adapted together; default 32. */
  readonly batch?: number | undefined;
  /** `false`: no archive, an empty array stands for it. */
  readonly archive?: boolean | undefined;
  /** Ids of the signals in the archive, by which they are decoded and stored; a byte each and their text. Default: none. */
  readonly ids?: boolean | undefined;
}

/** One signal as a function in bytes. */
export interface Encoded {
  /** A whole `.functa` file. */
  readonly bytes: Uint8Array;
  readonly shape: readonly number[];
  /**
   * Of the signal decoded from `bytes`, rounded and clamped where its samples are whole numbers, against what was given; over the peaks of
   * the card's outputs, missing values left out, points counted by their weights. Infinity: equal.
   */
  readonly psnrDb: number;
  /** Mean squared error behind `psnrDb`, in units of peak squared. */
  readonly mse: number;
  /** [outputs]: root mean square of the error, in the unit of each. */
  readonly rmse: readonly number[];
  /** [outputs]: largest absolute error, in the unit of each. */
  readonly maxError: readonly number[];
  /** Bits of the whole file over points. */
  readonly bitsPerPoint: number;
  /** What the prior says the symbols cost, header not included. */
  readonly estimatedBits: number;
  readonly seconds: number;
  /** [m]; absent where the file holds samples. */
  readonly symbols: Int32Array | undefined;
  /** [points, channels], as a decoder finds them; absent where the file holds symbols. */
  readonly samples: Samples | undefined;
  /**
   * The modulation before quantisation, [m], of the network at the quality asked for; of a large signal above effort 1, which is fitted in
   * windows, what its symbols stand for. What is said of a large signal may be made anew whenever it is read.
   */
  readonly modulation: Float32Array;
  /** As asked for, or found for a target. */
  readonly quality: number;
  /** What the file says and is decoded by: one near `quality` may be better in bytes and error. */
  readonly fileQuality: number;
  readonly prior: Coding;
}

export interface DecodeOptions {
  /** Which function of an archive; default 0. */
  readonly item?: number | undefined;
  /** The same by its id. */
  readonly id?: string | undefined;
  /** Default: the size of the signal. A string is read by `parseSize`. */
  readonly size?: Size | string | undefined;
  /** Default: everything. A string is read by `boxOf`: `y=0:32,x=8:24`. */
  readonly region?: Box | string | undefined;
  /** Values as the field gives them: not clamped, not rounded, and between samples too; pictures are drawn from their samples there, sounds always are. */
  readonly raw?: boolean | undefined;
  readonly limits?: Limits | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How a function is opened. */
export interface OpenFuncOptions extends Pick<DecodeOptions, 'item' | 'id' | 'limits' | 'signal'> {
  /** What it is called; default: its id in the archive, or its number. */
  readonly name?: string | undefined;
}

/** A modulation that came from anywhere, as a function. */
export interface ModulationOf {
  /** [m], of the network at `quality`; kept, not copied. */
  readonly modulation: Float32Array;
  /** Default: the model's own. */
  readonly shape?: readonly number[] | undefined;
  /** Default 50. */
  readonly quality?: number | undefined;
  readonly id?: string | undefined;
  /** Where samples stand and what is said of the signal, as what was made of other functions has them. */
  readonly places?: Uint8Array | undefined;
  readonly about?: Uint8Array | undefined;
}

/** Rows of one function of an archive. */
export interface NamedRows {
  /** Its id, or its number where there are no ids. */
  readonly id: string;
  readonly rows: RowStream;
}

export interface SampleOptions {
  readonly count: number;
  /** Same seed, model and options: the same bytes. */
  readonly seed: number;
  /** 1: the prior's own distribution; lower: closer to its mode. Default 1. */
  readonly temperature?: number | undefined;
  /** One that the model carries, or one whose file stands beside the model's. Default: the model's best; with a label, guidance or steps `diffusion`. */
  readonly prior?: KindThat<'sample'> | undefined;
  /** One of the prior's labels; for `diffusion`. */
  readonly label?: string | number | undefined;
  /** How much more the label says than it does by itself: 1 is itself; default: what the prior's card says, else 1; for `diffusion`. */
  readonly guidance?: number | undefined;
  /**
   * Noise levels on the way, 1 to 1000, up to 8 with one pass each, above with two; default: what the prior's card says, else 18; for `diffusion`.
   * Few that a distilled network beside the model learnt are drawn by that one, which takes no other guidance and no temperature.
   */
  readonly steps?: number | undefined;
  readonly quality?: number | undefined;
  /** Shape of the signals drawn; default: the model's own. */
  readonly shape?: readonly number[] | undefined;
  /** Size to decode them at. */
  readonly size?: Size | string | undefined;
  /** Values as the field gives them: not clamped, not rounded. */
  readonly raw?: boolean | undefined;
  /** `false`: the archive alone, no signals. */
  readonly decode?: boolean | undefined;
  /** Ids in the archive: `sample-SEED-0`, ... Default: none. */
  readonly ids?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Sampled {
  readonly signals: readonly Signal[];
  /** An archive of the drawn functions. */
  readonly archive: Uint8Array;
  /** Bits of each under the prior at temperature 1. */
  readonly bits: number[];
  /** Set where a distilled network drew (docs/adr/0081). */
  readonly distilled?: DistilledSteps | undefined;
}

/** What an archive says of one of its functions. */
export interface InspectedItem {
  readonly id: string | undefined;
  /** When the archive or the given model says it. */
  readonly shape: readonly number[] | undefined;
  /** Of its stream, or its equal share of one that it has with others. */
  readonly bytes: number;
  readonly prior: string;
  readonly quality: number;
}

/** The network that a file brings. */
export interface InspectedNetwork {
  readonly layers: number;
  readonly width: number;
  readonly w0: number;
  readonly channels: Channels;
  readonly weights: number;
  /** `half`: floats of 16 bits; `steps`: quantised and entropy coded. */
  readonly coding: WeightCoding;
  /** Of the file after its header, over `weights`. */
  readonly bitsPerWeight: number;
}

/** What can be said of a `.functa` file without decoding it. */
export interface Inspection {
  /** `network`: a function that is a network of its own and needs no model. */
  readonly kind: 'file' | 'archive' | 'network';
  readonly fileBytes: number;
  readonly headerBytes: number;
  /** Hex digits of the model digest that the file carries; absent: it needs no model. */
  readonly modelDigest?: string | undefined;
  /** Of an archive: those of most items; absent: a network's weights have none. */
  readonly prior?: string | undefined;
  readonly quality?: number | undefined;
  /** What a network of its own is. */
  readonly network?: InspectedNetwork | undefined;
  readonly count: number;
  /** Of an archive, in its order. */
  readonly items?: readonly InspectedItem[] | undefined;
  /** Shape of the signal (of the first one in an archive), when the file or the given model says it. */
  readonly shape?: readonly number[] | undefined;
  readonly points?: number | undefined;
  readonly bitsPerPoint?: number | undefined;
  /** What the values of a single function are, with a model: name, unit and range of its signal where the file says them, else the model's. */
  readonly outputs?: readonly Output[] | undefined;
  /** Where samples stand, with a model: as the file says, else as the model's card. Absent where functions of an archive differ, and in a page. */
  readonly axes?: readonly Axis[] | undefined;
  /** What a single function's file says of it beside values and places: attributes of its variables, how its numbers were stored. Absent in a page. */
  readonly about?: About | undefined;
}

export interface Session {
  readonly model: Model;
  readonly engine: Engine;
  /** Throws BadInputError `target-out-of-reach`, saying what can be reached. */
  encode(signal: Signal, options?: EncodeOneOptions): Promise<Encoded>;
  /** Adapts signals of one shape together; one archive of them all beside their single files. */
  encodeMany(
    signals: readonly Signal[],
    options?: EncodeManyOptions,
  ): Promise<{ readonly items: Encoded[]; readonly archive: Uint8Array }>;
  /**
   * A function of a file or an archive, to be asked. Throws as `decode`.
   *
   * @example
   * const fn = await session.open(bytes);
   * const values = await fn.evaluate([12.25, 7.5]);
   */
  open(bytes: Uint8Array, options?: OpenFuncOptions): Promise<Func>;
  /** All functions of an archive (of a single file: one), in one pass over its bytes. */
  openEach(bytes: Uint8Array, options?: Pick<DecodeOptions, 'limits' | 'signal'>): AsyncIterable<Func>;
  /** The function of a modulation: of a mean, a path, a completion, or of another program. Throws BadInputError `modulation-length`, `quality`. */
  func(of: ModulationOf): Func;
  /**
   * Values of outputs that the card samples in whole numbers are rounded and clamped. Where the signal had missing values, these are NaN.
   */
  decode(bytes: Uint8Array, options?: DecodeOptions): Promise<Signal>;
  /** The same values, rows at a time. */
  decodeRows(bytes: Uint8Array, options?: DecodeOptions): Promise<RowStream>;
  /** The signals of an archive (of a single file: one), one at a time, in one pass over its bytes. */
  decodeMany(bytes: Uint8Array, options?: DecodeOptions): AsyncIterable<Signal>;
  /** The same signals, rows at a time; each is to be read before the next is asked for. */
  decodeEach(bytes: Uint8Array, options?: Omit<DecodeOptions, 'item' | 'id'>): Iterable<NamedRows>;
  sample(options: SampleOptions): Promise<Sampled>;
  inspect(bytes: Uint8Array): Inspection;
}
