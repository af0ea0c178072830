/**
 * What one sees first, as numbers. All of them take pictures of 8 bits; amplitudes are in steps of 1/255.
 *
 * Indices of hot loops are below height * width * channels.
 */
import type { Picture } from '../../src/jobs/peer-codecs.ts';

/** A block of 2 x 2 that differs from the mean of its eight neighbours by so much at least, */
const leastContrast = 8;
/** and by so many times their own deviation, is a dot. */
const deviations = 4;

/**
 * Isolated dots for every thousand blocks of 2 x 2 samples, the finest cells of the bundled models: blocks unlike all of their eight
 * neighbours, which are like each other.
 */
export function dotsPerThousand(picture: Picture): number {
  const { width, height, channels } = picture;
  const [columns, rows] = [width >> 1, height >> 1];
  const blocks = blockMeans(picture);
  let dots = 0;
  for (let y = 1; y + 1 < rows; y++)
    for (let x = 1; x + 1 < columns; x++) {
      let contrast = 0;
      let spread = 0;
      for (let c = 0; c < channels; c++) {
        let [sum, squares] = [0, 0];
        for (let dy = -1; dy <= 1; dy++)
          for (let dx = -1; dx <= 1; dx++) {
            if (dx === 0 && dy === 0) continue;
            const v = blocks[((y + dy) * columns + x + dx) * channels + c]!;
            sum += v;
            squares += v * v;
          }
        const mean = sum / 8;
        contrast += (blocks[(y * columns + x) * channels + c]! - mean) ** 2;
        spread += Math.max(0, squares / 8 - mean * mean);
      }
      const least = Math.max(leastContrast, deviations * Math.sqrt(spread / channels));
      if (Math.sqrt(contrast / channels) > least) dots++;
    }
  return (1000 * dots) / Math.max(1, (rows - 2) * (columns - 2));
}

/** [rows, columns, channels] of blocks of 2 x 2. */
function blockMeans({ bytes, width, height, channels }: Picture): Float32Array {
  const [columns, rows] = [width >> 1, height >> 1];
  const means = new Float32Array(rows * columns * channels);
  for (let y = 0; y < 2 * rows; y++)
    for (let x = 0; x < 2 * columns; x++)
      for (let c = 0; c < channels; c++)
        means[((y >> 1) * columns + (x >> 1)) * channels + c]! += bytes[(y * width + x) * channels + c]! / 4;
  return means;
}

/** Root of the mean squared error over the outermost `margin` samples, and over the others. */
export function borderRmse(
  original: Picture,
  decoded: Picture,
  margin = 2,
): { border: number; inside: number } {
  const { width, height, channels } = original;
  const sums = { border: 0, inside: 0 };
  const counts = { border: 0, inside: 0 };
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const edge = Math.min(x, y, width - 1 - x, height - 1 - y) < margin;
      const where = edge ? 'border' : 'inside';
      for (let c = 0; c < channels; c++, i++) sums[where] += (original.bytes[i]! - decoded.bytes[i]!) ** 2;
      counts[where] += channels;
    }
  return {
    border: Math.sqrt(sums.border / Math.max(1, counts.border)),
    inside: Math.sqrt(sums.inside / Math.max(1, counts.inside)),
  };
}

/** Samples of the original that stand for white have white around them within so many samples. */
const whiteMargin = 3;

/**
 * Mean distance from white where a picture is white and nothing else is within three samples; NaN where that is nowhere. White of a
 * page that is not white is seen even where no error would be.
 */
export function whiteError(original: Picture, decoded: Picture): number {
  const { width, height, channels } = original;
  const plain = (x: number, y: number) => {
    if (x < 0 || y < 0 || x >= width || y >= height) return true;
    const at = (y * width + x) * channels;
    for (let c = 0; c < channels; c++) if (original.bytes[at + c] !== 255) return false;
    return true;
  };
  let [sum, count] = [0, 0];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      let white = true;
      for (let dy = -whiteMargin; white && dy <= whiteMargin; dy++)
        for (let dx = -whiteMargin; white && dx <= whiteMargin; dx++) white = plain(x + dx, y + dy);
      if (!white) continue;
      for (let c = 0; c < channels; c++) sum += 255 - decoded.bytes[(y * width + x) * channels + c]!;
      count += channels;
    }
  return sum / count;
}

/** Waves whose energy is compared with that of their neighbours, relatively. */
const beside = [0.84, 0.88, 0.92, 1.08, 1.12, 1.16];

/**
 * Amplitude of the weave of an enlarged picture: of the waves along both axes that have a period of `period` samples of the enlarged
 * picture, what is more than waves a little shorter and longer have (root of the mean square over lines).
 */
export function weave({ bytes, width, height, channels }: Picture, period: number): number {
  const along = (n: number, step: number, lines: (visit: (at: number) => void) => void) => {
    const wave = waveOf(bytes, n, step);
    let [at, around] = [0, 0];
    lines((start) => {
      at += wave(start, period);
      for (const share of beside) around += wave(start, period * share) / beside.length;
    });
    return Math.max(0, at - around);
  };
  const rows = along(width, channels, (visit) => {
    for (let y = 0; y < height; y++) for (let c = 0; c < channels; c++) visit(y * width * channels + c);
  });
  const columns = along(height, width * channels, (visit) => {
    for (let i = 0; i < width * channels; i++) visit(i);
  });
  return Math.sqrt((rows / height + columns / width) / (2 * channels));
}

/** Mean square of the wave of a period on a line of `n` samples from an index on, under a window of von Hann. */
function waveOf(bytes: Uint8Array, n: number, step: number): (start: number, period: number) => number {
  const windows = new Map<number, { cos: Float64Array; sin: Float64Array }>();
  const ofPeriod = (period: number) => {
    const known = windows.get(period);
    if (known !== undefined) return known;
    const hann = (i: number) => (1 - Math.cos((2 * Math.PI * (i + 0.5)) / n)) / n;
    const angle = (i: number) => (2 * Math.PI * i) / period;
    const made = {
      cos: Float64Array.from({ length: n }, (_, i) => hann(i) * Math.cos(angle(i))),
      sin: Float64Array.from({ length: n }, (_, i) => hann(i) * Math.sin(angle(i))),
    };
    windows.set(period, made);
    return made;
  };
  return (start, period) => {
    const { cos, sin } = ofPeriod(period);
    let [real, imaginary] = [0, 0];
    for (let i = 0, at = start; i < n; i++, at += step) {
      real += bytes[at]! * cos[i]!;
      imaginary += bytes[at]! * sin[i]!;
    }
    return 2 * (real * real + imaginary * imaginary);
  };
}
