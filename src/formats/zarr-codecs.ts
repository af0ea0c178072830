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
