/**
 * Short texts as adaptive bits: each byte under the one before, and under the two before. The contexts have seen a text of words that
 * such texts have; FORMAT.md, "About".
 */
import { type BitCoder, BitDecoder, BitEncoder } from '../prior/bits.ts';
import { ByteReader, ByteWriter } from '../src/core/bytes.ts';
import { BadStreamError } from '../src/core/errors.ts';
import { checkSamplesPaid } from './paid.ts';

/** Of FORMAT.md; never changed. */
export const seen =
  '{"attributes":[{"long_name":"Temperature","standard_name":"air_temperature","cell_methods":"time: mean"}]}' +
  '{"attributes":[{"standard_name":"sea_surface_temperature","long_name":"Sea Surface Temperature Anomaly","comment":"Monthly Mean of Surface"},' +
  '{"standard_name":"eastward_wind","long_name":"Zonal wind component"},{"standard_name":"northward_wind","long_name":"Meridional velocity"},' +
  '{"standard_name":"geopotential_height","long_name":"geopotential height above sea level"},' +
  '{"standard_name":"air_pressure_at_sea_level","long_name":"mean sea level pressure"},' +
  '{"standard_name":"precipitation_flux","long_name":"Total precipitation rate, daily average"},' +
  '{"long_name":"Relative humidity","source":"model output","title":"data","history":"analysis"},' +
  '{"long_name":"specific humidity cloud fraction ocean land ice snow radiation flux upward downward net"}],' +
  '"stored":{"type":"i2","slope":0.01,"intercept":273.15},"affine":[-0.9,0,0,90,0,1,0,-126,0.1,0,2,-72]}';

/** Under one byte, and what is seen of another of its 8 bits; as many under two. */
const single = 0x10000;

/** A varint of its bytes in UTF-8, then their bits. */
export function encodeText(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  const encoder = new BitEncoder(2 * single);
  walk(encoder, bytesOfSeen(), bytes);
  // Written bytes are not changed by later ones: those of the text that was seen are in front of every text.
  const coded = encoder.finish().subarray(before().length);
  return new ByteWriter().varint(bytes.length).bytes(coded).finish();
}

/** What `encodeText` was given, of `most` bytes at most. Throws BadStreamError `sections`, `truncated`, `varint`, `payload`, `utf8`; `at`: offset for messages. */
export function decodeText(bytes: Uint8Array, most: number, at = 0): string {
  const reader = new ByteReader(bytes);
  const length = reader.varint();
  if (length > most) throw new BadStreamError('sections', at, `a text of ${length} bytes, above ${most}`);
  const coded = new ByteWriter().bytes(before()).bytes(reader.bytes(reader.remaining)).finish();
  checkSamplesPaid(8 * length, coded.length, at);
  const decoder = new BitDecoder(2 * single, coded, at);
  const text = new Uint8Array(length);
  walk(decoder, bytesOfSeen(), text);
  decoder.end();
  return new ByteReader(text).utf8(length);
}

let written: Uint8Array | undefined;

function bytesOfSeen(): Uint8Array {
  return new TextEncoder().encode(seen);
}

/** What is written of the text that was seen. */
function before(): Uint8Array {
  if (written === undefined) {
    const encoder = new BitEncoder(2 * single);
    walk(encoder, bytesOfSeen());
    const { length } = encoder;
    written = encoder.finish().subarray(0, length);
  }
  return written;
}

/** Bytes of texts that follow each other: encoding takes them, decoding puts them there. */
function walk(coder: BitCoder, ...texts: readonly Uint8Array[]): void {
  let [last, beforeLast] = [0, 0];
  for (const text of texts) {
    for (let i = 0; i < text.length; i++) {
      let byte = 1;
      for (let bit = 7; bit >= 0; bit--) {
        const two = (40503 * (256 * beforeLast + last) + 257 * byte) % single;
        byte = 2 * byte + coder.bit(256 * last + byte, single + two, (text[i]! >> bit) & 1);
      }
      text[i] = byte & 255;
      [beforeLast, last] = [last, byte & 255];
    }
  }
}
