/**
 * The checks that `checkedEngine` makes before an engine starts: lengths, finiteness, detached buffers, empty signals. All throw
 * BadInputError naming the argument and, for a value, its place; a call that fails here has changed nothing.
 */
import { AbortedError, BadInputError, ConflictError, LimitError } from '../core/errors.ts';
import { checkSpec } from '../field/check.ts';
import type { BaseNetwork } from '../field/spec.ts';
import {
  type FieldSpec,
  modulationLength,
  pointCount,
  rateRows,
  ratesLength,
  weightLayout,
} from '../field/spec.ts';
import type { Adapted, Batch, CallOptions, OuterLoss, Points } from './engine.ts';

/** Largest array a call may ask for or bring, in floats, and most inner steps: MAX_NUMBERS and MAX_STEPS of kernel/field.h. */
export const engineLimits = { floats: 2 ** 31 - 1, steps: 2 ** 20 } as const;

/** Throws ConflictError `engine-closed`, or AbortedError when the caller has already asked to stop. */
export function checkCall(closed: boolean, options: CallOptions | undefined): void {
  if (closed) throw new ConflictError('engine-closed', 'this engine was closed; open another');
  checkAbort(options);
}

export function checkAbort(options: CallOptions | undefined): void {
  if (options?.signal?.aborted) throw new AbortedError();
}

/** Codes `bad-spec`, `bad-length`, `not-finite`, `detached-buffer`. */
export function checkNetwork(net: BaseNetwork): void {
  checkSpec(net.spec);
  checkArray('weights', net.weights, weightLayout(net.spec).length);
  checkArray('rates', net.rates, ratesLength(net.spec, net.rates.length));
  checkSteps(rateRows(net), 'rows of rates');
}

/** Codes `bad-shape`, `empty-signal`; LimitError where points or modulation exceed what one array holds. */
export function checkShape(spec: FieldSpec, shape: readonly number[]): void {
  if (shape.length !== spec.axes) {
    throw new BadInputError('bad-shape', `shape has ${shape.length} axes, the field has ${spec.axes}`);
  }
  shape.forEach((n, axis) => {
    if (n === 0)
      throw new BadInputError('empty-signal', `shape[${axis}] is 0: a signal has at least one sample`);
    if (!Number.isInteger(n) || n < 0) {
      throw new BadInputError('bad-shape', `shape[${axis}] must be a whole number of samples, not ${n}`);
    }
  });
  checkSize('points', pointCount(shape) * spec.outputs);
  checkSize('modulation', modulationLength(spec, shape));
}

/** The network, the shape, and targets and weights of a batch. Codes as above, `bad-count`, `negative-weight`. */
export function checkBatch(net: BaseNetwork, batch: Batch): void {
  checkNetwork(net);
  checkShape(net.spec, batch.shape);
  checkCount(batch.count);
  const points = pointCount(batch.shape);
  const { outputs } = net.spec;
  checkSize('batch', batch.count * points * outputs);
  checkArray('targets', batch.targets, batch.count * points * outputs, (i) => {
    const point = Math.floor(i / outputs);
    const where = `signal ${Math.floor(point / points)}, point ${point % points}, output ${i % outputs}`;
    return `${where}; to leave a point out give it weight 0 and any finite target`;
  });
  if (!batch.weights) return;
  const place = (i: number) => `signal ${Math.floor(i / points)}, point ${i % points}`;
  checkArray('weights of points', batch.weights, batch.count * points, place);
  const negative = batch.weights.findIndex((w) => w < 0);
  if (negative >= 0) {
    throw new BadInputError(
      'negative-weight',
      `weights of points[${negative}] is negative (${place(negative)})`,
    );
  }
}

/** Modulations [count, m] of signals of `shape`, under the name the caller knows them by: all but their finiteness. Code `bad-count`. */
export function checkModulationLength(
  name: string,
  spec: FieldSpec,
  shape: readonly number[],
  count: number,
  modulations: Float32Array,
): void {
  checkCount(count);
  checkSize('modulations', count * modulationLength(spec, shape));
  checkLength(name, modulations, count * modulationLength(spec, shape));
}

/** The same, and that they are finite. */
export function checkModulations(
  name: string,
  spec: FieldSpec,
  shape: readonly number[],
  count: number,
  modulations: Float32Array,
): void {
  const m = modulationLength(spec, shape);
  checkArray(name, modulations, count * m, (i) => `signal ${Math.floor(i / m)}, entry ${i % m}`);
}

/** Number of points, after checking them; their values are asked for `signals` times. Codes `bad-points`, `empty-points`, `not-finite`, `detached-buffer`. */
export function checkPoints(spec: FieldSpec, points: Points, signals = 1): number {
  const { axes } = spec;
  return checkPointCount(
    points.kind === 'grid' ? checkGrid(axes, points) : checkList(axes, points.coordinates),
    signals * spec.outputs,
  );
}

/** The same of positions [n, axes], `each` numbers of which are asked for at every point. */
export function checkPositions(spec: FieldSpec, positions: Float64Array, each: number): number {
  return checkPointCount(checkList(spec.axes, positions, Float64Array), each);
}

function checkPointCount(n: number, each: number): number {
  if (n === 0) throw new BadInputError('empty-points', 'no points to evaluate: ask for at least one');
  checkSize('points', n * each);
  return n;
}

