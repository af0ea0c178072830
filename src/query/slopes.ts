/** Values of functions and their exact derivatives by the coordinates, in float64: rows of `evaluate`. */
import { setImmediate } from 'node:timers/promises';
import { AbortedError } from '../core/errors.ts';
import { atQuality } from '../field/at-quality.ts';
import { type Network64, network64 } from '../field/field64.ts';
import type { Model } from '../field/model.ts';
import { fromField, type ValueRange } from '../field/outputs.ts';
import { modelOver, outputsOver } from '../field/own-range.ts';
import { modulationLength } from '../field/spec.ts';
import { BandPoints, fieldAt, isBanded } from '../session/band.ts';
import { type OpenFunction, putModulation } from '../session/functions.ts';
import { type SampledSignal, SampleField } from '../session/sample-field.ts';
import { groupsOf, heldValues, type Modulated, runsAlike, together } from './places.ts';
import type { QueryContext, QueryOptions, Row } from './types.ts';

/** Rows in the order of `functions`. Throws AbortedError. */
export async function* slopes(
  { model, engine }: QueryContext,
  functions: readonly OpenFunction[],
  coordinates: readonly (readonly number[])[],
  { signal }: QueryOptions,
): AsyncGenerator<Row> {
  const { spec } = model.card;
  const positions = Float64Array.from(coordinates.flat());
  const perCall = Math.max(1, Math.floor(heldValues / (positions.length * spec.outputs)));
  for (const run of runsAlike(model, functions)) {
    for (const some of groupsOf(run, Math.min(together, perCall))) {
      if (signal?.aborted) throw new AbortedError();
      await setImmediate();
      const plain = some.filter(isModulated);
      if (plain.length < some.length || isBanded(model.card)) {
        for (const fn of some) yield { id: fn.id, ...slopesOfOne(model, fn, coordinates) };
        continue;
      }
      const [{ shape, quality }] = plain as [OpenFunction & Modulated];
      const m = modulationLength(spec, shape);
      const modulations = new Float32Array(plain.length * m);
      for (const [i, fn] of plain.entries()) putModulation(fn, modulations.subarray(i * m, (i + 1) * m));
      const signals = { shape, count: plain.length, modulations };
      const found = await engine.derivatives(atQuality(model, quality).network, signals, positions, {
        signal,
      });
      for (const [i, { id, ranges }] of plain.entries()) {
        const outputs = outputsOver(model.card.outputs, ranges);
        const own = (array: Float64Array) =>
          array.subarray((i * array.length) / plain.length, ((i + 1) * array.length) / plain.length);
        const values = fromField(outputs, own(found.values));
        yield {
          id,
          values: rowsOf(values, outputs.length),
          derivatives: slopeRows(own(found.slopes), outputs, spec.axes),
        };
      }
    }
  }
}

function isModulated(fn: OpenFunction): fn is OpenFunction & Modulated {
  return !('samples' in fn);
}

/** Of a function that is not evaluated by the network at the points: a sound, or samples. */
function slopesOfOne(model: Model, fn: OpenFunction, coordinates: readonly (readonly number[])[]): Row {
  const own = modelOver(model, fn.ranges);
  if (!isModulated(fn)) return slopesOfSamples(own, fn, coordinates);
  return slopesOfBand(own, netAt(model, fn.quality), fn, coordinates);
}

/** A sound is drawn from its samples. */
function slopesOfBand(
  { card: { spec, outputs } }: Model,
  net: Network64,
  { shape, modulation }: Modulated,
  coordinates: readonly (readonly number[])[],
): Row {
  const valuesAt = fieldAt(net, shape, Float64Array.from(modulation));
  const [values, slopes] = (['value', 'slope'] as const).map((asked) => {
    const points = new BandPoints(coordinates.flat(), shape[0]!, asked);
    return points.sumOf(valuesAt, spec.outputs);
  });
  return {
    values: rowsOf(fromField(outputs, values!), spec.outputs),
    derivatives: slopeRows(slopes!, outputs, 1),
  };
}

/** Samples have what lies between them. */
function slopesOfSamples(
  { card }: Model,
  fn: SampledSignal,
  coordinates: readonly (readonly number[])[],
): Row {
  const field = new SampleField(card, fn);
  const { axes, outputs } = card.spec;
  const found = field.values({ kind: 'list', coordinates: Float32Array.from(coordinates.flat()) });
  return {
    values: rowsOf(found, outputs),
    derivatives: coordinates.map((x) => rowsOf(field.slope(x), axes)),
  };
}

/** Rows of `n` numbers of a flat array. Arrays are made at their length: one that grows takes room for 17 numbers. */
export function rowsOf(array: Float32Array | Float64Array, n: number): number[][] {
  const rows = new Array<number[]>(array.length / n);
  for (let r = 0, at = 0; r < rows.length; r++) {
    const row = new Array<number>(n);
    for (let i = 0; i < n; i++) row[i] = array[at++]!;
    rows[r] = row;
  }
  return rows;
}

/** [points][outputs][axes], in the units of the signal. */
function slopeRows(array: Float64Array, outputs: readonly ValueRange[], axes: number): number[][][] {
  const scaled = array.map((d, i) => outputs[Math.floor(i / axes) % outputs.length]!.scale * d);
  const each = outputs.length * axes;
  const points = new Array<number[][]>(array.length / each);
  for (let p = 0; p < points.length; p++) points[p] = rowsOf(scaled.subarray(p * each, (p + 1) * each), axes);
  return points;
}

const nets = new WeakMap<Model, Network64>();

/** The network at a quality in float64; made once each. */
function netAt(model: Model, quality: number): Network64 {
  const own = atQuality(model, quality);
  const net = nets.get(own) ?? network64(own.network);
  nets.set(own, net);
  return net;
}
