/** What range a signal was taken over, where its card says another: for each output an offset and a scale; FORMAT.md, "Affine". */
import { ByteReader, ByteWriter } from '../src/core/bytes.ts';
import { BadStreamError } from '../src/core/errors.ts';
import type { ValueRange } from '../src/field/outputs.ts';

const bytesPerOutput = 16;

/** [outputs]: the two numbers of each, eight bytes each. */
export function encodeAffine(ranges: readonly ValueRange[]): Uint8Array {
  const writer = new ByteWriter();
  for (const { offset, scale } of ranges) writer.f64(offset).f64(scale);
  return writer.finish();
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
  const ranges = Array.from({ length: outputs }, () => ({ offset: reader.f64(), scale: reader.f64() }));
  const isRange = ({ offset, scale }: ValueRange) =>
    Number.isFinite(offset) && scale > 0 && scale < Number.POSITIVE_INFINITY;
  if (!ranges.every(isRange))
    throw new BadStreamError('sections', at, 'offsets are finite, and scales finite and above 0');
  return ranges;
}
