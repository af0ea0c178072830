/**
 * Many signals in one file: one header, an index of about one byte a stream, and the streams, any of which can be read
 * without the others; see FORMAT.md. The stream of one signal is the same bytes here and in a single file; small signals
 * share one, since each takes three bytes beside its symbols.
 */
import type { PriorKind } from '../prior/kinds.ts';
import { ByteReader, ByteWriter } from '../src/core/bytes.ts';
import { BadInputError, BadStreamError, NotFoundError } from '../src/core/errors.ts';
import { crc32c } from '../src/core/hash.ts';
import { checkLimit, defaultLimits, type Limits } from '../src/core/limits.ts';
import { look } from '../src/core/look.ts';
import { type CodingModel, checkModel, choosePrior, isDefaultShape, resolveShape } from './coding-model.ts';
import { type DecodedFile, decodeFile, withSections } from './file.ts';
import {
  archiveDigestBytes,
  type Coding,
  readDigest,
  readFileHeader,
  readLead,
  readQuality,
  readShape,
  writeDigest,
  writeLead,
} from './header.ts';
import { headerOf } from './header-of.ts';
import { type ItemSetting, isOther, mostCommon, readExceptions, writeExceptions } from './item-settings.ts';
import {
  asTheOneBefore,
  besideStream,
  codingOfSamples,
  fromTheOneBefore,
  parseSections,
  type Section,
  writeSections,
} from './sections.ts';
import {
  type ReadContent,
  readStream,
  readTogether,
  type SampleContent,
  type StreamContent,
  writeAlone,
  writeStream,
  writeTogether,
} from './stream.ts';

const hasIds = 1;
const hasShapes = 2;
const hasGroups = 4;
const hasExceptions = 8;
const hasNotes = 16;
const hasSections = 32;
const knownFlags = hasIds | hasShapes | hasGroups | hasExceptions | hasNotes | hasSections;

/** Of a stream: as many signals as come to about so many bytes, and no more than decode in the time of one of those. */
const groupedBytes = 4096;
const mostGrouped = 64;

/** How many signals of so many bytes a stream of an archive holds best. */
export function signalsPerStream(meanBytes: number, count: number): number {
  return Math.max(1, Math.min(mostGrouped, count, Math.floor(groupedBytes / meanBytes)));
}

export type ArchiveItem = (
  | {
      readonly symbols: Int32Array;
      /** Default: that of the archive. */
      readonly prior?: PriorKind | undefined;
    }
  | Pick<SampleContent, 'samples' | 'stream'>
) & {
  readonly shape: readonly number[];
  /** Default: that of the archive. */
  readonly quality?: number | undefined;
  /** A name; all items have one or none has. */
  readonly id?: string | undefined;
  /** What its writer says of it, in bytes of the writer's own; all items have one or none has. */
  readonly note?: Uint8Array | undefined;
  /** What its file says beside its stream. */
  readonly sections?: readonly Section[] | undefined;
};

export interface ArchiveOptions {
  /** Of items that do not say it. */
  readonly quality: number;
  /** Of items that do not say it; the model's best unless named. */
  readonly prior?: PriorKind | undefined;
  /** Signals of one stream, 1 to 255; default 1. More take fewer bytes, and are decoded together. */
  readonly perStream?: number | undefined;
}

export type DecodedItem = DecodedFile & { readonly id: string | undefined };

/** What an archive says before its streams. Offsets and shapes are of all items. */
export interface ArchiveIndex {
  /** Of most items. */
  readonly prior: Coding;
  /** First bytes of the model's id, hex. */
  readonly modelDigest: string;
  /** Of most items. */
  readonly quality: number;
  /** Items of another prior or quality. */
  readonly exceptions: ReadonlyMap<number, ItemSetting>;
  readonly count: number;
  /** Signals of one stream; the last may have fewer. */
  readonly perStream: number;
  /** [streams + 1]: where each begins in the file; the last is where all end. */
  readonly offsets: Float64Array;
  /** Shape of all items; absent: the model's own, or `shapes`. */
  readonly shape: readonly number[] | undefined;
  /** [count]: shape of each; absent when all are alike. */
  readonly shapes: readonly (readonly number[])[] | undefined;
  readonly ids: readonly string[] | undefined;
  /** [count]: what the writer of the archive said of each. */
  readonly notes: readonly Uint8Array[] | undefined;
  /** [count]: what the file of each says beside its stream; absent where none does. */
  readonly sections: readonly (readonly Section[])[] | undefined;
}

