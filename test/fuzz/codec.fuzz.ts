/**
 * Mutated files and archives through the parsers of the codec. Whatever the bytes, a parser returns a value within its
 * limits or throws a tagged error of the caller's or the file's; anything else ends the run with the bytes in hex.
 */
import {
  type DecodedFile,
  decodeAbout,
  decodeAxes,
  decodeFile,
  decodeNetwork,
  openArchive,
  readHeader,
} from '../../codec/index.ts';
import { encodeText } from '../../codec/text.ts';
import { hex } from '../../src/core/bytes.ts';
import { BadStreamError, FunctaError } from '../../src/core/errors.ts';
import { crc32c } from '../../src/core/hash.ts';
import { defaultLimits, type Limits } from '../../src/core/limits.ts';
import { Rng } from '../../src/core/rng.ts';
import { type About, storedTypes } from '../../src/field/about.ts';
import type { Model } from '../../src/field/model.ts';
import type { Axis } from '../../src/field/outputs.ts';
import { pointCount, weightLayout } from '../../src/field/spec.ts';
import { describedBy } from '../conformance/vectors.ts';

export interface FuzzResult {
  readonly runs: number;
  /** How many gave a value. */
  readonly values: number;
  /** How often each error code came. */
  readonly errors: Readonly<Record<string, number>>;
}

export const fuzzLimits: Limits = {
  ...defaultLimits,
  maxFileBytes: 1 << 16,
  maxSamples: 1 << 16,
  maxSymbols: 1 << 12,
};

const allowedKinds: ReadonlySet<string> = new Set(['stream', 'limit', 'conflict', 'notFound']);

/** `runs` mutated seeds through the header and section parsers; every checksum that stops one is mended, and it goes on. */
export function fuzzHeaders(seeds: readonly Uint8Array[], runs: number, seed: number): FuzzResult {
  return fuzz(seeds, runs, seed, (bytes) => {
    const header = readHeader(bytes, fuzzLimits);
    const { headerBytes, streamBytes } = header;
    if (headerBytes < 0 || streamBytes < 0 || headerBytes + streamBytes > bytes.length)
      throw new Error('a part lies outside');
    if (header.container === 'network') {
      const { spec, shape } = header;
      if (weightLayout(spec).length > fuzzLimits.maxSymbols || pointCount(shape) > fuzzLimits.maxSamples)
        throw new Error('out of limits');
      return;
    }
    const { quality } = header;
    if (!(quality >= 1 && quality <= 100)) throw new Error(`quality ${quality}`);
    if (header.container === 'file') return;
    const { count, perStream, offsets, shapes, ids } = header;
    const streams = Math.ceil(count / perStream);
    if (streams > bytes.length || offsets.length !== streams + 1) throw new Error(`${count} items`);
    if (offsets.some((at, i) => i > 0 && at < offsets[i - 1]!)) throw new Error('offsets do not ascend');
    for (const list of [shapes, ids])
      if (list !== undefined && list.length !== count) throw new Error('a list is short');
  });
}

/** `runs` mutated network files, decoded whole. */
export function fuzzNetworks(seeds: readonly Uint8Array[], runs: number, seed: number): FuzzResult {
  return fuzz(seeds, runs, seed, (bytes) => {
    const { spec, shape, weights } = decodeNetwork(bytes, fuzzLimits);
    if (weights.length > fuzzLimits.maxSymbols || pointCount(shape) > fuzzLimits.maxSamples)
      throw new Error('out of limits');
    if (weights.length !== weightLayout(spec).length) throw new Error('not a network of its own shape');
    if (weights.some((weight) => !Number.isFinite(weight))) throw new Error('a weight is not finite');
  });
}

/** `runs` mutated seeds, decoded whole. `seeds` are of `model`. */
export function fuzzDecoding(
  model: Model,
  seeds: readonly Uint8Array[],
  runs: number,
  seed: number,
): FuzzResult {
  return fuzz(seeds, runs, seed, (bytes) => {
    if (((bytes[1] ?? 0) & 16) === 0) {
      checkDecoded(model, decodeFile(model, bytes, fuzzLimits));
      return;
    }
    const archive = openArchive(model, bytes, fuzzLimits);
    for (let i = 0; i < Math.min(3, archive.count); i++) {
      checkDecoded(model, archive.at(i));
    }
  });
}

/** `runs` mutated sections of axes, of two axes that a model knows by name. */
export function fuzzAxes(seeds: readonly Uint8Array[], runs: number, seed: number): FuzzResult {
  const [told, shape] = [
    [{ name: 'latitude' }, { name: 'longitude', wraps: true }],
    [6, 8],
  ];
  return fuzz(seeds, runs, seed, (bytes) => checkAxes(decodeAxes(bytes, told, shape), shape));
}

/** `runs` mutated sections of what files say of a signal of two outputs. */
export function fuzzAbout(seeds: readonly Uint8Array[], runs: number, seed: number): FuzzResult {
  return fuzz(seeds, runs, seed, (bytes) => checkAbout(decodeAbout(bytes, 2), 2));
}

/** `runs` mutated texts in such sections. */
export function fuzzAboutTexts(said: readonly About[], runs: number, seed: number): FuzzResult {
  const seeds = said.map((one) => new TextEncoder().encode(JSON.stringify(one)));
  return fuzz(seeds, runs, seed, (bytes) =>
    checkAbout(decodeAbout(encodeText(new TextDecoder().decode(bytes)), 2), 2),
  );
}