/** Code `bad-steps`; `name`: what is counted. */
function checkSteps(steps: number, name = 'steps'): void {
  if (!Number.isInteger(steps) || steps < 0 || steps > engineLimits.steps) {
    throw new BadInputError(
      'bad-steps',
      `${name} must be a whole number from 0 to ${engineLimits.steps}, not ${steps}`,
    );
  }
}

/** LimitError where the trajectory of so many steps, or its losses, is more than one array holds. */
export function checkTrajectory(net: BaseNetwork, batch: Batch, steps: number): void {
  checkSteps(steps);
  const each = Math.max(1, modulationLength(net.spec, batch.shape));
  checkSize('trajectory', (steps + 1) * batch.count * each);
}

/** Number of inner steps of `adapted`, after checking that it and `outer` belong to the batch. */
export function checkOuter(net: BaseNetwork, batch: Batch, adapted: Adapted, outer: OuterLoss): number {
  const m = modulationLength(net.spec, batch.shape);
  const steps = batch.count > 0 ? adapted.losses.length / batch.count : 0;
  if (!Number.isInteger(steps)) {
    throw new BadInputError(
      'bad-length',
      `losses: ${adapted.losses.length} entries for ${batch.count} signals`,
    );
  }
  checkTrajectory(net, batch, steps);
  checkModulations('trajectory', net.spec, batch.shape, (steps + 1) * batch.count, adapted.trajectory);
  if (!Number.isFinite(outer.distortionWeight)) {
    throw new BadInputError('not-finite', `distortionWeight is ${outer.distortionWeight}`);
  }
  for (const name of ['offset', 'extraGradient'] as const) {
    const array = outer[name];
    if (array) checkArray(name, array, batch.count * m, (i) => `signal ${Math.floor(i / m)}, entry ${i % m}`);
  }
  return steps;
}

function checkGrid(axes: number, grid: Extract<Points, { kind: 'grid' }>): number {
  for (const member of ['start', 'step', 'count'] as const) {
    if (grid[member].length !== axes) {
      throw new BadInputError(
        'bad-points',
        `${member} has ${grid[member].length} entries, the field has ${axes} axes`,
      );
    }
  }
  for (let axis = 0; axis < axes; axis++) {
    for (const member of ['start', 'step'] as const) {
      const value = grid[member][axis]!;
      if (!Number.isFinite(value)) throw new BadInputError('not-finite', `${member}[${axis}] is ${value}`);
    }
    const n = grid.count[axis]!;
    if (!Number.isInteger(n) || n < 0) {
      throw new BadInputError('bad-points', `count[${axis}] must be a whole number of points, not ${n}`);
    }
  }
  return pointCount(grid.count);
}

function checkList(axes: number, coordinates: Floats, kind: FloatsKind = Float32Array): number {
  if (coordinates.length % axes !== 0) {
    throw new BadInputError(
      'bad-points',
      `coordinates: ${coordinates.length} numbers are not points of ${axes} axes`,
    );
  }
  checkArray(
    'coordinates',
    coordinates,
    coordinates.length,
    (i) => `point ${Math.floor(i / axes)}, axis ${i % axes}`,
    kind,
  );
  return coordinates.length / axes;
}

function checkCount(count: number): void {
  if (!Number.isInteger(count) || count < 1) {
    throw new BadInputError('bad-count', `count must be a whole number of at least 1, not ${count}`);
  }
}

/** x * 0 is 0 where x is finite, else NaN: four sums take half the time of a branch a number, which all threads wait for. */
export function allFinite(array: Floats): boolean {
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = array.length - (array.length % 4);
  for (let i = 0; i < whole; i += 4) {
    a += array[i]! * 0;
    b += array[i + 1]! * 0;
    c += array[i + 2]! * 0;
    d += array[i + 3]! * 0;
  }
  for (let i = whole; i < array.length; i++) a += array[i]! * 0;
  return a + b + c + d === 0;
}

type Floats = Float32Array | Float64Array;

function checkArray(
  name: string,
  array: Floats,
  length: number,
  place?: (index: number) => string,
  kind: FloatsKind = Float32Array,
): void {
  checkLength(name, array, length, kind);
  if (allFinite(array)) return;
  const i = array.findIndex((value) => !Number.isFinite(value));
  const where = place ? ` (${place(i)})` : '';
  throw new BadInputError('not-finite', `${name}[${i}] is ${array[i]}${where}`);
}

type FloatsKind = typeof Float32Array | typeof Float64Array;

function checkLength(name: string, array: Floats, length: number, kind: FloatsKind = Float32Array): void {
  if (!(array instanceof kind)) throw new BadInputError('bad-type', `${name} must be a ${kind.name}`);
  if (isDetached(array)) {
    throw new BadInputError('detached-buffer', `${name}: its buffer was transferred elsewhere; pass a copy`);
  }
  if (array.length !== length) {
    throw new BadInputError(
      'bad-length',
      `${name} has ${array.length} entries, the specification asks for ${length}`,
    );
  }
}

function checkSize(what: string, floats: number): void {
  if (floats > engineLimits.floats)
    throw new LimitError(`engine-${what}`, engineLimits.floats, floats, 'work on regions, one at a time');
}

function isDetached(array: Floats): boolean {
  if (array.length > 0) return false;
  try {
    new Uint8Array(array.buffer);
    return false;
  } catch {
    return true;
  }
}