export interface Archive {
  readonly count: number;
  /** Of most items. */
  readonly quality: number;
  readonly prior: Coding;
  readonly ids: readonly string[] | undefined;
  readonly notes: readonly Uint8Array[] | undefined;
  /** Bytes of item i's stream, or its equal share of them. */
  byteLength(i: number): number;
  /** Decodes item i, and the others of its stream, which are kept until another is asked for. Throws NotFoundError `item`, LimitError, BadStreamError as `decodeFile` does. */
  at(i: number): DecodedItem;
  /** The single file of item i; one that has a stream of its own is not decoded for it. Throws as `at`. */
  file(i: number): Uint8Array;
}

/** The archive of these signals. Throws as `encodeFile` does, and BadInputError `archive-ids` when some have no id. */
export function encodeArchive(
  model: CodingModel,
  items: readonly ArchiveItem[],
  options: ArchiveOptions,
): Uint8Array {
  const prior = choosePrior(model, options.prior);
  const { quality, perStream = 1 } = options;
  if (!Number.isInteger(perStream) || perStream < 1 || perStream > 255)
    throw new BadInputError('per-stream', `a stream holds 1 to 255 signals, not ${perStream}`);
  const contents = items.map((item): StreamContent => {
    const { shape } = item;
    const own = item.quality ?? quality;
    if ('samples' in item) {
      const { samples, stream } = item;
      return { prior: 'samples', quality: own, shape, samples, stream };
    }
    return { prior: item.prior ?? prior, quality: own, shape, symbols: item.symbols };
  });
  const streams: Uint8Array[] = [];
  if (perStream === 1) for (const content of contents) streams.push(writeStream(model, content).stream);
  else
    for (let i = 0; i < items.length; i += perStream)
      streams.push(writeTogether(model, contents.slice(i, i + perStream)).stream);
  const parts = contents.map((content, i) => {
    const { id, note, sections } = items[i]!;
    return { ...content, id, note, sections };
  });
  return join(model, parts, streams, { prior, quality, perStream });
}

export interface JoinOptions {
  /** Of each file. */
  readonly ids?: readonly string[] | undefined;
  readonly notes?: readonly Uint8Array[] | undefined;
  readonly perStream?: number | undefined;
}

/**
 * The archive of single files of this model, without decoding them unless several are to share a stream. Throws BadInputError
 * `archive-mixed` when one is an archive, `archive-ids`, `archive-notes`, and what `decodeFile` throws, on headers alone for one signal a stream.
 */
export function joinFiles(
  model: CodingModel,
  files: readonly Uint8Array[],
  { ids, notes, perStream = 1 }: JoinOptions = {},
): Uint8Array {
  const parts = files.map((bytes, i) => {
    lookAt(i);
    const reader = new ByteReader(bytes);
    const lead = readLead(reader);
    if (lead.container !== 'file')
      throw new BadInputError(
        'archive-mixed',
        'an archive holds single files of a model, not archives or networks of their own',
      );
    const header = readFileHeader(bytes, reader, lead);
    checkModel(model, header.modelDigest);
    const shape = resolveShape(model, header.shape, reader.at);
    return { ...header, shape, stream: bytes.subarray(reader.at) };
  });
  if (ids !== undefined && ids.length !== files.length)
    throw new BadInputError('archive-ids', `${ids.length} ids for ${files.length} files`);
  if (notes !== undefined && notes.length !== files.length)
    throw new BadInputError('archive-notes', `${notes.length} notes for ${files.length} files`);
  if (perStream > 1) {
    const items = files.map((bytes, i) => {
      const found = decodeFile(model, bytes);
      const { stream, sections } = parts[i]!;
      // How a stream of samples is coded is said in a section.
      const coded = found.prior === 'samples' ? { ...found, stream, sections } : found;
      return { ...coded, id: ids?.[i], note: notes?.[i] };
    });
    return encodeArchive(model, items, { quality: parts[0]?.quality ?? 50, perStream });
  }
  const items = parts.map((part, i) => ({ ...part, id: ids?.[i], note: notes?.[i] }));
  const streams = parts.map((part) => part.stream);
  return join(model, items, streams, { prior: choosePrior(model), quality: 50, perStream });
}

