/** The codec: symbols of modulations to bytes and back; FORMAT.md is its specification. */
import { ByteReader } from '../src/core/bytes.ts';
import { defaultLimits, type Limits } from '../src/core/limits.ts';
import { type ArchiveIndex, readArchiveDigest, readArchiveIndex } from './archive.ts';
import { type FileHeader, readFileHeader, readLead } from './header.ts';
import { type NetworkHeader, readNetworkHeader } from './network-header.ts';

export { decodeAbout, encodeAbout } from './about.ts';
export { decodeAffine, encodeAffine } from './affine.ts';
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
export { decodeAxes, encodeAxes } from './axes.ts';
export { type CodingModel, multiplyAddsPerPoint } from './coding-model.ts';
export {
  codeSamples,
  codeSymbols,
  type DecodedFile,
  type DecodedSymbols,
  decodeFile,
  decodeSymbols,
  encodeFile,
  encodePriced,
  encodeSamples,
  withSections,
} from './file.ts';
export { type Coding, type FileHeader, mediaType, suffix } from './header.ts';
export { decodeMask, encodeMask } from './mask.ts';
export { decodeNames, encodeNames } from './names.ts';
export {
  type CodedNetwork,
  decodeNetwork,
  encodeHalfNetwork,
  encodeSteppedNetwork,
  type SteppedWeights,
  stepCount,
  stepOf,
  tensorBits,
  weightsOf,
  weightTensors,
} from './network.ts';
export { largestW0, type NetworkHeader, valuesOf, type WeightCoding } from './network-header.ts';
export { decodeResidual, encodeResidual, mostSteps, type Residual } from './residual.ts';
export { sampleStep } from './sample-stream.ts';
export { type SampleCoding, type Section, sectionIds, sectionOf } from './sections.ts';
export { decodeSigns, encodeSigns, type Signs } from './signs.ts';
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
    })
  | (NetworkHeader & {
      readonly container: 'network';
      readonly version: number;
      readonly headerBytes: number;
      readonly streamBytes: number;
    });

/**
 * Hex digits of the id of the model that a file or an archive belongs to, by its first bytes alone; undefined for a network file, which
 * needs none. Throws BadStreamError.
 */
export function modelDigestOf(bytes: Uint8Array): string | undefined {
  const reader = new ByteReader(bytes);
  const lead = readLead(reader);
  switch (lead.container) {
    case 'file':
      return readFileHeader(bytes, reader, lead).modelDigest;
    case 'archive':
      return readArchiveDigest(reader);
    case 'network':
      return undefined;
    default:
      return lead satisfies never;
  }
}

/**
 * What a file, an archive or a network file says of itself, without its model. Whether a single file's stream is whole is known only after
 * decoding. Throws LimitError and BadStreamError.
 */
export function readHeader(bytes: Uint8Array, limits: Limits = defaultLimits): Header {
  const reader = new ByteReader(bytes);
  const lead = readLead(reader);
  const { version } = lead;
  switch (lead.container) {
    case 'file': {
      const header = readFileHeader(bytes, reader, lead);
      return { container: 'file', version, ...header, headerBytes: reader.at, streamBytes: reader.remaining };
    }
    case 'archive': {
      const index = readArchiveIndex(bytes, limits);
      const [start, end] = [index.offsets[0]!, index.offsets.at(-1)!];
      return { container: 'archive', version, ...index, headerBytes: start, streamBytes: end - start };
    }
    case 'network': {
      const { header, headerBytes } = readNetworkHeader(bytes, limits);
      const streamBytes = bytes.length - headerBytes;
      return { container: 'network', version, ...header, headerBytes, streamBytes };
    }
    default:
      return lead satisfies never;
  }
}
