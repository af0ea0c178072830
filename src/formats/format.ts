/** What a format of signals is to whatever reads and writes them. */
import { defaultLimits, type Limits } from '../core/limits.ts';
import type { Channels } from '../field/kinds.ts';
import type { Axis, Output } from '../field/outputs.ts';
import type { RowStream } from '../signal/rows.ts';
import type { Signal } from '../signal/signal.ts';

/** What signals of a model are. */
export interface SignalKind {
  /** How many. */
  readonly axes: number;
  readonly outputs: readonly Output[];
  /** What coordinates along them are, where that is known. */
  readonly along?: readonly Axis[] | undefined;
}

/** What a file is read as. */
export interface Wanted {
  readonly axes: number;
  /** What its values are to be; `mask`: one for each sample, from 0, hidden, to 1, known; `any`: all that the file says. */
  readonly outputs: readonly Output[] | 'mask' | 'any';
  /** What its coordinates are to be; default: as the file says. */
  readonly along?: readonly Axis[] | undefined;
}

/** What is read of a file that says more than one thing, or says nothing of it. */
export interface Parts {
  /** Names of variables, and where along axes that a signal does not have: `NAME`, `NAME,NAME`, `NAME[time=3]`, `[t=3]`. */
  readonly variable?: string | undefined;
  /** Samples a side of the grid that a surface is laid on. */
  readonly grid?: number | undefined;
}

/** Samples a side of a surface's grid: as few as show one, as many as fit in memory, and what is meant. */
export const [leastGrid, defaultGrid, mostGrid] = [8, 32, 512];

export function isGrid(grid: unknown): grid is number {
  return Number.isSafeInteger(grid) && (grid as number) >= leastGrid && (grid as number) <= mostGrid;
}

/** For looking at a file that is held already, of whatever length. */
export const anyFileLimits: Limits = { ...defaultLimits, maxFileBytes: Number.MAX_SAFE_INTEGER };

/** What the shape of a signal is told by. */
export interface ShapeOptions extends Wanted, Parts {
  readonly limits: Limits;
}

export interface ReadOptions extends ShapeOptions {
  readonly id: string;
  /** Name or media type of the file, which tells a format without a beginning of its own. */
  readonly told?: string | undefined;
  /** Called with the shape that the header says, before a sample is decoded; what it throws ends the reading. */
  readonly onShape?: ((shape: readonly number[]) => void) | undefined;
}

/** Bytes that are read where they lie, such as those of a file. */
export interface ByteSource {
  readonly size: number;
  /** The bytes from an offset to another, which lie within. Throws BadStreamError `truncated` where they are there no longer. */
  read(from: number, to: number): Promise<Uint8Array>;
}

export interface SignalFormat {
  readonly name: string;
  /** As people write it. */
  readonly title: string;
  readonly mediaType: string;
  /** Lower case, with the dot; the first one is written. */
  readonly suffixes: readonly string[];
  /** Name of a file in an example. */
  readonly example: string;
  /** Whether values are written as a field gives them; if not, as the samples of the outputs. */
  readonly raw: boolean;
  sniff(bytes: Uint8Array): boolean;
  /** Whether its files begin in any way, and are told by their name or media type alone: `sniff` is then false. */
  readonly headless?: boolean;
  /** What of a file may be asked for; absent: a file is one signal, whole. */
  readonly parts?: readonly (keyof Parts)[];
  /** The bytes of one of its files that is a directory; undefined for a directory that is none. Absent: it has no such files. */
  readonly pack?: (
    directory: string,
    options: { readonly maxBytes: number },
  ) => Promise<Uint8Array | undefined>;
  /** Whether it holds signals of this kind. */
  fits(kind: SignalKind): boolean;
  /** Whether signals of this kind are written in it, be it as a picture of them; default: those that it holds. */
  writes?(kind: SignalKind): boolean;
  /** The shape of the signal that `read` gives, from the header alone where it says that. */
  shapeOf(bytes: Uint8Array, options: ShapeOptions): Promise<readonly number[]>;
  /** Throws BadInputError and BadStreamError, and LimitError before a sample is decoded. */
  read(bytes: Uint8Array, options: ReadOptions): Promise<Signal>;
  /** The same of bytes that are not in memory: what is held is the signal. Absent: they are read whole. */
  readonly readFrom?: (source: ByteSource, options: ReadOptions) => Promise<Signal>;
  /** Axes of a signal in it of which nothing else is known than which part of the file it is. */
  likelyAxes(bytes: Uint8Array, parts?: Parts): number | Promise<number>;
  /** Kinds of channels that its values are by their number, unless they are numbers of any kind. */
  readonly channelKinds?: readonly Channels[];
  /** Channels without which nothing of a signal that was read as `any` is lost. */
  channelsNeeded(signal: Signal): number;
  /** Whether a model of so many outputs takes a signal that needs so many channels. */
  takes(outputs: number, channelsNeeded: number): boolean;
  /** The pieces of a file, made as the rows come where the format allows. Absent: it would lose samples, and is only read. */
  readonly write?: (rows: RowStream, outputs: readonly Output[]) => AsyncIterable<Uint8Array>;
  /** How several are held together, in a word or two. */
  readonly together?: string;
  /** The same of several signals in one file. Throws BadInputError where it cannot hold them together. */
  readonly writeAll?: (
    signals: readonly Signal[],
    outputs: readonly Output[],
    options?: WriteAllOptions,
  ) => AsyncIterable<Uint8Array>;
}

export interface WriteAllOptions {
  /** Side by side in one row, where it lays signals out; default: about as many rows as columns. */
  readonly inRow?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A format that decoded signals are written in. */
export type WrittenFormat = SignalFormat & Required<Pick<SignalFormat, 'write' | 'writeAll' | 'together'>>;