/** The model's digest, of an archive that was read up to its flags. Throws BadStreamError. */
export function readArchiveDigest(reader: ByteReader): string {
  readFlags(reader);
  return readDigest(reader, archiveDigestBytes);
}

function readFlags(reader: ByteReader): { readonly flags: number; readonly perStream: number } {
  const at = reader.at;
  const flags = reader.u8();
  if (flags > knownFlags) throw new BadStreamError('flags', at, `unknown flags ${flags}`);
  const perStream = (flags & hasGroups) !== 0 ? reader.u8() : 1;
  if ((flags & hasGroups) !== 0 && perStream < 2)
    throw new BadStreamError('flags', at, `streams of ${perStream} signals are not grouped`);
  return { flags, perStream };
}

/** Reads all of an archive but its streams; needs no model. Throws LimitError and BadStreamError. */
export function readArchiveIndex(bytes: Uint8Array, limits: Limits = defaultLimits): ArchiveIndex {
  checkLimit('file-bytes', bytes.length, limits.maxFileBytes, 'allow more, or give a smaller archive');
  const reader = new ByteReader(bytes);
  const lead = readLead(reader);
  if (lead.container !== 'archive')
    throw new BadStreamError('container', 1, 'this is a single file, not an archive');
  const flagsAt = reader.at;
  const { flags, perStream } = readFlags(reader);
  const withShapes = (flags & hasShapes) !== 0;
  if (withShapes && lead.axes === 0) throw new BadStreamError('shape', flagsAt, 'shapes of no axes');
  const modelDigest = readDigest(reader, archiveDigestBytes);
  const quality = readQuality(reader);
  const shape = lead.axes > 0 && !withShapes ? readShape(reader, lead.axes) : undefined;
  const countAt = reader.at;
  const count = reader.varint();
  // Every stream has a byte in the index, so a count beyond the bytes is refused before anything is sized by it.
  const streams = Math.ceil(count / perStream);
  if (streams > reader.remaining)
    throw new BadStreamError('truncated', countAt, `an index of ${count} items in ${reader.remaining} bytes`);
  const least = reader.varint();
  const offsets = new Float64Array(streams + 1);
  for (let i = 0; i < streams; i++) offsets[i + 1] = offsets[i]! + least + reader.varint();
  const shapes = withShapes ? list(reader, count, () => readShape(reader, lead.axes)) : undefined;
  const ids = (flags & hasIds) !== 0 ? list(reader, count, () => reader.utf8(reader.varint())) : undefined;
  const exceptions =
    (flags & hasExceptions) !== 0 ? readExceptions(reader, count) : new Map<number, ItemSetting>();
  const notes =
    (flags & hasNotes) !== 0 ? list(reader, count, () => reader.bytes(reader.varint())) : undefined;
  const sections = (flags & hasSections) !== 0 ? readItemSections(reader, count) : undefined;
  const end = reader.at;
  expectCrc(reader.u32(), bytes.subarray(0, end), end);
  const start = reader.at;
  for (let i = 0; i <= streams; i++) offsets[i]! += start;
  if (offsets[streams]! + 4 !== bytes.length) {
    throw new BadStreamError(
      'truncated',
      start,
      `streams of ${offsets[streams]! - start} bytes and a checksum in ${reader.remaining} bytes`,
    );
  }
  return {
    prior: lead.prior,
    modelDigest,
    quality,
    exceptions,
    count,
    perStream,
    offsets,
    shape,
    shapes,
    ids,
    notes,
    sections,
  };
}

