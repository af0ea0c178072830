/** Pictures on which order is tested: 200 drawn by a seed, flat to noise, 1 x 1 to 512 x 512, and cuts of real ones. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { Rng } from '../../src/core/rng.ts';
import type { Signal } from '../../src/signal/signal.ts';

/** A value in 0..255 of row y, column x, channel c; `u`, `v` are y and x as shares of the size. */
type Draw = (y: number, x: number, c: number, u: number, v: number) => number;
type Kind = (rng: Rng) => Draw;

const colour = (rng: Rng) => [rng.below(256), rng.below(256), rng.below(256)] as const;
const kinds: Readonly<Record<string, Kind>> = {
  white: () => () => 255,
  black: () => () => 0,
  flat: (rng) => {
    const of = colour(rng);
    return (_y, _x, c) => of[c]!;
  },
  noise: (rng) => () => rng.below(256),
  faint: (rng) => {
    const of = colour(rng);
    return (_y, _x, c) => of[c]! + rng.below(9) - 4;
  },
  slope: () => (y, x, c) => [x, 2 * y, x + y][c]! & 255,
  smooth: (rng) => {
    const [a, b, d] = colour(rng);
    return (_y, _x, c, u, v) => 128 + 90 * Math.sin((a * u + b * v) / 40 + (c * d) / 99);
  },
  stripes: (rng) => {
    const width = 1 + rng.below(6);
    return (_y, x) => (Math.floor(x / width) % 2) * 255;
  },
  squares: (rng) => {
    const size = 2 + rng.below(14);
    const [a, b] = [colour(rng), colour(rng)];
    return (y, x, c) => ((Math.floor(y / size) + Math.floor(x / size)) % 2 ? a : b)[c]!;
  },
  disc: (rng) => {
    const [a, b] = [colour(rng), colour(rng)];
    const radius = 0.15 + rng.uniform() * 0.3;
    return (_y, _x, c, u, v) => (Math.hypot(u - 0.5, v - 0.5) < radius ? a : b)[c]!;
  },
  lines: (rng) => {
    const steps = Array.from(
      { length: 4 },
      () => [rng.uniform() * 2 - 1, rng.uniform() * 2 - 1, rng.uniform()] as const,
    );
    return (_y, _x, _c, u, v) =>
      steps.some(([a, b, d]) => Math.abs(a * u + b * v - d * 0.5) < 0.01) ? 0 : 255;
  },
};
const shapes: readonly (readonly [number, number])[] = [
  [1, 1],
  [2, 2],
  [1, 7],
  [2, 17],
  [3, 64],
  [8, 8],
  [13, 29],
  [32, 32],
  [48, 64],
  [128, 9],
  [96, 96],
  [512, 2],
];

/** Kinds and shapes in turn; every fortieth is of 256 x 256 or 512 x 512. */
export function drawn(count: number, channels: number, seed = 1): Signal[] {
  const names = Object.keys(kinds);
  return Array.from({ length: count }, (_, i) => {
    const rng = new Rng(seed + i);
    const kind = names[i % names.length]!;
    const large = i % 40 === 39;
    const shape = large
      ? i % 80 === 79
        ? [512, 512]
        : [256, 256]
      : [...shapes[Math.floor(i / names.length + i) % shapes.length]!];
    const draw = kinds[kind]!(rng);
    const [height, width] = shape as [number, number];
    const values = new Float32Array(height * width * channels);
    for (let y = 0, at = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        for (let c = 0; c < channels; c++, at++) {
          const value = Math.round(draw(y, x, c, y / height, x / width));
          values[at] = Math.min(255, Math.max(0, value)) / 255;
        }
    return { id: `${kind} ${height}x${width}`, shape, channels, values };
  });
}

/** Cuts of side `side`, or less where a picture is smaller, one of each picture of a folder. */
export async function cuts(folder: string, side: number, most: number): Promise<Signal[]> {
  const names = readdirSync(folder)
    .filter((name) => /\.(png|jpe?g)$/.test(name))
    .sort()
    .slice(0, most);
  return Promise.all(
    names.map(async (name, i) => {
      const picture = sharp(join(folder, name)).flatten({ background: '#fff' });
      const { width, height } = await picture.metadata();
      const [w, h] = [Math.min(side, width), Math.min(side, height)];
      const left = Math.floor(((width - w) * (i % 5)) / 4);
      const top = Math.floor(((height - h) * (i % 3)) / 2);
      const { data, info } = await picture
        .extract({ left, top, width: w, height: h })
        .toColourspace('srgb')
        .raw()
        .toBuffer({ resolveWithObject: true });
      const values = Float32Array.from(data, (byte) => byte / 255);
      return { id: `${name} ${h}x${w}`, shape: [h, w], channels: info.channels, values };
    }),
  );
}
