/**
 * The part of coding that is TypeScript and not an engine's: quantising, entropy coding, drawing. Behind an interface, so
 * that a server can send it to worker threads; `inlineWork` of inline-work.ts runs it where it is called.
 */
import type { Section } from '../../codec/index.ts';
import type { DistilledSteps, PriorKind } from '../../prior/kinds.ts';
import type { Symbols } from '../../prior/prior.ts';
import type { Limits } from '../core/limits.ts';
import type { Model } from '../field/model.ts';
import type { Samples } from '../field/samples.ts';

export interface CodeTask {
  /** [m], as adapted; may be empty where there are symbols. */
  readonly modulation: Float32Array;
  /** [m]: what to code for it; absent: the nearest. */
  readonly symbols?: Symbols | undefined;
  readonly shape: readonly number[];
  readonly quality: number;
  readonly prior: string;
}

export interface Coded {
  /** A whole file. */
  readonly bytes: Uint8Array;
  /** [m]; made when it is read, where narrow ones were given. */
  readonly symbols: Int32Array;
  /** [m]: what `symbols` stand for, and a decoder finds; made when it is read. */
  readonly modulation: Float32Array;
  /** What the prior says the symbols cost. */
  readonly estimatedBits: number;
}

export interface DecodeTask {
  /** A file or an archive. */
  readonly bytes: Uint8Array;
  /** Which function of an archive; 0 for a file. */
  readonly item: number;
  readonly limits: Limits;
}

/** A function: the modulation that a file's symbols stand for. */
export interface DecodedModulation {
  readonly modulation: Float32Array;
  readonly shape: readonly number[];
  readonly quality: number;
  readonly prior: PriorKind;
  /** What its file says beside it. */
  readonly sections?: readonly Section[] | undefined;
}

/** A function that is a network of its own, of no family: a model with one function, whose modulation has no numbers. */
export interface DecodedNetwork {
  readonly network: Model;
  readonly shape: readonly number[];
  readonly prior: 'none';
  readonly sections?: undefined;
}

/** What a file holds, told apart by `prior`: a function of a model or of its own, or samples that no network stands behind. */
export type DecodedFunction =
  | DecodedModulation
  | DecodedNetwork
  | {
      readonly samples: Samples;
      readonly shape: readonly number[];
      readonly quality: number;
      readonly prior: 'samples';
      readonly sections?: readonly Section[] | undefined;
    };

export interface DrawTask {
  readonly count: number;
  readonly seed: number;
  readonly temperature: number;
  readonly quality: number;
  readonly prior: string;
  readonly shape: readonly number[];
  readonly label?: string | number | undefined;
  readonly guidance?: number | undefined;
  readonly steps?: number | undefined;
  /** Ids in the archive. */
  readonly ids?: boolean | undefined;
}

export interface Drawn {
  /** [m] each. */
  readonly modulations: Float32Array[];
  readonly archive: Uint8Array;
  /** Bits of each under the prior at temperature 1. */
  readonly bits: number[];
  /** Set where a distilled network drew. */
  readonly distilled?: DistilledSteps | undefined;
}

/** All throw AbortedError when they are stopped. */
export interface SessionWork {
  code(model: Model, task: CodeTask, signal?: AbortSignal | undefined): Promise<Coded>;
  /** The same; undefined where the file would be longer than `most` bytes. */
  codeWithin(
    model: Model,
    task: CodeTask,
    most: number,
    signal?: AbortSignal | undefined,
  ): Promise<Coded | undefined>;
  decode(model: Model, task: DecodeTask, signal?: AbortSignal | undefined): Promise<DecodedFunction>;
  draw(model: Model, task: DrawTask, signal?: AbortSignal | undefined): Promise<Drawn>;
}