/** Opens an archive of this model, checking both checksums; keeps a view of `bytes`. Throws as `readArchiveIndex`, and ConflictError `other-model`. */
export function openArchive(model: CodingModel, bytes: Uint8Array, limits: Limits = defaultLimits): Archive {
  const index = readArchiveIndex(bytes, limits);
  const { prior, quality, exceptions, count, perStream, offsets, ids, notes, sections } = index;
  checkModel(model, index.modelDigest);
  const end = offsets.at(-1)!;
  const stored = new ByteReader(bytes.subarray(end)).u32();
  expectCrc(stored, bytes.subarray(offsets[0]!, end), end);
  const check = (i: number) => {
    if (Number.isInteger(i) && i >= 0 && i < count) return i;
    throw new NotFoundError('item', `the archive has items 0 to ${count - 1}, not ${i}`);
  };
  const settingOf = (i: number) => {
    const coded = exceptions.get(i) ?? { prior, quality };
    const coding = codingOfSamples(sections?.[i], coded.prior);
    return { ...coded, shape: itemShape(model, index, i), coding };
  };
  let last: { readonly stream: number; readonly items: readonly ReadContent[] } | undefined;
  const readAt = (i: number) => {
    const stream = Math.floor(check(i) / perStream);
    if (last?.stream !== stream) {
      const from = offsets[stream]!;
      const coded = bytes.subarray(from, offsets[stream + 1]!);
      const first = stream * perStream;
      const settings = Array.from({ length: Math.min(perStream, count - first) }, (_, k) =>
        settingOf(first + k),
      );
      const items =
        perStream === 1
          ? [{ content: readStream(model, settings[0]!, coded, from, limits), stream: coded }]
          : readTogether(model, settings, coded, from, limits);
      last = { stream, items };
    }
    return last.items[i % perStream]!;
  };
  const streamOf = (i: number) => {
    if (perStream === 1) return bytes.subarray(offsets[i]!, offsets[i + 1]!);
    const { content, stream } = readAt(i);
    return content.prior === 'samples' ? stream! : writeAlone(model, content);
  };
  return {
    count,
    quality,
    prior,
    ids,
    notes,
    byteLength: (i) => {
      const stream = Math.floor(check(i) / perStream);
      const signals = Math.min(perStream, count - stream * perStream);
      return (offsets[stream + 1]! - offsets[stream]!) / signals;
    },
    at: (i) => {
      const own = besideStream(sections?.[i]);
      return { ...copyOf(readAt(i).content), id: ids?.[i], ...(own === undefined ? {} : { sections: own }) };
    },
    file: (i) => {
      const header = headerOf(model, settingOf(check(i)));
      const file = new ByteWriter().bytes(header).bytes(streamOf(i)).finish();
      const own = sections?.[i] ?? [];
      return own.length > 0 ? withSections(file, own) : file;
    },
  };
}

function readItemSections(reader: ByteReader, count: number): Section[][] {
  let before: Section[] = [];
  return list(reader, count, () => {
    const own = reader.bytes(reader.varint());
    before = own.length === 0 ? [] : fromTheOneBefore(parseSections(own), before);
    return before;
  });
}

/** In a list of shapes the model's own is written out, too. */
function itemShape(model: CodingModel, index: ArchiveIndex, i: number): readonly number[] {
  const own = index.shapes?.[i];
  if (own !== undefined && isDefaultShape(model, own)) return own;
  return resolveShape(model, own ?? index.shape, 0);
}

/** Arrays of its own: the one that is kept stays as it is. */
function copyOf(content: StreamContent): StreamContent {
  return content.prior === 'samples'
    ? { ...content, samples: content.samples.slice() }
    : { ...content, symbols: content.symbols.slice() };
}

