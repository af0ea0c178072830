/** The codec: symbols of modulations to bytes and back; FORMAT.md is its specification. */
import { ByteReader } from '../src/core/bytes.ts';
import { defaultLimits, type Limits } from '../src/core/limits.ts';
import { type ArchiveIndex, readArchiveIndex } from './archive.ts';
import { type FileHeader, readFileHeader, readLead } from './header.ts';

export {
  type Archive,
  type ArchiveIndex,
  type ArchiveItem,
  type ArchiveOptions,
  type DecodedItem,
  encodeArchive,
  joinFiles,
  openArchive,
  readArchiveIndex,
  signalsPerStream,
} from './archive.ts';
export { type CodingModel, multiplyAddsPerPoint } from './coding-model.ts';
export {
  codeSamples,
  type DecodedFile,
  type DecodedSymbols,
  decodeFile,
  decodeSymbols,
  encodeFile,
  encodePriced,
  encodeSamples,
} from './file.ts';
export { type Coding, type FileHeader, mediaType, suffix } from './header.ts';
export { sampleStep } from './sample-stream.ts';
export { overheadBits } from './stream.ts';

export type Header =
  | (FileHeader & {
      readonly container: 'file';
      readonly version: number;
      readonly headerBytes: number;
      readonly streamBytes: number;
    })
  | (ArchiveIndex & {
      readonly container: 'archive';
      readonly version: number;
      readonly headerBytes: number;
      readonly streamBytes: number;
    });

/**
 * What a file or an archive says of itself, without its model. Whether a single file's stream is whole is known only after
 * decoding. Throws LimitError and BadStreamError.
 */
export function readHeader(bytes: Uint8Array, limits: Limits = defaultLimits): Header {
  const reader = new ByteReader(bytes);
  const lead = readLead(reader);
  const { version } = lead;
  switch (lead.container) {
    case 'file': {
      const header = readFileHeader(reader, lead);
      return { container: 'file', version, ...header, headerBytes: reader.at, streamBytes: reader.remaining };
    }
    case 'archive': {
      const index = readArchiveIndex(bytes, limits);
      const [start, end] = [index.offsets[0]!, index.offsets.at(-1)!];
      return { container: 'archive', version, ...index, headerBytes: start, streamBytes: end - start };
    }
    default:
      return lead.container satisfies never;
  }
}
