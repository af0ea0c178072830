/** The networks and signals that the contract is tested on: one for each thing that could go wrong, and random ones. */
import { preset } from '../../field/presets.ts';
import {
  type BaseNetwork,
  type FieldSpec,
  gridCells,
  type Interpolation,
  pointCount,
  totalChannels,
} from '../../field/spec.ts';
import type { Batch } from '../engine.ts';
import { randomBatch, randomFloats, randomModulations, randomNetwork, uniformFrom } from '../testing.ts';

export interface Case {
  readonly name: string;
  readonly net: BaseNetwork;
  readonly batch: Batch;
  /** [count, m] each. */
  readonly modulations: Float32Array;
  readonly start: Float32Array;
  readonly offset: Float32Array;
  readonly extraGradient: Float32Array;
  /** [40, axes]: anywhere in the signal, and a little outside of it. */
  readonly scattered: Float32Array;
}

/** One case for each preset, number of axes, width and layout that asks for a path of its own. */
export function fixedCases(): Case[] {
  const flat = { global: false, local: false, harmonics: 0 };
  const specs: [string, FieldSpec, number[], number, boolean][] = [
    ['coin, width 33', preset('coin', { axes: 2, outputs: 3, width: 33, layers: 3 }), [9, 7], 2, false],
    [
      'functa, width 64',
      preset('functa', { axes: 2, outputs: 3, width: 64, layers: 3, channels: 48 }),
      [7, 9],
      2,
      false,
    ],
    [
      'functa, 1 axis, width 17',
      preset('functa', { axes: 1, outputs: 1, width: 17, channels: 31 }),
      [67],
      3,
      true,
    ],
    [
      'patch, width 5',
      preset('patch', { axes: 2, outputs: 3, width: 5, channels: 6, cell: 4 }),
      [9, 11],
      2,
      true,
    ],
    [
      'spatial, linear, width 33',
      preset('spatial', { axes: 2, outputs: 4, width: 33, channels: 5 }),
      [10, 13],
      1,
      false,
    ],
    ['spatial, nearest, 3 axes', nearest3(), [4, 5, 6], 2, true],
    ['pyramid, width 64', preset('pyramid', { axes: 2, outputs: 3 }), [9, 11], 2, true],
    ['pyramid, 1 axis', preset('pyramid', { axes: 1, outputs: 2, width: 16 }), [75], 2, false],
    ['pyramid, 3 axes', pyramid3(), [4, 3, 5], 2, true],
    ['waves longer than the finest cell', waves(), [19, 13], 2, true],
    ['cubic', cubic(2), [19, 13], 2, true],
    ['cubic, 1 axis', cubic(1), [75], 2, false],
    ['cubic, 3 axes', cubic(3), [4, 9, 5], 2, true],
    ['a circle, cubic', { ...cubic(2), wraps: true }, [7, 25], 2, true],
    ['a circle, 1 axis', { ...cubic(1), wraps: true }, [33], 2, false],
    ['a circle, 3 axes', { ...pyramid3(), wraps: true }, [4, 3, 7], 2, true],
    ['one unit, one layer', preset('pyramid', { axes: 1, outputs: 1, width: 1, layers: 1 }), [19], 2, false],
    ['one sample', preset('pyramid', { axes: 2, outputs: 3, width: 17 }), [1, 1], 3, false],
    [
      'no coordinate features',
      { ...preset('spatial', { axes: 2, outputs: 2, width: 8 }), features: flat },
      [6, 9],
      2,
      true,
    ],
    [
      'nothing but biases',
      { ...preset('coin', { axes: 1, outputs: 2, width: 6 }), features: flat },
      [9],
      2,
      false,
    ],
  ];
  return specs.map(([name, spec, shape, count, masked], i) =>
    makeCase(name, spec, shape, count, masked, 100 + i),
  );
}

function waves(): FieldSpec {
  const spec = preset('pyramid', { axes: 2, outputs: 3, width: 16 });
  return { ...spec, features: { global: false, local: true, harmonics: 4, period: [16, 9] } };
}

