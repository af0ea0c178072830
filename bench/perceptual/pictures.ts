/** Squares out of the middle of pictures, and pictures of half their size. */
import type { Signal } from '../../src/signal/signal.ts';

/** The middle `side` x `side` samples, or as many as there are; starts are whole multiples of 2. */
export function middleOf(signal: Signal, side: number): Signal {
  const { shape, channels, values } = signal;
  const [height, width] = shape as [number, number];
  const [h, w] = [Math.min(height, side), Math.min(width, side)];
  const [top, left] = [((height - h) >> 2) << 1, ((width - w) >> 2) << 1];
  const cut = new Float32Array(h * w * channels);
  for (let y = 0; y < h; y++) {
    const from = ((top + y) * width + left) * channels;
    cut.set(values.subarray(from, from + w * channels), y * w * channels);
  }
  return { ...signal, shape: [h, w], values: cut };
}

/** Half the size: a sample is the mean of four, as multiples of 1/255. An odd last row or column is left out. */
export function halved(signal: Signal): Signal {
  const { shape, channels, values } = signal;
  const [h, w] = shape.map((n) => n >> 1) as [number, number];
  const out = new Float32Array(h * w * channels);
  for (let y = 0, i = 0; y < h; y++)
    for (let x = 0; x < w; x++)
      for (let c = 0; c < channels; c++, i++) {
        const at = (2 * y * shape[1]! + 2 * x) * channels + c;
        const below = at + shape[1]! * channels;
        const sum = values[at]! + values[at + channels]! + values[below]! + values[below + channels]!;
        out[i] = Math.round((255 * sum) / 4) / 255;
      }
  return { ...signal, shape: [h, w], values: out };
}
