/** What range a signal was taken over, where its card says another: for each output an offset and a scale; FORMAT.md, "Affine". */
import { ByteReader } from '../src/core/bytes.ts';
import { BadStreamError } from '../src/core/errors.ts';
import type { ValueRange } from '../src/field/outputs.ts';

const bytesPerOutput = 16;

/** [outputs]: the two numbers of each, eight bytes each. */
export function encodeAffine(ranges: readonly ValueRange[]): Uint8Array {
  const bytes = new Uint8Array(bytesPerOutput * ranges.length);
  const view = new DataView(bytes.buffer);
  for (const [o, { offset, scale }] of ranges.entries()) {
    view.setFloat64(bytesPerOutput * o, offset, true);
    view.setFloat64(bytesPerOutput * o + 8, scale, true);
  }
  return bytes;
}

/** As many as the model has outputs. Throws BadStreamError `sections`; `at`: offset for messages. */
export function decodeAffine(bytes: Uint8Array, outputs: number, at = 0): ValueRange[] {
  if (bytes.length !== bytesPerOutput * outputs)
    throw new BadStreamError(
      'sections',
      at,
      `an affine section of ${bytes.length} bytes; ${outputs} outputs take ${bytesPerOutput * outputs}`,
    );
  const reader = new ByteReader(bytes);
  const float64 = () => {
    const own = reader.bytes(8);
    return new DataView(own.buffer, own.byteOffset, 8).getFloat64(0, true);
  };
  const ranges = Array.from({ length: outputs }, () => ({ offset: float64(), scale: float64() }));
  const isRange = ({ offset, scale }: ValueRange) =>
    Number.isFinite(offset) && scale > 0 && scale < Number.POSITIVE_INFINITY;
  if (!ranges.every(isRange))
    throw new BadStreamError('sections', at, 'offsets are finite, and scales finite and above 0');
  return ranges;
}
