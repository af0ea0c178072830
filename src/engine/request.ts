/**
 * What the kernel is asked, in the form both its hosts (the native addon and the wasm module) take: numbers, and
 * typed arrays that are read or written in place.
 */
import { cellSize, periodOf } from '../field/coordinates.ts';
import {
  type BaseNetwork,
  gridCells,
  modulationLength,
  pointCount,
  rateRows,
  tapCount,
  totalChannels,
} from '../field/spec.ts';
import type { ModulationBatch, Points } from './engine.ts';
import { pointsIn } from './points.ts';

/** Order as in `enum Task` of kernel/field.h; evaluate is the hosts' own. */
export const tasks = { gradient: 0, adapt: 1, meta: 2, evaluate: 3, derive: 4 } as const;

export interface KernelRequest {
  readonly task: (typeof tasks)[keyof typeof tasks];
  readonly description: Float64Array;
  readonly count: number;
  /** Points of one signal. */
  readonly points: number;
  /** Floats of one modulation. */
  readonly modulation: number;
  readonly channels: number;
  readonly weightCount: number;
  /** Whether the last axis is a circle. */
  readonly wraps: boolean;
  readonly weights: Float32Array;
  /** Non-zero stops the work between two units. */
  readonly cancelled?: Int32Array | undefined;
  readonly steps?: number | undefined;
  readonly targets?: Float32Array | undefined;
  readonly pointWeights?: Float32Array | undefined;
  readonly rates?: Float32Array | undefined;
  readonly start?: Float32Array | undefined;
  /** Written by adapt past its first row; read by meta. */
  readonly trajectory?: Float32Array | undefined;
  readonly losses?: Float64Array | undefined;
  readonly gradient?: Float32Array | undefined;
  readonly distortionWeight?: number | undefined;
  readonly secondOrder?: number | undefined;
  readonly offset?: Float32Array | undefined;
  readonly extraGradient?: Float32Array | undefined;
  readonly weightGradient?: Float32Array | undefined;
  readonly rateGradient?: Float32Array | undefined;
  readonly evaluatePoints?: number | undefined;
  readonly coordinates?: Float32Array | undefined;
  /** start, step, count, three of each. */
  readonly grid?: Float64Array | undefined;
  readonly values?: Float32Array | undefined;
  readonly slopes?: Float32Array | undefined;
  readonly positions?: Float64Array | undefined;
  readonly values64?: Float64Array | undefined;
  readonly slopes64?: Float64Array | undefined;
}

/** Values [count, points, outputs] of many modulations at points. */
export function evaluateRequest(
  net: BaseNetwork,
  { shape, count, modulations }: ModulationBatch,
  points: Points,
) {
  const n = pointsIn(points, net.spec.axes);
  const values = new Float32Array(count * n * net.spec.outputs);
  const base = requestBase(net, shape, count);
  return {
    task: tasks.evaluate,
    ...base,
    start: modulations,
    evaluatePoints: n,
    values,
    ...placesOf(points),
  };
}

/** Values and derivatives by the coordinates, in float64, of many modulations at positions [n, axes]. */
export function deriveRequest(
  net: BaseNetwork,
  { shape, count, modulations }: ModulationBatch,
  positions: Float64Array,
) {
  const n = positions.length / net.spec.axes;
  const values64 = new Float64Array(count * n * net.spec.outputs);
  const slopes64 = new Float64Array(values64.length * net.spec.axes);
  const base = requestBase(net, shape, count);
  return {
    task: tasks.derive,
    ...base,
    ...{ start: modulations, evaluatePoints: n, positions, values64, slopes64 },
  };
}

/** A list as `coordinates`, a grid as nine numbers. */
export function placesOf(points: Points) {
  if (points.kind === 'list') return { coordinates: points.coordinates };
  const three = (values: readonly number[], rest: number) => [0, 1, 2].map((axis) => values[axis] ?? rest);
  return {
    grid: Float64Array.from([...three(points.start, 0), ...three(points.step, 1), ...three(points.count, 1)]),
  };
}

/** The numbers every request begins with. */
export function requestBase(net: BaseNetwork, shape: readonly number[], count: number) {
  const { spec, weights } = net;
  return {
    description: describe(net, shape),
    count,
    points: pointCount(shape),
    modulation: modulationLength(spec, shape),
    channels: totalChannels(spec),
    weightCount: weights.length,
    weights,
    wraps: spec.wraps ?? false,
  };
}

/**
 * Sixteen numbers and nine a level, as `parse_spec` of kernel/common.cc reads them: axes, outputs, width, layers, w0,
 * global, local, harmonics, levels, shape[3], period[3], rows of rates; then channels, taps, global, cell[3], cells[3]; then,
 * where the last axis is a circle, 1.
 */
export function describe(net: BaseNetwork, shape: readonly number[]): Float64Array {
  const { spec } = net;
  const three = (values: readonly number[]) => [0, 1, 2].map((axis) => values[axis] ?? 1);
  const { global, local, harmonics } = spec.features;
  return Float64Array.from([
    spec.axes,
    spec.outputs,
    spec.width,
    spec.layers,
    spec.w0,
    Number(global),
    Number(local),
    harmonics,
    spec.levels.length,
    ...three(shape),
    ...three(periodOf(spec, shape)),
    rateRows(net),
    ...spec.levels.flatMap((level) => [
      level.channels,
      tapCount(level),
      Number(level.cell === null),
      ...three(shape.map((_, axis) => cellSize(spec, level, shape, axis))),
      ...three(gridCells(level, shape)),
    ]),
    ...(spec.wraps ? [1] : []),
  ]);
}
