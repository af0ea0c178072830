/** Values as colours: those of pictures as they are, others by a map from dark to light. */
import { type Output, sampleTypeOf } from '../field/outputs.ts';

/** From the least to the largest value; evenly darker to lighter, for any eye. */
const stops = [
  [16, 20, 48],
  [38, 52, 120],
  [30, 105, 145],
  [52, 152, 132],
  [150, 190, 90],
  [250, 228, 120],
] as const;

/** `values` [height, width, channels]; NaN is left open. `low` and `high`: what the first and the last colour stand for. */
export function painted(
  values: Float32Array,
  outputs: readonly Output[],
  { width, height }: { readonly width: number; readonly height: number },
): { readonly rgba: Uint8ClampedArray<ArrayBuffer>; readonly low: number; readonly high: number } {
  const points = width * height;
  const rgba = new Uint8ClampedArray(4 * points);
  const { low, peak } = outputs[0]!;
  const channels = outputs.length;
  if (sampleTypeOf(outputs) === 'uint8' && (channels === 1 || channels === 3)) {
    for (let i = 0; i < points; i++) {
      for (let c = 0; c < 3; c++) {
        const value = values[i * channels + (channels === 3 ? c : 0)]!;
        rgba[4 * i + c] = (255 * (value - low)) / peak;
      }
      rgba[4 * i + 3] = 255;
    }
    return { rgba, low, high: low + peak };
  }
  const table = colourTable();
  for (let i = 0; i < points; i++) {
    const value = values[i * channels]!;
    if (Number.isNaN(value)) continue;
    const at = Math.round(255 * Math.min(1, Math.max(0, (value - low) / peak)));
    rgba.set(table.subarray(4 * at, 4 * at + 4), 4 * i);
  }
  return { rgba, low, high: low + peak };
}

/** Light of a surface as colours; where there is none it is transparent. */
export function shaded(light: Float32Array): Uint8ClampedArray<ArrayBuffer> {
  const rgba = new Uint8ClampedArray(4 * light.length);
  for (const [i, shade] of light.entries())
    if (shade > 0) rgba.set([191 * shade, 217 * shade, 255 * shade, 255], 4 * i);
  return rgba;
}

/** [256, 4]. */
export function colourTable(): Uint8ClampedArray {
  const table = new Uint8ClampedArray(4 * 256);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (stops.length - 1);
    const from = Math.min(stops.length - 2, Math.floor(at));
    for (let c = 0; c < 3; c++)
      table[4 * i + c] = stops[from]![c]! + (at - from) * (stops[from + 1]![c]! - stops[from]![c]!);
    table[4 * i + 3] = 255;
  }
  return table;
}
