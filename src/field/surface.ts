/** The surface of a signed distance, seen from any side: rays through the samples, lit by the slope where they meet it. */
import type { Output } from './outputs.ts';

/** From where a surface is looked at, and on how many samples of a screen. */
export interface SurfaceView {
  readonly width: number;
  readonly height: number;
  /** Radians, around the third axis and above the plane of the other two. */
  readonly yaw: number;
  readonly pitch: number;
  /** 1 shows the cube of the samples whole. */
  readonly zoom?: number | undefined;
}

/** From above and to the side. */
export const firstLook = { yaw: Math.atan2(0.6, 0.8), pitch: Math.PI / 6 } as const;

/** Half of what is seen at a zoom of 1: the cube from -1 to 1 is seen whole. */
const reach = 1.6;
/** Rays step by so much of a sample. */
const stepSamples = 0.75;
const halvings = 6;
/** Where the light stands: to the left of the viewer, above, and behind. */
const light = [-0.28, 0.41, 0.86] as const;
const [ambient, lit] = [0.25, 0.7];
/** Blocks of two samples a side are passed over when nothing in them is inside. */
const blockBits = 1;

/** Whether a function of three axes is a shape: one output that goes from below 0 to above, along axes without a unit. */
export function isSignedDistance(
  outputs: readonly Output[],
  axes: readonly { readonly unit?: string | undefined }[],
): boolean {
  const [{ sample, low, peak }] = outputs as [Output];
  return (
    outputs.length === 1 &&
    axes.every(({ unit }) => unit === undefined) &&
    sample === 'float32' &&
    low < 0 &&
    low + peak > 0
  );
}

/**
 * Draws a surface: how light it is at each sample of the screen, [height, width], from 0.25 to 0.95; 0 where there is none. `values` [depth, height,
 * width] are below 0 inside; outside of the samples nothing is inside.
 */
export function surfaceOf(
  shape: readonly [number, number, number],
  values: Float32Array,
): (view: SurfaceView) => Float32Array {
  const [depth, rows, columns] = shape;
  const inSlice = rows * columns;
  const [, blocksDown, blocksAcross] = blocksOf(shape);
  const mayHold = blocksThatHold(shape, values);
  const step = (2 * stepSamples) / Math.max(...shape);

  /** Between samples on lines, at a place counted in samples; 1 outside of them. */
  const at = (x: number, y: number, z: number): number => {
    if (!(x >= 0 && y >= 0 && z >= 0 && x < columns - 1 && y < rows - 1 && z < depth - 1)) return 1;
    const ix = x | 0;
    const iy = y | 0;
    const iz = z | 0;
    const first = iz * inSlice + iy * columns + ix;
    const below = plane(first, x - ix, y - iy);
    return below + (z - iz) * (plane(first + inSlice, x - ix, y - iy) - below);
  };
  const plane = (p: number, fx: number, fy: number): number => {
    const near = values[p]! + fx * (values[p + 1]! - values[p]!);
    const far = values[p + columns]! + fx * (values[p + columns + 1]! - values[p + columns]!);
    return near + fy * (far - near);
  };
  const lightAt = (x: number, y: number, z: number, sun: Point): number => {
    const slope = [
      (at(x + 1, y, z) - at(x - 1, y, z)) * columns,
      (at(x, y + 1, z) - at(x, y - 1, z)) * rows,
      (at(x, y, z + 1) - at(x, y, z - 1)) * depth,
    ] as const;
    const towardsSun = slope[0] * sun[0] + slope[1] * sun[1] + slope[2] * sun[2];
    return ambient + lit * Math.min(1, Math.max(0, towardsSun / (Math.hypot(...slope) || 1)));
  };
  /** How light it is where a line, in samples, meets the surface on its way from `first` down to `last`; 0 where it does not. */
  const lightOf = (
    from: Point,
    along: Point,
    [last, first]: readonly [number, number],
    sun: Point,
  ): number => {
    const [x, y, z] = from;
    const [dx, dy, dz] = along;
    for (let t = first; t > last; t -= step) {
      const block =
        (((z + t * dz) >> blockBits) * blocksDown + ((y + t * dy) >> blockBits)) * blocksAcross +
        ((x + t * dx) >> blockBits);
      if (mayHold[block] !== 1 || !(at(x + t * dx, y + t * dy, z + t * dz) < 0)) continue;
      let [inside, outside] = [t, t + step];
      for (let k = 0; k < halvings; k++) {
        const middle = (inside + outside) / 2;
        if (at(x + middle * dx, y + middle * dy, z + middle * dz) < 0) inside = middle;
        else outside = middle;
      }
      return lightAt(x + inside * dx, y + inside * dy, z + inside * dz, sun);
    }
    return 0;
  };

  return ({ width, height, yaw, pitch, zoom = 1 }) => {
    const { right, up, towards, sun } = turned(yaw, pitch);
    const perSample = (2 * reach) / zoom / Math.min(width, height);
    const half: Point = [columns / 2, rows / 2, depth / 2];
    const along: Point = [towards[0] * half[0], towards[1] * half[1], towards[2] * half[2]];
    const out = new Float32Array(width * height);
    for (let i = 0; i < out.length; i++) {
      const u = ((i % width) - width / 2) * perSample;
      const v = (height / 2 - Math.floor(i / width)) * perSample;
      const from: Point = [u * right[0] + v * up[0], u * right[1] + v * up[1], v * up[2]];
      const part = partInCube(from, towards);
      if (part[0] >= part[1]) continue;
      const inSamples = (a: 0 | 1 | 2) => (from[a] + 1) * half[a] - 0.5;
      out[i] = lightOf([inSamples(0), inSamples(1), inSamples(2)], along, part, sun);
    }
    return out;
  };
}

