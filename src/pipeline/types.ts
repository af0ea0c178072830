/** What the pipeline takes and gives. Every option object ends with limits and an abort signal; nothing here prints. */
import type { Coding } from '../../codec/index.ts';
import type { Limits } from '../core/limits.ts';
import type { Engine } from '../engine/engine.ts';
import type { Model } from '../field/model.ts';
import type { Samples } from '../field/samples.ts';
import type { TrainingRecipe } from '../learn/recipe.ts';
import type { Region, Size } from '../signal/region.ts';
import type { RowStream } from '../signal/rows.ts';
import type { Signal } from '../signal/signal.ts';
import type { Work } from './work.ts';

export type PipelineEvent =
  | {
      readonly type: 'start';
      readonly job: string;
      readonly total: number;
      readonly done: number;
      readonly unit: string;
    }
  | {
      readonly type: 'progress';
      readonly job: string;
      readonly done: number;
      readonly total: number;
      /** Named running figures with their unit in the name: psnrDb, bitsPerPoint, loss. */
      readonly figures: Readonly<Record<string, number>>;
    }
  | { readonly type: 'checkpoint'; readonly job: string; readonly path: string; readonly done: number }
  | { readonly type: 'note'; readonly job: string; readonly message: string }
  | { readonly type: 'end'; readonly job: string; readonly done: number; readonly seconds: number };

