/** What chunks of zarr are packed by, held against what a chunk may unpack to: the package unpacks whatever they say. */
import { gunzipSync, inflateSync } from 'node:zlib';
import { BadStreamError } from '../core/errors.ts';

/** A codec of the package's: a class with a maker. */
interface Codec {
  fromConfig(configuration: unknown, chunk: Chunk): object;
}
interface Chunk {
  readonly shape: readonly number[];
}
type Registry = Map<string, () => Codec | Promise<Codec>>;

/** Bytes of a value, at most; beside them what indices and checksums of shards take. */
const [valueBytes, otherBytes] = [8, 64];

const bounded = new WeakSet<object>();

/** Once for a registry. */
export function boundCodecs(given: object): void {
  if (bounded.has(given)) return;
  bounded.add(given);
  const registry = given as Registry;
  for (const prefix of ['', 'numcodecs.']) {
    registry.set(`${prefix}gzip`, () => inflating(gunzipSync));
    registry.set(`${prefix}zlib`, () => inflating(inflateSync));
    for (const [name, sizeOf] of Object.entries(saidBy)) {
      const original = registry.get(`${prefix}${name}`);
      if (original !== undefined)
        registry.set(`${prefix}${name}`, async () => held(await original(), sizeOf));
    }
  }
}

const sharding = 'sharding_indexed';

/**
 * The first codec of an array of either version that the registry does not have, as text. The package loads all at once, and when it stops at one that
 * is wrongly set up nobody hears that a later one is not there: a rejection without a handler ends a process.
 */
export function unknownCodec(
  registry: object,
  metadata: Readonly<Record<string, unknown>>,
): string | undefined {
  const isThere = (name: unknown) =>
    name === sharding || ['', 'numcodecs.'].some((prefix) => (registry as Registry).has(`${prefix}${name}`));
  const listed = (given: unknown): Record<string, unknown>[] => (Array.isArray(given) ? given : []);
  const unknownOf = (codecs: readonly Record<string, unknown>[]): string | undefined => {
    for (const codec of codecs) {
      const name = codec?.name ?? codec?.id;
      if (typeof name !== 'string' || !isThere(name)) return String(name).slice(0, 40);
      const inner = (codec.configuration ?? {}) as Record<string, unknown>;
      const found = unknownOf([...listed(inner.codecs), ...listed(inner.index_codecs)]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const { codecs, filters, compressor } = metadata;
  const packed = compressor === null || compressor === undefined ? [] : [compressor];
  return unknownOf([...listed(codecs), ...listed(filters), ...(packed as Record<string, unknown>[])]);
}

/** Bytes that a packed chunk says it unpacks to; undefined where it does not. */
const saidBy: Readonly<Record<string, (packed: DataView) => number | undefined>> = {
  blosc: (packed) => (packed.byteLength < 16 ? undefined : packed.getUint32(4, true)),
  lz4: (packed) => (packed.byteLength < 4 ? undefined : packed.getUint32(0, true)),
  zstd: zstdSize,
};

/** Bytes that a frame says it unpacks to (RFC 8878, section 3.1.1.1). */
function zstdSize(packed: DataView): number | undefined {
  if (packed.byteLength < 14) return undefined;
  const descriptor = packed.getUint8(4);
  const isSingle = (descriptor & 32) !== 0;
  const at = 5 + (isSingle ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!;
  switch (descriptor >> 6) {
    case 0:
      return isSingle ? packed.getUint8(at) : undefined;
    case 1:
      return packed.getUint16(at, true) + 256;
    case 2:
      return packed.getUint32(at, true);
    default:
      return Number(packed.getBigUint64(at, true));
  }
}

function mostBytes({ shape }: Chunk): number {
  return shape.reduce((n, size) => n * size, valueBytes) + otherBytes;
}

function inflating(inflate: typeof gunzipSync): Codec {
  return {
    fromConfig: (_configuration, chunk) => ({
      kind: 'bytes_to_bytes',
      decode: (bytes: Uint8Array) => new Uint8Array(inflate(bytes, { maxOutputLength: mostBytes(chunk) })),
    }),
  };
}

function held(codec: Codec, sizeOf: (packed: DataView) => number | undefined): Codec {
  return {
    fromConfig(configuration, chunk) {
      const own = codec.fromConfig(configuration, chunk) as { decode(bytes: Uint8Array): unknown };
      return {
        kind: 'bytes_to_bytes',
        decode(bytes: Uint8Array) {
          const said = sizeOf(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
          if (said === undefined || said > mostBytes(chunk))
            throw new BadStreamError(
              'bad-zarr',
              0,
              `a chunk of [${chunk.shape}] says that it unpacks to ${said} bytes`,
            );
          return own.decode(bytes);
        },
      };
    },
  };
}
