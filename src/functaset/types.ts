/** What a functaset holds and gives. */
import type { Label } from '../core/label.ts';
import type { Limits } from '../core/limits.ts';
import type { Metadata } from '../core/metadata.ts';

export type { Label } from '../core/label.ts';

/** What is known of a function without its numbers. */
export interface FunctionFacts {
  /** Of the source signal; unique in a functaset. 1 to 255 bytes of UTF-8 without control characters. */
  readonly id: string;
  readonly label?: Label | undefined;
  /** What its owner says of it; at most 4 KiB as JSON. */
  readonly metadata?: Metadata | undefined;
  /** Shape of the signal, axes in array order. */
  readonly shape: readonly number[];
  /** Of the signal that the function gives against its source; Infinity: equal; NaN: not known, for want of a source. */
  readonly psnrDb: number;
  /** Bits that the prior says the symbols cost, without headers. */
  readonly bits: number;
}

/** What a function is: the store keeps it as it came, and what it means is read a layer above. */
export type FunctionContent = FileContent | ModulationContent;

/** A whole `.functa` file: the function is what these bytes decode to. */
export interface FileContent {
  readonly kind: 'file';
  readonly bytes: Uint8Array;
}

/** A modulation that came from outside and is not coded. */
export interface ModulationContent {
  readonly kind: 'modulation';
  /** [m], as the levels of the field and `shape` lay it out. Kept as float16: what is got is rounded to it. */
  readonly values: Float32Array;
  /** Of the network that it is a modulation of, 1 to 100. */
  readonly quality: number;
}

/** One function: what is put in, and what is got out. */
export interface StoredFunction extends FunctionFacts {
  readonly content: FunctionContent;
}

/** Sizes of the content: one of them is zero. */
export interface FunctionSummary extends FunctionFacts {
  /** Bytes of its file. */
  readonly codedBytes: number;
  /** Bytes of a modulation that is not coded. */
  readonly modulationBytes: number;
}

/** The order of a modulation's numbers for the default shape: level by level. */
export interface StoredLayout {
  readonly levels: readonly { readonly cells: readonly number[]; readonly channels: number }[];
  /** Numbers in all. */
  readonly length: number;
}

/** The network whose functions these are: fixed when a functaset is made. */
export interface FunctasetNetwork {
  /** A functaset belongs to this network and to no other. */
  readonly networkId: string;
  /** The model file it was made with; a model with the same network and other priors fits as well. */
  readonly modelId: string;
  readonly specDigest: string;
  readonly layout: StoredLayout;
  /** Default shape of a signal. */
  readonly shape: readonly number[];
}

export interface FunctasetInfo extends FunctasetNetwork {
  readonly format: 2;
}

export interface FunctasetOptions {
  /**
   * The network that the caller will use the functions with. A functaset that is not there is made for it; one that is
   * there must be its own. Without it only an existing functaset can be opened.
   */
  readonly network?: FunctasetNetwork | undefined;
  /** Any number of readers, beside one writer. */
  readonly readOnly?: boolean | undefined;
  /** Length of the modulation of a signal of this shape; when given, `put` and `verify` check it. */
  readonly lengthOf?: ((shape: readonly number[]) => number) | undefined;
  readonly limits?: Limits | undefined;
}

/** A stretch of functions in the order of their ids (bytes of UTF-8). */
export interface Range {
  /** Begin with the first id after this one. */
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
  /** Called for each damaged function, which is then left out; without it the first one is thrown. */
  readonly onDamaged?: ((fault: Fault) => void) | undefined;
}

export interface PutOptions {
  /** Overwrite functions that are there; without it that is a conflict. */
  readonly replace?: boolean | undefined;
}

/** A function in the bytes that a store keeps of it; see `recordOf`. */
export interface FunctionRecord {
  readonly id: string;
  readonly label?: Label | undefined;
  readonly bytes: Uint8Array;
}

/** What is done in one transaction. No id is written twice in one: what is there then cannot be told from the file's length. */
export interface FunctasetTransaction {
  /** The record that is there, a copy; undefined: no such function. */
  record(id: string): Uint8Array | undefined;
  /** Over one that is there. */
  put(record: FunctionRecord): void;
  /** Whether there was one. */
  delete(id: string): boolean;
  /** Answers to requests that may come again, kept with what they did. */
  readonly answers: Answers;
  /** Notes what `Functaset.mark` gives from then on. */
  mark(bytes: Uint8Array): void;
}

export interface TransactOptions {
  /** It may keep answers. */
  readonly answers?: boolean | undefined;
}

