/**
 * The first bytes of a file or an archive; see FORMAT.md. Reading them needs no model.
 *
 *   0xfa | version, kind of file, prior, axes | digest of the model | quality | shape, if it is not the model's
 */

import type { PriorKind } from '../prior/kinds.ts';
import { codingKindsByNumber } from '../prior/kinds.ts';
import { maxQuality, minQuality } from '../prior/quantiser.ts';
import { type ByteReader, ByteWriter, hex } from '../src/core/bytes.ts';
import { BadStreamError } from '../src/core/errors.ts';
import { readSections, type Section, writeSections } from './sections.ts';

export const mediaType = 'application/vnd.functa';
export const suffix = '.functa';

export const magic = 0xfa;
export const version = 1;
/** Of files that bring a network of their own, and need no model: network-header.ts. */
export const networkVersion = 2;
/** Of single files that say more than their stream does: sections.ts. */
export const sectionedVersion = 3;
/** Bytes of the model's id in a single file and in an archive. */
export const fileDigestBytes = 3;
export const archiveDigestBytes = 8;

/** How a stream is coded: symbols of a modulation by a prior, or the signal's samples themselves. */
export type Coding = PriorKind | 'samples';

/** In the order of their numbers in the second byte. */
const codingsByNumber: readonly Coding[] = [...codingKindsByNumber, 'samples'];

/** What the second byte of a file or an archive that belongs to a model says. */
export interface ModelLead {
  readonly container: 'file' | 'archive';
  readonly version: number;
  readonly prior: Coding;
  /** Axes of the shape that is written out; 0: none is, the model's own holds. */
  readonly axes: number;
}

export type Lead =
  | ModelLead
  | {
      readonly container: 'network';
      readonly version: number;
      readonly axes: number;
      /** Number of the coding of its weights. */
      readonly coding: number;
    };

/** Second byte: bits 0-1 axes, bits 2-3 prior, bit 4 archive, bits 5-7 version. */
export function writeLead(writer: ByteWriter, lead: Omit<ModelLead, 'version'>): void {
  const archive = lead.container === 'archive' ? 1 : 0;
  writer
    .u8(magic)
    .u8(lead.axes | (codingsByNumber.indexOf(lead.prior) << 2) | (archive << 4) | (version << 5));
}

/** What kind of file this is, by two bytes. Throws BadStreamError `magic`, `version` or `container`. */
export function readLead(reader: ByteReader): Lead {
  const at = reader.at;
  if (reader.u8() !== magic)
    throw new BadStreamError('magic', at, 'not a functa file: the first byte is not fa');
  const bits = reader.u8();
  const axes = bits & 3;
  switch (bits >> 5) {
    case version:
      return {
        container: bits & 16 ? 'archive' : 'file',
        version,
        prior: codingsByNumber[(bits >> 2) & 3]!,
        axes,
      };
    case sectionedVersion:
      if (bits & 16) throw new BadStreamError('container', at + 1, 'files of version 3 are single files');
      return { container: 'file', version: sectionedVersion, prior: codingsByNumber[(bits >> 2) & 3]!, axes };
    case networkVersion:
      if (bits & 16) throw new BadStreamError('container', at + 1, 'networks of their own have no archives');
      return { container: 'network', version: networkVersion, axes, coding: (bits >> 2) & 3 };
    default:
      throw new BadStreamError(
        'version',
        at + 1,
        `format version ${bits >> 5}; this program reads versions ${version} to ${sectionedVersion}`,
      );
  }
}

/** The number of a coding where it has a byte of its own. */
export function writeCoding(writer: ByteWriter, coding: Coding): void {
  writer.u8(codingsByNumber.indexOf(coding));
}

/** Throws BadStreamError `prior`. */
export function readCoding(reader: ByteReader): Coding {
  const at = reader.at;
  const coding = codingsByNumber[reader.u8()];
  if (coding === undefined) throw new BadStreamError('prior', at, 'priors have the numbers 0 to 3');
  return coding;
}

/** Throws BadStreamError `quality`. */
export function readQuality(reader: ByteReader): number {
  const at = reader.at;
  const quality = reader.u8();
  if (quality < minQuality || quality > maxQuality) {
    throw new BadStreamError('quality', at, `quality ${quality} is not in ${minQuality}..${maxQuality}`);
  }
  return quality;
}

/** `axes` varints; throws BadStreamError `shape` on an axis of no points. */
export function readShape(reader: ByteReader, axes: number): number[] {
  return Array.from({ length: axes }, () => {
    const at = reader.at;
    const n = reader.varint();
    if (n === 0) throw new BadStreamError('shape', at, 'a signal has at least one point along every axis');
    return n;
  });
}

export function readDigest(reader: ByteReader, bytes: number): string {
  return hex(reader.bytes(bytes));
}

/** What a single file's header says. */
export interface FileHeader {
  readonly prior: Coding;
  /** First bytes of the model's id, hex. */
  readonly modelDigest: string;
  readonly quality: number;
  /** Absent: the model's own. */
  readonly shape?: readonly number[] | undefined;
  /** What the file says beside its stream; absent in files of version 1. */
  readonly sections?: readonly Section[] | undefined;
}

/** Bytes of a single file's header: 6 without a shape. `modelDigest` may be longer than what is written. */
export function writeFileHeader(header: FileHeader): Uint8Array {
  const writer = new ByteWriter();
  const { sections } = header;
  writeLead(writer, { container: 'file', prior: header.prior, axes: header.shape?.length ?? 0 });
  writeDigest(writer, header.modelDigest, fileDigestBytes);
  writer.u8(header.quality);
  for (const n of header.shape ?? []) writer.varint(n);
  if (sections === undefined || sections.length === 0) return writer.finish();
  const bytes = writer.bytes(writeSections(sections)).finish();
  bytes[1] = (bytes[1]! & 31) | (sectionedVersion << 5);
  return bytes;
}

/** What follows the lead of a single file, up to the stream. `bytes`: what the reader reads. */
export function readFileHeader(bytes: Uint8Array, reader: ByteReader, lead: ModelLead): FileHeader {
  const modelDigest = readDigest(reader, fileDigestBytes);
  const quality = readQuality(reader);
  const shape = lead.axes === 0 ? undefined : readShape(reader, lead.axes);
  const header = { prior: lead.prior, modelDigest, quality, shape };
  return lead.version === sectionedVersion ? { ...header, sections: readSections(bytes, reader) } : header;
}

export function writeDigest(writer: ByteWriter, digest: string, bytes: number): void {
  for (let i = 0; i < bytes; i++) writer.u8(Number.parseInt(digest.slice(2 * i, 2 * i + 2), 16));
}