/** Levels of all interpolations. */
function cubic(axes: number): FieldSpec {
  const level = (cell: number, channels: number, interpolation: Interpolation) => ({
    cell: new Array<number>(axes).fill(cell),
    channels,
    interpolation,
  });
  const spec = preset('pyramid', { axes, outputs: 3, width: 16 });
  return {
    ...spec,
    levels: [level(4, 3, 'cubic'), level(3, 2, 'linear'), level(2, 2, 'nearest'), level(1.5, 4, 'cubic')],
  };
}

/** A case that is all chance, the same for the same seed. */
export function randomCase(seed: number): Case {
  const uniform = uniformFrom(seed * 7919 + 1);
  const below = (n: number) => Math.floor(uniform() * n);
  const pick = <T>(items: readonly T[]) => items[below(items.length)]!;
  const axes = 1 + below(3);
  const levels = Array.from({ length: below(4) }, () => ({
    cell: below(4) === 0 ? null : Array.from({ length: axes }, () => pick([1.5, 2, 3, 4, 5.25])),
    channels: pick([1, 2, 3, 7, 16]),
    interpolation: pick(['linear', 'cubic', 'nearest'] as const),
  }));
  const spec: FieldSpec = {
    axes,
    outputs: 1 + below(4),
    width: pick([1, 5, 17, 33, 64]),
    layers: 1 + below(4),
    w0: pick([5, 10, 30]),
    features: { global: below(2) === 0, local: below(3) === 0, harmonics: below(3) },
    levels,
  };
  const shape = Array.from({ length: axes }, () => 1 + below([0, 64, 12, 5][axes]!));
  const name = `seed ${seed}: ${levels.length} levels, width ${spec.width} x ${spec.layers}, ${shape.join(' x ')}`;
  return makeCase(name, spec, shape, 1 + below(3), below(2) === 0, seed);
}

export function makeCase(
  name: string,
  spec: FieldSpec,
  shape: readonly number[],
  count: number,
  masked: boolean,
  seed: number,
): Case {
  const uniform = uniformFrom(seed);
  const net = randomNetwork(spec, calmRate(spec, shape), uniform, 1 + (seed % 2));
  return {
    name,
    net,
    batch: randomBatch(spec, shape, count, masked, uniform),
    modulations: randomModulations(spec, shape, count, 0.5, uniform),
    start: randomModulations(spec, shape, count, 0.2, uniform),
    offset: randomModulations(spec, shape, count, 0.1, uniform),
    extraGradient: randomModulations(spec, shape, count, 0.5, uniform),
    scattered: randomFloats(40 * spec.axes, 0.55, uniform).map((v, i) => (v + 0.5) * shape[i % spec.axes]!),
  };
}

/**
 * A rate of the order of the inverse Gauss-Newton diagonal of fresh weights, so that inner steps converge and
 * rounding is not amplified: a channel of a cell moves each output it reaches by about 0.06 layers / channels in square.
 */
function calmRate(spec: FieldSpec, shape: readonly number[]): number {
  if (spec.levels.length === 0) return 0;
  const cells = Math.max(...spec.levels.map((level) => pointCount(gridCells(level, shape))));
  const share = (0.06 * spec.layers * spec.outputs * pointCount(shape)) / (cells * totalChannels(spec));
  return 0.25 / (spec.levels.length * Math.max(share, 0.02));
}

function nearest3(): FieldSpec {
  return preset('spatial', {
    axes: 3,
    outputs: 1,
    width: 17,
    channels: 3,
    cell: [2, 3, 2],
    interpolation: 'nearest',
  });
}

function pyramid3(): FieldSpec {
  const levels = [
    { cell: null, channels: 5 },
    { cell: 3, channels: 4 },
    { cell: [1, 2, 2.5], channels: 3 },
  ];
  return preset('pyramid', { axes: 3, outputs: 2, width: 12, levels });
}