function checkDecoded(model: Model, found: DecodedFile): void {
  const { shape, sections } = found;
  if (!withinLimits(found) || shape.length !== model.card.shape.length) throw new Error('out of limits');
  const { axes, about } = describedBy(model, shape, sections);
  if (axes !== undefined) checkAxes(axes, shape);
  if (about !== undefined) checkAbout(about, model.network.spec.outputs);
}

function checkAxes(axes: readonly Axis[], shape: readonly number[]): void {
  if (axes.length !== shape.length) throw new Error('not an axis each');
  for (const [i, { name, unit = '', start = 0, step = 1, at }] of axes.entries()) {
    if (name === '' || name.length > 128 || unit.length > 128) throw new Error('no word');
    if (step === 0 || ![start, step, ...(at ?? [])].every(Number.isFinite)) throw new Error('no place');
    if (at !== undefined && at.length !== shape[i]) throw new Error('places of other samples');
  }
}

function checkAbout({ attributes, outputs, affine, stored }: About, count: number): void {
  for (const list of [attributes, outputs])
    if (list !== undefined && list.length !== count) throw new Error('a list is short');
  if (affine !== undefined && (affine.length !== 12 || !affine.every(Number.isFinite)))
    throw new Error('no affine');
  if (
    stored !== undefined &&
    !(Number.isFinite(stored.slope / stored.slope) && storedTypes.includes(stored.type))
  )
    throw new Error('no type');
}

function withinLimits(found: DecodedFile): boolean {
  return found.prior === 'samples'
    ? found.samples.length <= fuzzLimits.maxSamples
    : found.symbols.length <= fuzzLimits.maxSymbols;
}

function fuzz(
  seeds: readonly Uint8Array[],
  runs: number,
  seed: number,
  parse: (bytes: Uint8Array) => void,
): FuzzResult {
  const rng = new Rng(seed);
  const errors: Record<string, number> = {};
  let values = 0;
  const kept = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    for (let run = 0; run < runs; run++) {
      const code = outcome(mutate(rng, seeds), parse);
      if (code === undefined) values++;
      else errors[code] = (errors[code] ?? 0) + 1;
    }
  } finally {
    Error.stackTraceLimit = kept;
  }
  return { runs, values, errors };
}

/** The code of the error that ends parsing, or undefined. Mends up to two checksums on the way. */
function outcome(bytes: Uint8Array, parse: (bytes: Uint8Array) => void): string | undefined {
  for (let mended = 0; ; mended++) {
    try {
      parse(bytes);
      return undefined;
    } catch (error) {
      if (!(error instanceof FunctaError) || !allowedKinds.has(error.kind)) {
        throw new Error(`not a tagged error on ${hex(bytes)}: ${String(error)}`, { cause: error });
      }
      if (mended === 2 || !mend(bytes, error)) return error.code;
    }
  }
}

/** Writes the checksum that was missed where an archive or a network of half floats has it; false if the error is another. */
function mend(bytes: Uint8Array, error: FunctaError): boolean {
  if (!(error instanceof BadStreamError) || error.code !== 'checksum') return false;
  const { at } = error;
  const lead = bytes[1] ?? 0;
  if (lead >> 5 === 2 && ((lead >> 2) & 3) === 0) {
    const check = Number.parseInt(/computed ([0-9a-f]{4})/.exec(error.message)![1]!, 16);
    new DataView(bytes.buffer, bytes.byteOffset).setUint16(at, check, true);
    return true;
  }
  if ((lead & 16) === 0) return false;
  if (at + 4 > bytes.length) return false;
  const computed = /computed ([0-9a-f]{8})/.exec(error.message);
  const crc = computed === null ? crc32c(bytes.subarray(0, at)) : Number.parseInt(computed[1]!, 16);
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(at, crc, true);
  return true;
}

/** A seed with one to four changes: bits, bytes, cuts, insertions, repeats, pieces of other seeds, large varints. */
export function mutate(rng: Rng, seeds: readonly Uint8Array[]): Uint8Array {
  let bytes: Uint8Array = seeds[rng.below(seeds.length)]!.slice();
  for (let change = 1 + rng.below(4); change > 0; change--) {
    // Most of what parsers decide is decided by the first bytes.
    const at = rng.below(2) === 0 ? rng.below(Math.min(24, bytes.length) + 1) : rng.below(bytes.length + 1);
    switch (rng.below(8)) {
      case 0:
      case 1:
        if (at < bytes.length) bytes[at]! ^= 1 << rng.below(8);
        break;
      case 2:
        if (at < bytes.length) bytes[at] = [0, 1, 0x7f, 0x80, 0xff, rng.below(256)][rng.below(6)]!;
        break;
      case 3:
        bytes = bytes.slice(0, at);
        break;
      case 4:
        bytes = splice(bytes, at, 0, Uint8Array.of(rng.below(256)));
        break;
      case 5:
        bytes = splice(bytes, at, 1 + rng.below(4), new Uint8Array(0));
        break;
      case 6: {
        const other = seeds[rng.below(seeds.length)]!;
        const from = rng.below(other.length + 1);
        bytes = splice(bytes, at, rng.below(8), other.subarray(from, from + rng.below(24)));
        break;
      }
      default:
        bytes = splice(bytes, at, rng.below(6), Uint8Array.of(0xff, 0xff, 0xff, 0xff, rng.below(32)));
    }
  }
  return bytes;
}

function splice(bytes: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array {
  const rest = bytes.subarray(Math.min(bytes.length, at + remove));
  const result = new Uint8Array(at + insert.length + rest.length);
  result.set(bytes.subarray(0, at));
  result.set(insert, at);
  result.set(rest, at + insert.length);
  return result;
}
