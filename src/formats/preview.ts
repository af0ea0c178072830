/**
 * Pictures of signals that are none, for a person to look at: a waveform over its spectrogram, a map in a scale of colours, slices of a
 * volume, a shaded view of a shape. They hold less than the signal; nothing reads them back.
 */
import type { Axis, Output } from '../field/outputs.ts';
import { pointCount } from '../field/spec.ts';
import { isSignedDistance } from '../field/surface.ts';
import { collectRows, type RowStream } from '../signal/rows.ts';
import type { Signal } from '../signal/signal.ts';
import { Canvas } from './canvas.ts';
import { shadedView } from './shaded-view.ts';

interface Look {
  readonly shape: readonly number[];
  readonly axes: readonly Axis[];
  /** [points, channels]. */
  readonly values: Float32Array;
  readonly outputs: readonly Output[];
}

/** A picture, [height, width] x 3, values from 0 to 1. Signals of one shape have pictures of one. */
export async function previewOf(stream: RowStream, outputs: readonly Output[]): Promise<Signal> {
  const { shape, axes = [] } = stream;
  const look = { shape, axes, values: await collectRows(stream), outputs };
  const canvas = shape.length === 1 ? soundView(look) : shape.length === 2 ? mapView(look) : volumeView(look);
  return { id: 'a preview', shape: [canvas.height, canvas.width], channels: 3, values: canvas.values };
}

type Colour = readonly [number, number, number];
/** From low to high: dark blue, green, yellow, as light as they are high (after viridis, matplotlib). */
const scale: readonly Colour[] = [
  [0.267, 0.005, 0.329],
  [0.283, 0.141, 0.458],
  [0.254, 0.265, 0.53],
  [0.207, 0.372, 0.553],
  [0.164, 0.471, 0.558],
  [0.128, 0.567, 0.551],
  [0.135, 0.659, 0.518],
  [0.267, 0.749, 0.441],
  [0.478, 0.821, 0.318],
  [0.741, 0.873, 0.15],
  [0.993, 0.906, 0.144],
];
const missing: Colour = [0.8, 0.8, 0.8];
/** Where values end and missing ones begin: of a map of the sea or of the land, its coast. */
const coast: Colour = [0, 0, 0];
const ink: Colour = [0.13, 0.3, 0.5];

/** The colour of a share of the range, from 0 to 1; of NaN grey. */
function colourOf(share: number): Colour {
  if (Number.isNaN(share)) return missing;
  const at = Math.min(1, Math.max(0, share)) * (scale.length - 1);
  const i = Math.min(scale.length - 2, Math.floor(at));
  const mix = (c: 0 | 1 | 2) => scale[i]![c] + (at - i) * (scale[i + 1]![c] - scale[i]![c]);
  return [mix(0), mix(1), mix(2)];
}

/** Of a view along a side, at least and at most, where samples are drawn larger or left out. */
const [leastSide, mostSide] = [256, 1024];
const gap = 8;

/** Pixels of a side for so many samples. */
function sideOf(samples: number, longest: number): number {
  const factor = longest >= mostSide ? mostSide / longest : Math.max(1, Math.floor(leastSide / longest));
  return Math.max(1, Math.round(samples * factor));
}

const wide = 640;
const high = 160;
const windowSamples = 256;

/** The waveform of the first channel, from its least to its greatest in each column; below it how strong each frequency is, low ones at the bottom. */
function soundView({ shape, values, outputs }: Look): Canvas {
  const canvas = new Canvas(2 * high + gap, wide);
  const [samples] = shape as [number];
  const channels = outputs.length;
  const { low, peak } = outputs[0]!;
  const at = (i: number) => (values[Math.min(samples - 1, Math.max(0, i)) * channels]! - low) / peak;
  const row = (share: number) => Math.min(high - 1, Math.max(0, Math.round((1 - share) * (high - 1))));
  for (let x = 0; x < wide; x++) {
    const [from, to] = [x, x + 1].map((own) => Math.floor((own * samples) / wide)) as [number, number];
    let [least, most] = [at(from), at(from)];
    // the sample after joins one column to the next
    for (let i = from; i <= to; i++) [least, most] = [Math.min(least, at(i)), Math.max(most, at(i))];
    for (let y = row(most); y <= row(least); y++) canvas.put(y, x, ink);
    const middle = Math.round(((x + 0.5) * samples) / wide);
    const levels = levelsAround((i) => 2 * at(middle + i) - 1);
    for (let y = 0; y < high; y++) {
      const decibels = levels[Math.floor(((high - 1 - y) / high) * levels.length)]!;
      canvas.put(high + gap + y, x, colourOf(1 + decibels / 90));
    }
  }
  return canvas;
}