/** What was answered to a request that may come again. */
export interface Answer {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Tells the request from another under the same key. */
  readonly digest: string;
  readonly bytes: Uint8Array;
}

export interface Answers {
  get(key: string): Answer | undefined;
  /** Forgets what is older than a day, and the oldest where there are too many. */
  keep(key: string, answer: Answer): void;
}

export interface WalkOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called now and then with the number of functions walked. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface Fault {
  /** Empty where it is the store's own. */
  readonly id: string;
  /** `record-*`: the record; `index-*`: the index of labels; `tree`: the file of the store. */
  readonly code: string;
  readonly message: string;
}

export interface VerifyReport {
  readonly ok: boolean;
  readonly functions: number;
  /** The first 1000. */
  readonly faults: readonly Fault[];
  readonly faultCount: number;
}

export interface FunctasetStats {
  readonly functions: number;
  /** Of each label, in order of labels: numbers, then texts. */
  readonly labels: readonly { readonly label: Label; readonly functions: number }[];
  /** Size of the store on disk. */
  readonly fileBytes: number;
  readonly modulationBytes: number;
  readonly codedBytes: number;
  /** Means over functions; null when there are none. */
  readonly meanBits: number | null;
  /** Over those whose PSNR is known. */
  readonly meanPsnrDb: number | null;
}

export interface Functaset {
  readonly path: string;
  readonly readOnly: boolean;
  readonly info: FunctasetInfo;
  /** Functions in the store; does not walk it. */
  readonly count: number;
  /** Grows with every transaction that wrote something, by whomever: the same number, the same functions. */
  readonly version: number;

  /**
   * Resolves when the function is on the disk. Throws ConflictError `function-exists` or `functaset-read-only`,
   * BadInputError `bad-function`, EnvironmentError `disk-full`.
   */
  put(fn: StoredFunction, options?: PutOptions): Promise<void>;
  /** All of them or none, in one transaction: the way to write many. Errors as for `put`. */
  putMany(fns: readonly StoredFunction[], options?: PutOptions): Promise<void>;
  /** Resolves, when that is on the disk, to whether there was one. */
  delete(id: string): Promise<boolean>;
  /** In one transaction; how many there were. The file keeps its size: see `compactFunctaset`. */
  deleteMany(ids: readonly string[]): Promise<number>;

  /** As `putMany`, of records that are coded already; they are not checked again. */
  putRecords(records: readonly FunctionRecord[], options?: PutOptions): Promise<void>;

  /**
   * Whatever `work` does, all of it or, where it throws, nothing; resolves to what it gave when that is on the disk. Errors as for `put`.
   */
  transact<T>(work: (transaction: FunctasetTransaction) => T, options?: TransactOptions): Promise<T>;

  /** Whoever reads after this call reads what was acknowledged before it, by whichever thread. Call it between two walks. */
  renew(): void;
  /** What its owner noted of the whole, in the transaction that it was true with; undefined: nothing. */
  readonly mark: Uint8Array | undefined;
  /** The bytes of a record, a copy; they are not checked. */
  record(id: string): Uint8Array | undefined;
  /** Copies of records, in order of ids. The label is left out where a record cannot be read. */
  records(range?: Pick<Range, 'after' | 'limit'>): IterableIterator<FunctionRecord>;
  /** What was answered under a key, within a day. */
  answer(key: string): Answer | undefined;
  has(id: string): boolean;
  /** A copy that shares nothing with the store; undefined when there is none. Throws EnvironmentError `function-damaged`. */
  get(id: string): StoredFunction | undefined;
  /** In the order asked for; with `onDamaged` damaged functions are told to it and undefined. */
  getMany(ids: readonly string[], options?: Pick<Range, 'onDamaged'>): (StoredFunction | undefined)[];
  /** Copies, in order of ids; each is checked. Nothing but a page of them is in memory, and no transaction stays open between them. */
  iterate(range?: Range): IterableIterator<StoredFunction>;
  /** Those whose label prints as this one does (src/core/label.ts), in order of ids. */
  byLabel(label: Label, range?: Range): IterableIterator<StoredFunction>;
  /** Like `iterate` or `byLabel`, without the content; each is checked as well. */
  summaries(range?: Range & { readonly label?: Label | undefined }): IterableIterator<FunctionSummary>;
  /** Walks every record (checksum, lengths, finite values) and the index of labels both ways. */
  verify(options?: WalkOptions): Promise<VerifyReport>;
  stats(options?: WalkOptions): Promise<FunctasetStats>;
  /** Idempotent. Frees the functaset for another writer. */
  close(): Promise<void>;
}
