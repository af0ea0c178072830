/**
 * What a file says beside its stream: sections between its header and its stream; FORMAT.md, "Sections". A file with sections is a single
 * file of version 3, and the same file of version 1 once they are taken out.
 */
import { ByteReader, ByteWriter } from '../src/core/bytes.ts';
import { BadInputError, BadStreamError } from '../src/core/errors.ts';
import { crc16 } from '../src/core/hash.ts';

/** Numbers of sections; appended to, never changed. */
export const sectionIds = {
  /** Which values are missing: mask.ts. */
  mask: 1,
  /** What the field is off, in steps: residual.ts. */
  residual: 2,
  /** What range the signal was taken over: affine.ts. */
  affine: 3,
  /** On which side of 0 values lie: signs.ts. */
  signs: 4,
  /** Of the stream: its samples are foretold by least squares (number-walk.ts). No bytes. */
  leastSquares: 5,
  /** Of the stream: its samples are sums of wavelets (wavelets.ts). One byte: whether columns go round. */
  wavelets: 6,
  /** What its outputs are called: names.ts. */
  names: 128,
  /** Where its samples stand: axes.ts. */
  axes: 129,
  /** What its file said of it: about.ts. */
  about: 130,
} as const;

/** From this number on a reader passes over what it does not know: the values are right without it. */
const firstSkippable = 128;

export interface Section {
  /** 1 to 255. */
  readonly id: number;
  readonly bytes: Uint8Array;
}

const known: ReadonlySet<number> = new Set(Object.values(sectionIds));

/** Sections in order of their ids, a zero, and the check of all that. Throws BadInputError `sections`. */
export function writeSections(sections: readonly Section[]): Uint8Array {
  const writer = new ByteWriter();
  let last = 0;
  for (const { id, bytes } of [...sections].sort((a, b) => a.id - b.id)) {
    if (!Number.isInteger(id) || id <= last || id > 255)
      throw new BadInputError('sections', `section ${id}: numbers are 1 to 255, each once`);
    writer.u8(id).varint(bytes.length).bytes(bytes);
    last = id;
  }
  const body = writer.u8(0).finish();
  const check = crc16(body);
  return new ByteWriter()
    .bytes(body)
    .u8(check & 255)
    .u8(check >> 8)
    .finish();
}

/**
 * Fresh sections, up to their check. Throws BadStreamError `truncated`, `varint`, `checksum`, `sections` (out of order, or one that this
 * program does not know and may not pass over).
 */
export function readSections(bytes: Uint8Array, reader: ByteReader): Section[] {
  const start = reader.at;
  const sections: Section[] = [];
  let last = 0;
  for (;;) {
    const at = reader.at;
    const id = reader.u8();
    if (id === 0) break;
    if (id <= last) throw new BadStreamError('sections', at, `section ${id} after section ${last}`);
    const length = reader.varint();
    if (length > reader.remaining)
      throw new BadStreamError(
        'truncated',
        at,
        `section ${id} of ${length} bytes, of which ${reader.remaining} are there`,
      );
    sections.push({ id, bytes: reader.bytes(length).slice() });
    last = id;
  }
  const computed = crc16(bytes.subarray(start, reader.at));
  const at = reader.at;
  const stored = reader.u8() + 256 * reader.u8();
  if (stored !== computed) throw new BadStreamError('checksum', at, 'the sections of the file are damaged');
  for (const { id } of sections)
    if (id < firstSkippable && !known.has(id))
      throw new BadStreamError(
        'sections',
        start,
        `section ${id} is of a later program; read it with that one`,
      );
  return sections;
}

/** How samples are coded: foretold by guesses or by least squares, or as sums of wavelets, of which the last axis may go round. */
export type SampleCoding = 'guesses' | 'least-squares' | 'wavelets' | 'wavelets-round';

/** What says so beside a stream. */
export function sectionsOfCoding(coding: SampleCoding): Section[] {
  if (coding === 'guesses') return [];
  if (coding === 'least-squares') return [{ id: sectionIds.leastSquares, bytes: new Uint8Array(0) }];
  return [{ id: sectionIds.wavelets, bytes: Uint8Array.of(coding === 'wavelets' ? 0 : 1) }];
}

/** How the samples of a stream are coded. Throws BadStreamError `sections` where that is said of symbols, twice, or in other bytes. */
export function codingOfSamples(sections: readonly Section[] | undefined, prior: string): SampleCoding {
  const squares = sectionOf(sections, 'leastSquares');
  const wavelets = sectionOf(sections, 'wavelets');
  const said = squares ?? wavelets;
  if (said === undefined) return 'guesses';
  if (prior === 'samples') {
    if (wavelets === undefined && said.length === 0) return 'least-squares';
    if (squares === undefined && said.length === 1 && said[0]! < 2)
      return said[0] === 0 ? 'wavelets' : 'wavelets-round';
  }
  throw new BadStreamError(
    'sections',
    0,
    'sections 5 and 6 are of samples, one of them, of no bytes and of a 0 or 1',
  );
}

/** Whether it says how the stream is coded, of which what is decoded keeps nothing. */
export function isOfCoding({ id }: Section): boolean {
  return id === sectionIds.leastSquares || id === sectionIds.wavelets;
}

/** What sections say beside the stream. */
export function besideStream(sections: readonly Section[] | undefined): Section[] | undefined {
  const own = sections?.filter((section) => !isOfCoding(section)) ?? [];
  return own.length === 0 ? undefined : own;
}

/** Whether items of an archive have a section in common, as a rule: it is without bytes where it is as of the item before. */
const isCommon = (id: number) => id > sectionIds.names;

/** Sections of an item of an archive as they are written after an item that has `before`. */
export function asTheOneBefore(sections: readonly Section[], before: readonly Section[]): Section[] {
  return sections.map(({ id, bytes }) => {
    const other = isCommon(id) ? before.find((own) => own.id === id)?.bytes : undefined;
    const isSame = other?.length === bytes.length && bytes.every((byte, i) => byte === other[i]);
    return { id, bytes: isSame ? new Uint8Array(0) : bytes };
  });
}

/** What `asTheOneBefore` was given. One that is as of the item before, which has none, is left without bytes: whoever reads it finds it short. */
export function fromTheOneBefore(sections: readonly Section[], before: readonly Section[]): Section[] {
  const common = (id: number) => (isCommon(id) ? before.find((own) => own.id === id) : undefined);
  return sections.map((own) => (own.bytes.length > 0 ? own : (common(own.id) ?? own)));
}

/** Bytes of one section; undefined where there is none. */
export function sectionOf(
  sections: readonly Section[] | undefined,
  name: keyof typeof sectionIds,
): Uint8Array | undefined {
  return sections?.find(({ id }) => id === sectionIds[name])?.bytes;
}

/** As `readSections` of bytes that are nothing else. */
export function parseSections(bytes: Uint8Array): Section[] {
  const reader = new ByteReader(bytes);
  const sections = readSections(bytes, reader);
  if (reader.remaining > 0)
    throw new BadStreamError('sections', reader.at, `${reader.remaining} bytes after the sections`);
  return sections;
}