function join(
  model: CodingModel,
  items: readonly (ItemSetting & Pick<ArchiveItem, 'shape' | 'id' | 'note' | 'sections'>)[],
  streams: readonly Uint8Array[],
  { perStream, ...without }: ItemSetting & { readonly perStream: number },
): Uint8Array {
  const { prior, quality } = mostCommon(items, without);
  const mixed = items.some((item) => isOther(item, { prior, quality }));
  const named = items.filter(({ id }) => id !== undefined).length;
  if (named !== 0 && named !== items.length)
    throw new BadInputError('archive-ids', 'give all items an id, or none');
  const noted = items.filter(({ note }) => note !== undefined).length;
  if (noted !== 0 && noted !== items.length)
    throw new BadInputError('archive-notes', 'give all items a note, or none');
  const sectioned = items.some(({ sections = [] }) => sections.length > 0);
  const first = items[0]?.shape ?? model.card.shape;
  const alike = items.every(
    ({ shape }) => shape.length === first.length && shape.every((n, axis) => n === first[axis]),
  );
  const common = alike && !isDefaultShape(model, first) ? first : undefined;
  const writer = new ByteWriter();
  writeLead(writer, { container: 'archive', prior, axes: alike ? (common?.length ?? 0) : first.length });
  writer.u8(
    (named > 0 ? hasIds : 0) |
      (alike ? 0 : hasShapes) |
      (perStream > 1 ? hasGroups : 0) |
      (mixed ? hasExceptions : 0) |
      (noted > 0 ? hasNotes : 0) |
      (sectioned ? hasSections : 0),
  );
  if (perStream > 1) writer.u8(perStream);
  writeDigest(writer, model.id, archiveDigestBytes);
  writer.u8(quality);
  for (const n of common ?? []) writer.varint(n);
  writer.varint(items.length);
  const least = streams.reduce((low, stream) => Math.min(low, stream.length), streams[0]?.length ?? 0);
  writer.varint(least);
  for (const stream of streams) writer.varint(stream.length - least);
  if (!alike) for (const { shape } of items) for (const n of shape) writer.varint(n);
  if (named > 0) {
    const encoder = new TextEncoder();
    for (const [i, { id }] of items.entries()) {
      lookAt(i);
      const text = encoder.encode(id);
      writer.varint(text.length).bytes(text);
    }
  }
  if (mixed) writeExceptions(writer, items, { prior, quality });
  for (const { note } of items) if (note !== undefined) writer.varint(note.length).bytes(note);
  if (sectioned) {
    let before: readonly Section[] = [];
    for (const { sections = [] } of items) {
      const own = asTheOneBefore(sections, before);
      const bytes = own.length > 0 ? writeSections(own) : new Uint8Array(0);
      writer.varint(bytes.length).bytes(bytes);
      before = sections;
    }
  }
  writer.u32(crc32c(writer.finish()));
  let crc = 0;
  for (const [i, stream] of streams.entries()) {
    lookAt(i);
    writer.bytes(stream);
    crc = crc32c(stream, crc);
  }
  return writer.u32(crc).finish();
}

/** `count` was held against the bytes that are left: the list is no longer than those. */
function list<T>(reader: ByteReader, count: number, read: () => T): T[] {
  if (count > reader.remaining)
    throw new BadStreamError('truncated', reader.at, `${count} items in ${reader.remaining} bytes`);
  return Array.from({ length: count }, (_, i) => {
    lookAt(i);
    return read();
  });
}

/** Archives hold tens of thousands: whether to stop is asked once for so many. Throws AbortedError. */
const itemsPerLook = 256;

function lookAt(item: number): void {
  if (item % itemsPerLook === 0) look();
}

function expectCrc(stored: number, bytes: Uint8Array, at: number): void {
  const computed = crc32c(bytes);
  if (stored !== computed) {
    const text = (crc: number) => crc.toString(16).padStart(8, '0');
    throw new BadStreamError(
      'checksum',
      at,
      `the archive is damaged: checksum stored ${text(stored)}, computed ${text(computed)}`,
    );
  }
}