/** Decibels below full scale of the frequencies up to half of the rate, in a Hann window around a sample. */
function levelsAround(sample: (i: number) => number): Float64Array {
  const n = windowSamples;
  const [re, im] = [new Float64Array(n), new Float64Array(n)];
  for (let i = 0; i < n; i++) {
    // bits in reverse: the order that the steps below take
    let j = 0;
    for (let bit = 1; bit < n; bit <<= 1) j = (j << 1) | ((i & bit) === 0 ? 0 : 1);
    re[j] = sample(i - n / 2) * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / n));
  }
  for (let half = 1; half < n; half *= 2) {
    for (let k = 0; k < half; k++) {
      const [c, s] = [Math.cos((Math.PI * k) / half), -Math.sin((Math.PI * k) / half)];
      for (let i = k; i < n; i += 2 * half) {
        const [r, m] = [c * re[i + half]! - s * im[i + half]!, c * im[i + half]! + s * re[i + half]!];
        [re[i + half], im[i + half]] = [re[i]! - r, im[i]! - m];
        re[i]! += r;
        im[i]! += m;
      }
    }
  }
  return Float64Array.from(
    { length: n / 2 },
    (_, k) => 20 * Math.log10(Math.hypot(re[k]!, im[k]!) / (n / 4) + 1e-6),
  );
}

/** Each output over the range that its model says, one below the other, with the scale beside it and the edge of what is missing; north is up. */
function mapView({ shape, axes, values, outputs }: Look): Canvas {
  const [rows, columns] = shape as [number, number];
  const longest = Math.max(rows, columns);
  const [height, width] = [sideOf(rows, longest), sideOf(columns, longest)];
  const canvas = new Canvas(outputs.length * (height + gap) - gap, width + 3 * gap);
  const isUpsideDown = axes[0]?.weight === 'cosine' && (axes[0].step ?? -1) > 0;
  for (const [o, { low, peak }] of outputs.entries()) {
    const top = o * (height + gap);
    const valueAt = (y: number, x: number) => {
      const from = Math.floor((Math.min(y, height - 1) * rows) / height);
      const row = isUpsideDown ? rows - 1 - from : from;
      const p = row * columns + Math.floor((Math.min(x, width - 1) * columns) / width);
      return values[p * outputs.length + o]!;
    };
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const value = valueAt(y, x);
        const isNone = Number.isNaN(value);
        const isEdge =
          Number.isNaN(valueAt(y + 1, x)) !== isNone || Number.isNaN(valueAt(y, x + 1)) !== isNone;
        canvas.put(top + y, x, isEdge ? coast : colourOf((value - low) / peak));
      }
      for (let x = width + gap; x < width + 3 * gap; x++)
        canvas.put(top + y, x, colourOf(1 - y / (height - 1 || 1)));
    }
  }
  return canvas;
}

/** A surface where values go from below 0 to above; of other volumes the middle slices across each axis. */
function volumeView(look: Look): Canvas {
  const { shape, axes, values, outputs } = look;
  if (isSignedDistance(outputs, axes)) return shadedView(shape as readonly [number, number, number], values);
  const views = [0, 1, 2].map((across) => mapView(sliceOf(look, across)));
  const canvas = new Canvas(
    Math.max(...views.map(({ height }) => height)),
    views.reduce((sum, { width }) => sum + width + gap, -gap),
  );
  let left = 0;
  for (const view of views) {
    for (let y = 0; y < view.height; y++)
      canvas.values.set(
        view.values.subarray(y * view.width * 3, (y + 1) * view.width * 3),
        (y * canvas.width + left) * 3,
      );
    left += view.width + gap;
  }
  return canvas;
}

function sliceOf({ shape, axes, values, outputs }: Look, across: number): Look {
  const kept = [0, 1, 2].filter((axis) => axis !== across);
  const strides = shape.map((_, axis) => pointCount(shape.slice(axis + 1)));
  const [rows, columns] = kept.map((axis) => shape[axis]!) as [number, number];
  const channels = outputs.length;
  const own = new Float32Array(rows * columns * channels);
  for (let p = 0; p < rows * columns; p++) {
    const from =
      Math.floor(shape[across]! / 2) * strides[across]! +
      Math.floor(p / columns) * strides[kept[0]!]! +
      (p % columns) * strides[kept[1]!]!;
    for (let c = 0; c < channels; c++) own[p * channels + c] = values[from * channels + c]!;
  }
  return {
    shape: [rows, columns],
    axes: kept.map((axis) => axes[axis] ?? { name: '' }),
    values: own,
    outputs,
  };
}