type Point = readonly [x: number, y: number, z: number];

/** Directions of the viewer and of the light, of axes x, y, z. */
function turned(yaw: number, pitch: number) {
  const [sinYaw, cosYaw, sinPitch, cosPitch] = [
    Math.sin(yaw),
    Math.cos(yaw),
    Math.sin(pitch),
    Math.cos(pitch),
  ];
  const right: Point = [cosYaw, sinYaw, 0];
  const up: Point = [-sinPitch * sinYaw, sinPitch * cosYaw, cosPitch];
  const towards: Point = [cosPitch * sinYaw, -cosPitch * cosYaw, sinPitch];
  const along = (i: 0 | 1 | 2) => light[0] * right[i] + light[1] * up[i] + light[2] * towards[i];
  return { right, up, towards, sun: [along(0), along(1), along(2)] as Point };
}

/** Which part of a line lies in the cube from -1 to 1; none where the first is not below the second. */
function partInCube(from: Point, along: Point): readonly [number, number] {
  let [least, most] = [-2 * reach, 2 * reach];
  for (const i of [0, 1, 2] as const) {
    if (along[i] === 0) {
      if (Math.abs(from[i]) >= 1) return [0, 0];
      continue;
    }
    const [a, b] = [(-1 - from[i]) / along[i], (1 - from[i]) / along[i]];
    least = Math.max(least, Math.min(a, b));
    most = Math.min(most, Math.max(a, b));
  }
  return [least, most];
}

function blocksOf(shape: Point): Point {
  return shape.map((n) => ((n - 1) >> blockBits) + 1) as [number, number, number];
}

/** A point lies between a sample and the next along each axis, so a sample that is inside counts for those before it too. */
function blocksThatHold(shape: Point, values: Float32Array): Uint8Array {
  const [depth, rows, columns] = shape;
  const [blocks, blocksDown, blocksAcross] = blocksOf(shape);
  const found = new Uint8Array(blocks * blocksDown * blocksAcross);
  for (let z = 0, i = 0; z < depth; z++)
    for (let y = 0; y < rows; y++)
      for (let x = 0; x < columns; x++, i++) {
        if (!(values[i]! < 0)) continue;
        for (let corner = 0; corner < 8; corner++) {
          const [a, b, c] = [z - (corner >> 2), y - ((corner >> 1) & 1), x - (corner & 1)];
          if (a < 0 || b < 0 || c < 0) continue;
          found[((a >> blockBits) * blocksDown + (b >> blockBits)) * blocksAcross + (c >> blockBits)] = 1;
        }
      }
  return found;
}