export interface JobOptions {
  readonly onEvent?: ((event: PipelineEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface SessionOptions {
  readonly model: Model;
  readonly engine: Engine;
  readonly limits?: Limits | undefined;
  /** Where entropy coding runs; default: here. */
  readonly work?: Work | undefined;
}

export interface EncodeOptions {
  /** 1 (fewest bits) .. 100; default 50, the steps the model was trained with. */
  readonly quality?: number | undefined;
  /** 1, the inner steps of the model's training alone, to 9; see effort.ts. */
  readonly effort?: number | undefined;
  /**
   * `histogram`, `factorized`, `autoregressive`: the file is then one of symbols of this quality by this prior. Default: whatever serves
   * best; see encoder.ts.
   */
  readonly prior?: string | undefined;
  /**
   * `chosen` (default): small files take the quantiser steps that serve the quality best, which is what keeps qualities in order
   * (ranking.ts) and takes about eight codings in place of one. `asked`: those of the quality itself.
   */
  readonly steps?: 'chosen' | 'asked' | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a file is to reach, in place of a quality. */
export type EncodeTarget =
  /** At least; decibels as in `Encoded.psnrDb`. */
  | { readonly psnrDb: number }
  /** At most; of the whole file. */
  | { readonly fileBytes: number };

export interface EncodeOneOptions extends EncodeOptions {
  /** `quality` is then looked for; see target.ts. */
  readonly target?: EncodeTarget | undefined;
}

export interface EncodeManyOptions extends EncodeOptions {
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
  /** Of the signal decoded from `bytes` (rounded and clamped to 8 bits for pictures) against what was given; peak 1. Infinity: equal. */
  readonly psnrDb: number;
  /** Mean squared error behind `psnrDb`. */
  readonly mse: number;
  /** Bits of the whole file over points. */
  readonly bitsPerPoint: number;
  /** What the prior says the symbols cost, header not included. */
  readonly estimatedBits: number;
  readonly seconds: number;
  /** [m]; absent where the file holds samples. */
  readonly symbols: Int32Array | undefined;
  /** [points, channels], as a decoder finds them; absent where the file holds symbols. */
  readonly samples: Samples | undefined;
  /** The modulation before quantisation, [m], of the network at the quality asked for. */
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
  /** Default: everything. A string is read by `parseRegion`. */
  readonly region?: Region | string | undefined;
  /** Values as the field gives them: not clamped, not rounded, and between samples too; pictures are drawn from their samples there. */
  readonly raw?: boolean | undefined;
  readonly limits?: Limits | undefined;
  readonly signal?: AbortSignal | undefined;
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
  /** One that the model carries, or `diffusion`, `flow` or `gaussian` where its file stands beside the model's. */
  readonly prior?: string | undefined;
  /** One of the prior's labels; for `diffusion`. */
  readonly label?: string | number | undefined;
  /** How much more the label says than it does by itself: 1 is itself, the default; for `diffusion`. */
  readonly guidance?: number | undefined;
  /** Noise levels on the way; default 18; for `diffusion`. */
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

/** What can be said of a `.functa` file without decoding it. */
export interface Inspection {
  readonly kind: 'file' | 'archive';
  readonly fileBytes: number;
  readonly headerBytes: number;
  /** Hex digits of the model digest that the file carries. */
  readonly modelDigest: string;
  /** Of an archive: those of most items. */
  readonly prior: string;
  readonly quality: number;
  readonly count: number;
  /** Of an archive, in its order. */
  readonly items?: readonly InspectedItem[] | undefined;
  /** Shape of the signal (of the first one in an archive), when the file or the given model says it. */
  readonly shape?: readonly number[] | undefined;
  readonly points?: number | undefined;
  readonly bitsPerPoint?: number | undefined;
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
  /** Values are clamped to the family's range; pictures are rounded to multiples of 1/255. */
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

export interface BuildOptions extends JobOptions {
  readonly dataset: string;
  /** Default: all. */
  readonly split?: 'train' | 'validation' | 'test' | 'all' | undefined;
  readonly limit?: number | undefined;
  readonly path: string;
  readonly model: Model;
  readonly engine: Engine;
  /** Stop at the first signal that cannot be read or coded; without it such signals are left out and told. */
  readonly strict?: boolean | undefined;
  /** Go on after what the store already holds; without it a store that is not empty is a conflict. */
  readonly resume?: boolean | undefined;
  readonly quality?: number | undefined;
  readonly effort?: number | undefined;
  readonly prior?: string | undefined;
  /** As in `EncodeOptions`, but `asked` by default: a build is of one quality, and of many signals. */
  readonly steps?: EncodeOptions['steps'];
  /** Signals adapted together; default 32. */
  readonly batch?: number | undefined;
  readonly cacheDir?: string | undefined;
  readonly limits?: Limits | undefined;
  /** Called once a batch is on disk with the ids that are now safe. */
  readonly onFlushed?: ((ids: readonly string[]) => void) | undefined;
}

/** A signal of a data set that could not be read or coded. */
export interface SkippedSignal {
  /** Its id, or its number in the data set where the id is not known. */
  readonly id: string;
  readonly code: string;
  readonly message: string;
}

export interface BuildResult {
  readonly path: string;
  /** Signals of the data set (of its split, up to the limit): added, there already, or skipped. */
  readonly found: number;
  readonly added: number;
  readonly there: number;
  readonly skipped: number;
  /** The first 100 of those skipped. */
  readonly faults: readonly SkippedSignal[];
  /** Functions in the store, of whatever data set. */
  readonly total: number;
  /** Of all functions in the store whose PSNR is known. */
  readonly psnrDbMeanOfItems: number;
  /** Bytes of their files over their points. */
  readonly bitsPerPoint: number;
  readonly seconds: number;
}

export interface EvalOptions extends JobOptions {
  readonly model: Model;
  readonly engine: Engine;
  readonly dataset: string;
  readonly split: 'train' | 'validation' | 'test' | 'all';
  readonly limit?: number | undefined;
  readonly qualities?: readonly number[] | undefined;
  /** Of jpeg, webp, avif. */
  readonly peers?: readonly string[] | undefined;
  readonly effort?: number | undefined;
  readonly prior?: string | undefined;
  readonly batch?: number | undefined;
  readonly cacheDir?: string | undefined;
}

/** A peer at the same mean PSNR (of items), between two of its own quality settings. */
export interface PeerPoint {
  /** Mean bytes of the whole file. */
  readonly bytes: number;
  /** The same without what every file of this container repeats: see `fixedBytes`. */
  readonly bytesWithoutFixedPart: number;
  readonly fixedBytes: number;
  readonly psnrDb: number;
  /** Within the peer's range: `interpolated`; outside: the nearest end of the range, not at equal PSNR. */
  readonly at: 'interpolated' | 'lowest' | 'highest';
}

export interface EvalQuality {
  readonly quality: number;
  /** Mean bytes of one item's own file. */
  readonly fileBytes: number;
  readonly fileBytesWithoutHeader: number;
  /** Bytes of an archive of all items over items. */
  readonly archiveBytes: number;
  /** From fileBytes. */
  readonly bitsPerPixel: number;
  readonly archiveBitsPerPixel: number;
  readonly estimatedBits: number;
  readonly psnrDbMeanOfItems: number;
  readonly psnrDbOfMeanMse: number;
  readonly encodeMs: number;
  readonly decodeMs: number;
  /** An archive of the same symbols through the `histogram` prior, over items; null: the model has none. */
  readonly histogramBytes: number | null;

  readonly peers: Readonly<Record<string, PeerPoint>>;
}

export interface EvalResult {
  readonly model: string;
  readonly dataset: string;
  readonly split: string;
  readonly n: number;
  readonly prior: string;
  readonly effort: number;
  readonly engine: string;
  readonly qualities: EvalQuality[];
}

export interface TrainOptions extends JobOptions {
  readonly engine: Engine;
  /** Everything that decides what is learnt: `presetRecipe`, `withOverrides` and `checkRecipe` of src/learn. */
  readonly recipe: TrainingRecipe;
  readonly dataset: string;
  /** Default train. Figures are taken on the validation split. */
  readonly split?: 'train' | 'validation' | 'test' | undefined;
  readonly limit?: number | undefined;
  /** Directory of the files, for data sets that the caller brings. */
  readonly path?: string | undefined;
  readonly cacheDir?: string | undefined;
  /** Learn on from this model, whose levels may be others than the recipe's. */
  readonly from?: Model | undefined;
  /** The model file to write; `<out>.checkpoint` and `<out>.log.jsonl` stand beside it. */
  readonly out: string;
  /** Replace `out` where it is there; without it that is a conflict. */
  readonly replace?: boolean | undefined;
  /** Go on from `<out>.checkpoint`; the weights are those of a run that never stopped. */
  readonly resume?: boolean | undefined;
  readonly licence?: string | undefined;
  readonly notes?: string | undefined;
  readonly commit?: string | undefined;
}

export interface TrainResult {
  readonly path: string;
  readonly model: Model;
  readonly seconds: number;
}

export interface TrainPriorOptions extends JobOptions {
  readonly engine: Engine;
  /** The model file to add the priors to; rewritten whole, by a rename. Priors of other kinds stay. */
  readonly modelPath: string;
  /** Where to write instead; default: in place. */
  readonly out?: string | undefined;
  /** Replace what is there: priors of these kinds, in the model or beside it, and a file at `out`; without it that is a conflict. */
  readonly replace?: boolean | undefined;
  /** Kinds to train; default: all that a model file holds. */
  readonly kinds?: readonly string[] | undefined;
  /** A functaset of this model, or a data set whose items are adapted first: one of the two. */
  readonly functaset?: string | undefined;
  readonly dataset?: string | undefined;
  readonly split?: 'train' | 'validation' | 'test' | undefined;
  /** Only so many, evenly spread over all. */
  readonly limit?: number | undefined;
  readonly path?: string | undefined;
  readonly cacheDir?: string | undefined;
  readonly effort?: number | undefined;
  /** Qualities that items are adapted and coded at, in turn; default: many for what is adapted, those learnt for what is coded. */
  readonly qualities?: readonly number[] | undefined;
  /** Leave out what effort 1 would code: for a model that is used with more. */
  readonly codedOnly?: boolean | undefined;
  /** How often a signal is taken; default: 1, and more where they are few and the network changes with quality. */
  readonly turns?: number | undefined;
  readonly steps?: number | undefined;
  readonly seed?: number | undefined;
  /** Of TensorFlow.js. */
  readonly threads?: number | undefined;
}

export interface TrainPriorResult {
  readonly path: string;
  readonly model: Model;
  /** Priors that were written beside the model. */
  readonly files: readonly string[];
  /** Mean bits per point of held-out modulations, by kind. */
  readonly bitsPerPoint: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/** Jobs, each loaded when it is started; see jobs.ts. */
export interface Jobs {
  buildFunctaset(options: BuildOptions): Promise<BuildResult>;
  trainModel(options: TrainOptions): Promise<TrainResult>;
  trainPrior(options: TrainPriorOptions): Promise<TrainPriorResult>;
  evaluate(options: EvalOptions): Promise<EvalResult>;
}
