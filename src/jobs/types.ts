/** What jobs take and give. Every option object ends with limits and an abort signal; nothing here prints. */
import type { Dataset } from '../../datasets/dataset.ts';
import type { AnyPrior, PriorKind } from '../../prior/kinds.ts';
import type { Limits } from '../core/limits.ts';
import type { Engine } from '../engine/engine.ts';
import type { Model } from '../field/model.ts';
import type { TrainingRecipe } from '../learn/recipe.ts';
import type { MaxError } from '../session/max-error.ts';
import type { EncodeOptions } from '../session/types.ts';

export type JobEvent =
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
  readonly onEvent?: ((event: JobEvent) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Data that a job reads: the name of a data set (`cifar10`, `images:holiday/`), or a data set of the caller's, which stays the caller's to close. */
export type DataRef = string | Dataset;

export interface BuildOptions extends JobOptions {
  readonly data: DataRef;
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
  /** Of every signal, in place of `quality`; see `EncodeOneOptions`. */
  readonly maxError?: MaxError | undefined;
  /** Of what signals say beside their values; see `EncodeOptions`. */
  readonly keep?: EncodeOptions['keep'];
  readonly prior?: PriorKind | undefined;
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
  readonly data: DataRef;
  /** Of a data set that has a name; default: all. */
  readonly split?: 'train' | 'validation' | 'test' | 'all' | undefined;
  readonly limit?: number | undefined;
  readonly qualities?: readonly number[] | undefined;
  /** Of jpeg, webp, avif. */
  readonly peers?: readonly string[] | undefined;
  readonly effort?: number | undefined;
  readonly prior?: PriorKind | undefined;
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
  readonly bitsPerPoint: number;
  readonly archiveBitsPerPoint: number;
  readonly estimatedBits: number;
  readonly psnrDbMeanOfItems: number;
  readonly psnrDbOfMeanMse: number;
  /** [outputs]: root of the mean squared error over all items, in the unit of each output. */
  readonly rmse: readonly number[];
  /** [outputs]: largest absolute error of all items, in the unit of each output. */
  readonly maxError: readonly number[];
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

export interface TrainModelOptions extends JobOptions {
  readonly engine: Engine;
  /** Everything that decides what is learnt: `presetRecipe`, `withOverrides` and `checkRecipe` of src/learn. */
  readonly recipe: TrainingRecipe;
  readonly data: DataRef;
  /** What figures are taken on; default: the validation split of data that has a name, if there is one. */
  readonly validation?: Dataset | undefined;
  /** Default train; of a data set that has a name. */
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
  readonly kinds?: readonly AnyPrior[] | undefined;
  /** Go on from the priors of these kinds that stand beside the model; of diffusions only. With `replace`. */
  readonly goOn?: boolean | undefined;
  /** Whether a diffusion that goes on learns what a known part says of the rest (ADR 74); false: whole signals alone. Default: true. */
  readonly parts?: boolean | undefined;
  /** A functaset of this model, or a data set whose items are adapted first: one of the two. */
  readonly functaset?: string | undefined;
  readonly data?: DataRef | undefined;
  readonly split?: 'train' | 'validation' | 'test' | 'all' | undefined;
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
  /** Of the network of a diffusion: channels of a token, a multiple of 4 (128), and layers (5); one that goes on keeps its own. */
  readonly width?: number | undefined;
  readonly blocks?: number | undefined;
  /** Items a step of a diffusion; default 64. Fewer are more steps of the same time. */
  readonly batch?: number | undefined;
  /**
   * Of a diffusion: the noise levels that two thirds of its training items lie between, in deviations of a modulation; default 0.18 and 2.
   * Higher ones where few directions hold most of what varies: there is decided what an item is.
   */
  readonly noise?: readonly number[] | undefined;
  readonly seed?: number | undefined;
  /** Of TensorFlow.js. */
  readonly threads?: number | undefined;
}

export interface DistilPriorOptions extends JobOptions {
  /** The model beside which the diffusion stands, by path or name; both files stay as they are. */
  readonly modelPath: string;
  /** Where to write; default: beside the model, where it is found. */
  readonly out?: string | undefined;
  /** Replace the distilled network that is there; without it that is a conflict. */
  readonly replace?: boolean | undefined;
  /** Numbers of steps to learn, 1 to 8 each, at most four; default 1 and 2. */
  readonly to?: readonly number[] | undefined;
  /** Towards labels; no other can be asked of the steps that are learnt. Default: what the diffusion's card says, else 1. */
  readonly guidance?: number | undefined;
  /** Samples of the diffusion that are learnt from, in the steps that its card says; default 16,384. */
  readonly paths?: number | undefined;
  /** Training steps; default 8,000. */
  readonly steps?: number | undefined;
  readonly seed?: number | undefined;
  readonly threads?: number | undefined;
}

export interface DistilPriorResult {
  readonly path: string;
  readonly model: Model;
  /** Numbers of steps that were learnt. */
  readonly to: readonly number[];
  readonly guidance: number;
  readonly figures: Readonly<Record<string, number>>;
  readonly seconds: number;
}

export interface AdaptPriorOptions extends JobOptions {
  readonly engine: Engine;
  /** The model whose prior is adapted, by path or name; its file stays as it is. */
  readonly modelPath: string;
  /** Where the adapted prior is written: it is used, and found, as a model is. */
  readonly out: string;
  readonly replace?: boolean | undefined;
  /** A functaset of this model, or a data set (all of it), whose items are coded first: one of the two. */
  readonly functaset?: string | undefined;
  readonly data?: DataRef | undefined;
  /** Quality and effort that items of a data set are coded at; default 50 and 1. */
  readonly quality?: number | undefined;
  readonly effort?: number | undefined;
  /** Only so many, evenly spread over all. */
  readonly limit?: number | undefined;
  readonly cacheDir?: string | undefined;
  /** Training steps of each of two turns; default 400. */
  readonly steps?: number | undefined;
  readonly seed?: number | undefined;
  /** Of TensorFlow.js. */
  readonly threads?: number | undefined;
}

export interface AdaptPriorResult {
  readonly path: string;
  /** The model with the adapted prior: what `loadModel(path)` gives. */
  readonly model: Model;
  readonly signals: number;
  /** Mean bytes of what it was adapted to, without headers: by the model's own prior, and by the adapted one. */
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  readonly fileBytes: number;
  readonly seconds: number;
}

export interface TrainEncoderOptions extends JobOptions {
  readonly engine: Engine;
  /** The model whose modulations are predicted, by path or name; its file stays as it is. */
  readonly modelPath: string;
  /** Where to write; default: beside the model, where it is found. */
  readonly out?: string | undefined;
  readonly replace?: boolean | undefined;
  /** Signals to learn from; those with missing values are left out. */
  readonly data: DataRef;
  readonly split?: 'train' | 'validation' | 'test' | 'all' | undefined;
  /** Only so many, evenly spread over all; default 4096. */
  readonly limit?: number | undefined;
  readonly path?: string | undefined;
  readonly cacheDir?: string | undefined;
}

export interface TrainEncoderResult {
  readonly path: string;
  /** Name of the model. */
  readonly model: string;
  readonly signals: number;
  /** Mean PSNR of held-out signals before quantisation: by one step from what is predicted, and by the inner steps from zero. */
  readonly figures: Readonly<Record<string, number>>;
  readonly seconds: number;
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
  trainModel(options: TrainModelOptions): Promise<TrainResult>;
  trainPrior(options: TrainPriorOptions): Promise<TrainPriorResult>;
  adaptPrior(options: AdaptPriorOptions): Promise<AdaptPriorResult>;
  distilPrior(options: DistilPriorOptions): Promise<DistilPriorResult>;
  trainEncoder(options: TrainEncoderOptions): Promise<TrainEncoderResult>;
  evaluate(options: EvalOptions): Promise<EvalResult>;
}
