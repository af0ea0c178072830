import type { DataKind } from '../src/field/outputs.ts';
import type { Parts } from '../src/formats/format.ts';
import type { Box } from '../src/signal/box.ts';
import type { Signal } from '../src/signal/signal.ts';

export type Split = 'train' | 'validation' | 'test';

export const splits = ['train', 'validation', 'test'] as const satisfies readonly Split[];

/** What must be known about a data set before using it; the prose stands in datasets/cards/NAME.md. */
export interface DatasetCard {
  readonly name: string;
  readonly title: string;
  /** Package or address the data comes from. */
  readonly source: string;
  readonly licence: string;
  /** Whether the licence lets the data, and pictures of it, be passed on. */
  readonly redistributable: boolean;
  /** SHA-256 in hex of what is fetched, by file name; empty where the caller brings the files. */
  readonly sha256: Readonly<Record<string, string>>;
  /** How items are divided. */
  readonly split: string;
  /** Bytes to download; 0 where nothing is. */
  readonly downloadBytes: number;
}

/** Random access to one split of a data set. Nothing but the items asked for is held in memory. */
export interface Dataset {
  readonly name: string;
  readonly split: Split | 'all';
  readonly length: number;
  /** Name of each class, where labels are numbers. */
  readonly labels?: readonly string[];
  /** Shape of every item, where they share one. */
  readonly shape?: readonly number[];
  readonly channels: number;
  /** What values and coordinates are; absent: 8-bit samples from 0 to 1 where there are bytes, else numbers. */
  readonly kind?: DataKind;
  /** Whether items have weights of their own; the learner asks for them only then, or where axes have some. */
  readonly weighted?: boolean;
  readonly card: DatasetCard;
  /** Item `i`, 0 <= i < length. Throws NotFoundError `no-item` outside. */
  get(i: number): Promise<Signal> | Signal;
  /** Id of item `i`, without reading it. Throws NotFoundError `no-item`. */
  idAt?(i: number): string;
  /**
   * The 8-bit samples of item `i`, [points, channels], for a trainer that builds batches cheaply: value = byte / 255.
   * Only on sets of 8-bit items of one shape. A fresh array.
   */
  bytesAt?(i: number): Uint8Array;
  /** Shape of item `i`, without reading its samples. Only where items differ (`shape` is absent). */
  shapeAt?(i: number): Promise<readonly number[]> | readonly number[];
  /**
   * The 8-bit samples of a box of item `i`, [points of the box, channels]. Only where items differ. A fresh array.
   * Throws BadInputError `bad-region` when the box leaves the item.
   */
  cropAt?(i: number, box: Box): Promise<Uint8Array> | Uint8Array;
  /** Lets go of files; further reads throw. Safe to call twice. */
  close(): void;
}

/** What `fetchDataset` reports while it works. */
export type FetchEvent =
  | { readonly type: 'step'; readonly step: FetchStep; readonly dataset: string; readonly detail: string }
  | {
      readonly type: 'progress';
      readonly step: FetchStep;
      readonly dataset: string;
      readonly done: number;
      /** Absent where it is not known beforehand. */
      readonly total?: number;
      readonly unit: 'bytes' | 'items';
    }
  | {
      readonly type: 'done';
      readonly dataset: string;
      readonly directory: string;
      readonly alreadyThere: boolean;
    };

export type FetchStep = 'download' | 'verify' | 'convert';

export interface FetchOptions {
  /** Root of the cache; default $FUNCTA_DATA, else ~/.cache/functa/data. */
  readonly cacheDir?: string;
  readonly onEvent?: (event: FetchEvent) => void;
  /** Stops the fetch with AbortedError; nothing half-made stays. */
  readonly signal?: AbortSignal;
}

export interface OpenDatasetOptions {
  readonly cacheDir?: string;
  /** Directory of the files, for sets that the caller brings (`images`, `kodak`). */
  readonly path?: string;
  /** Keep transparency as a fourth channel, where the set has it; without it pictures are laid on white. */
  readonly alpha?: boolean;
  /** Which part of each file is read, where the set reads them from files of the caller. */
  readonly parts?: Parts | undefined;
  /** What the signals of a directory of the caller are, where no file in it says so. */
  readonly kind?: DataKind | undefined;
  /** Read pictures as grey, where the set reads them from files of the caller. */
  readonly grey?: boolean;
}
