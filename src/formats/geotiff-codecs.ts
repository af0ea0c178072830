/** What blocks of a TIFF file are packed by, held against what a block may unpack to: the package unpacks whatever they say. */
import { inflateSync } from 'node:zlib';
import { unpackLzw } from './lzw.ts';

type Geotiff = typeof import('geotiff');

/** Numbers of the ways to pack that are read: of others nothing bounds what they unpack to. */
const packings = { none: 1, lzw: 5, deflate: 8, oldDeflate: 32946, packBits: 32773 };
export const knownPackings: ReadonlySet<number> = new Set(Object.values(packings));

let isBound = false;

/** Once for the process. */
export function boundDecoders({ addDecoder, BaseDecoder }: Geotiff): void {
  if (isBound) return;
  isBound = true;
  const register = (cases: number[], unpack: (packed: Uint8Array, most: number) => Uint8Array) =>
    addDecoder(cases, async () => {
      class Bounded extends BaseDecoder {
        override decodeBlock(buffer: ArrayBufferLike): ArrayBufferLike {
          return unpack(new Uint8Array(buffer), blockBytes(this.parameters)).slice().buffer;
        }
      }
      return Bounded;
    });
  register([packings.deflate, packings.oldDeflate], (packed, most) =>
    inflateSync(packed, { maxOutputLength: most }),
  );
  register([packings.lzw], unpackLzw);
}

interface Parameters {
  readonly tileWidth: number;
  readonly tileHeight: number;
  readonly bitsPerSample: number | ArrayLike<number>;
  readonly planarConfiguration: number;
}

/** Bytes of a block: with all bands where these lie beside each other. */
function blockBytes({ tileWidth, tileHeight, bitsPerSample, planarConfiguration }: Parameters): number {
  const bits = typeof bitsPerSample === 'number' ? [bitsPerSample] : Array.from(bitsPerSample);
  const inPixel = planarConfiguration === 2 ? Math.max(...bits) : bits.reduce((sum, own) => sum + own, 0);
  return Math.ceil((tileWidth * inPixel) / 8) * tileHeight;
}
