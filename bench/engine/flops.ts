/**
 * Floating-point operations that the kernel executes, from the specification alone; a multiply-add is two.
 *
 * Counted, for every pass of src/engine/kernel (tile.h, field.cc, evaluate.h), a forward pass that is done again included:
 * the matrix products of the first layer, the hidden layers and the output; interpolation and its adjoint, two a corner,
 * column and point; the products of the grids with M, with its transpose, and of both for the gradient of M. Columns are
 * those of the field (layers * width + outputs), whatever a vector length pads them to.
 *
 * Not counted: sines and cosines, the elementwise lines of the backward pass, sums over points for biases and rates, the
 * loss, copies and checks of arguments. So a share of the peak is a lower bound of how busy the multipliers are.
 */
import { axisTaps } from '../../src/field/coordinates.ts';
import {
  type FieldSpec,
  featureCount,
  type GridLevel,
  gridCells,
  modulationLength,
  pointCount,
  tapCount,
} from '../../src/field/spec.ts';

/** Of `count` signals: `steps` inner steps, then the exact gradient of the outer loss through them. */
export function metaStepFlops(
  spec: FieldSpec,
  shape: readonly number[],
  count: number,
  steps: number,
): number {
  const points = pointCount(shape);
  const map = mapFlops(spec, shape);
  // The outer loss: values, their adjoint, weights; the grids mapped, pulled back, and times their adjoint.
  const outer = points * (forward(spec, 1) + backward(spec, 1) + weights(spec, 1)) + 3 * map;
  // Values and tangents together: two of each product, but the features of the first layer have no tangent.
  const tangent = points * (forward(spec, 2) + backward(spec, 2) + weights(spec, 2)) + 6 * map;
  return adaptFlops(spec, shape, count, steps) + count * (outer + steps * tangent);
}

/** `steps` inner steps of `count` signals. */
export function adaptFlops(spec: FieldSpec, shape: readonly number[], count: number, steps: number): number {
  const pass = pointCount(shape) * (forward(spec, 1) + backward(spec, 1)) + 2 * mapFlops(spec, shape);
  return count * steps * pass;
}

/**
 * Evaluating a signal of `shape` on a grid of `size` that covers it, `rows` rows of the first axis a call. The kernel
 * interpolates along all axes but the last once a line, then along the last: two corners a point. The first layer's product
 * with features is done once a line for the other axes, once a column and call for the last. A call maps the rows of cells
 * that it touches; what the boxes of evaluate.h map twice, at their borders, is not counted.
 */
export function decodeFlops(
  spec: FieldSpec,
  shape: readonly number[],
  size: readonly number[],
  rows: number,
): number {
  const columns = shiftColumns(spec);
  const points = pointCount(size);
  const lines = points / size.at(-1)!;
  const step = shape[0]! / size[0]!;
  const ends = sumOver(spatial(spec), tapCount);
  const firstLayer = 2 * (featureCount(spec) / spec.axes) * spec.width;
  let flops = points * (hiddenOf(spec) + 2 * ends * columns) + lines * (spec.axes - 1) * firstLayer;
  if (spec.axes > 1) {
    flops += sumOver(spatial(spec), (level) => {
      const leading = tapCount(level) ** (spec.axes - 1);
      return lines * gridCells(level, shape).at(-1)! * leading * 2 * columns;
    });
  }
  for (let first = 0; first < size[0]!; first += rows) {
    flops += size.at(-1)! * firstLayer;
    const last = Math.min(size[0]!, first + rows) - 1;
    flops += sumOver(spec.levels, (level) => {
      const [, ...others] = gridCells(level, shape);
      const from = axisTaps({}, level, shape, 0, (first + 0.5) * step)[0]!.cell;
      const to = axisTaps({}, level, shape, 0, (last + 0.5) * step).at(-1)!.cell;
      return (to + 1 - from) * pointCount(others) * level.channels * 2 * columns;
    });
  }
  return flops;
}

/** One row of values a point, or (`rows` = 2) values and tangents. */
function forward(spec: FieldSpec, rows: 1 | 2): number {
  return layersOf(spec, rows) + rows * interpolation(spec);
}

/** To the shifts of every layer: no product reaches the features. */
function backward(spec: FieldSpec, rows: 1 | 2): number {
  const { width, layers, outputs } = spec;
  return rows * (2 * (layers - 1) * width ** 2 + 2 * width * outputs + interpolation(spec));
}

function weights(spec: FieldSpec, rows: 1 | 2): number {
  return layersOf(spec, rows);
}

function layersOf(spec: FieldSpec, rows: 1 | 2): number {
  return 2 * featureCount(spec) * spec.width + rows * hiddenOf(spec);
}

/** Of one row: the layers past the first, and the output. */
function hiddenOf({ width, layers, outputs }: FieldSpec): number {
  return 2 * ((layers - 1) * width ** 2 + width * outputs);
}

/** Of one row, one way. */
function interpolation(spec: FieldSpec): number {
  const corners = sumOver(spatial(spec), (level) => tapCount(level) ** spec.axes);
  return 2 * corners * shiftColumns(spec);
}

/** All grids of one signal times M, or the same sizes the other way round. */
function mapFlops(spec: FieldSpec, shape: readonly number[]): number {
  return 2 * modulationLength(spec, shape) * shiftColumns(spec);
}

function shiftColumns(spec: FieldSpec): number {
  return spec.layers * spec.width + spec.outputs;
}

function spatial(spec: FieldSpec): GridLevel[] {
  return spec.levels.filter(({ cell }) => cell !== null);
}

function sumOver(levels: readonly GridLevel[], of: (level: GridLevel) => number): number {
  return levels.reduce((sum, level) => sum + of(level), 0);
}
