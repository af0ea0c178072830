/** Wrong arguments get a tagged error that says where, and leave the engine as it was. */
import { afterAll, describe, expect, it } from 'vitest';
import { FunctaError } from '../../core/errors.ts';
import { coveringGrid, gridPositions } from '../../field/coordinates.ts';
import { fieldLimits } from '../../field/limits.ts';
import {
  type BaseNetwork,
  type FieldSpec,
  modulationLength,
  totalChannels,
  weightLayout,
} from '../../field/spec.ts';
import type { Subject } from '../contract.ts';
import type { Adapted, Batch, Engine, ModulationBatch } from '../engine.ts';
import { openReference } from '../reference/reference.ts';
import { fixedCases } from './cases.ts';
import { valueError } from './measure.ts';

type Call = (engine: Engine) => Promise<unknown>;

export function describeFaults(subject: Subject): void {
  const c = fixedCases()[3]!;
  const { net, batch } = c;
  const { shape } = batch;
  const grid = coveringGrid(shape);
  const m = c.modulations.length / batch.count;
  const phi = c.modulations.slice(0, m);
  const evaluate =
    (
      n: BaseNetwork,
      p: Float32Array = phi,
      points: Parameters<Engine['evaluate']>[3] = grid,
      s: readonly number[] = shape,
    ): Call =>
    (engine) =>
      engine.evaluate(n, s, p, points);
  const many =
    (change: Partial<ModulationBatch>): Call =>
    (engine) => {
      const signals = { shape, count: batch.count, modulations: c.modulations, ...change };
      return engine.evaluateMany(net, signals, grid);
    };
  const slopes =
    (change: Partial<ModulationBatch>): Call =>
    (engine) => {
      const signals = { shape, count: batch.count, modulations: c.modulations, ...change };
      return engine.slopes(net, signals, grid);
    };
  const derivatives =
    (positions: Float64Array, change: Partial<ModulationBatch> = {}): Call =>
    (engine) => {
      const signals = { shape, count: batch.count, modulations: c.modulations, ...change };
      return engine.derivatives(net, signals, positions);
    };
  const gradient =
    (b: Batch, at: Float32Array = c.modulations): Call =>
    (engine) =>
      engine.gradient(net, b, at);
  const meta =
    (change: Partial<Adapted>, outer = {}): Call =>
    async (engine) => {
      const adapted = await engine.adapt(net, batch, 1);
      return engine.metaGradient(net, batch, { ...adapted, ...change }, { distortionWeight: 1, ...outer });
    };
  const wide = { ...net, spec: { ...net.spec, width: net.spec.width + 1 } };

  describe('names the fault', () => {
    const faults: [string, Call, string, string][] = [
      ['a wrong width', evaluate(wide), 'bad-length', 'weights has'],
      ...aboveLimits().map(([what, spec, member]): [string, Call, string, string] => [
        `a field of ${what}`,
        evaluate(networkOf(spec), new Float32Array(modulationLength(spec, shape))),
        'bad-spec',
        member,
      ]),
      ['a width of 0', evaluate({ ...net, spec: { ...net.spec, width: 0 } }), 'bad-spec', 'width'],
      [
        'NaN in weights',
        evaluate({ ...net, weights: planted(net.weights, 7, Number.NaN) }),
        'not-finite',
        'weights[7] is NaN',
      ],
      [
        'infinite rates',
        evaluate({ ...net, rates: planted(net.rates, 2, Infinity) }),
        'not-finite',
        'rates[2] is Infinity',
      ],
      [
        'NaN in a modulation',
        evaluate(net, planted(phi, 3, Number.NaN)),
        'not-finite',
        'modulation[3] is NaN',
      ],
      [
        'NaN in one of many modulations',
        many({ modulations: planted(c.modulations, m + 2, Number.NaN) }),
        'not-finite',
        'signal 1, entry 2',
      ],
      [
        'NaN in one of the modulations whose slopes are asked for',
        slopes({ modulations: planted(c.modulations, m + 2, Number.NaN) }),
        'not-finite',
        'signal 1, entry 2',
      ],
      [
        'slopes at an infinite last number of a modulation',
        slopes({ modulations: planted(c.modulations, c.modulations.length - 1, Infinity) }),
        'not-finite',
        `entry ${m - 1}`,
      ],
      [
        'derivatives of one modulation that is not finite',
        derivatives(gridPositions(grid), { modulations: planted(c.modulations, m + 2, Number.NaN) }),
        'not-finite',
        'signal 1, entry 2',
      ],
      ['derivatives at NaN', derivatives(Float64Array.of(1, Number.NaN)), 'not-finite', 'axis 1'],
      [
        'derivatives at coordinates in float32',
        derivatives(new Float32Array(2) as never),
        'bad-type',
        'Float64Array',
      ],
      ['derivatives nowhere', derivatives(new Float64Array(0)), 'empty-points', 'no points'],
      ['derivatives of half a point', derivatives(new Float64Array(3)), 'bad-points', '3 numbers'],
      ['slopes of a wrong count', slopes({ count: 3 }), 'bad-length', 'modulations has'],
      ['modulations of another count', many({ count: 3 }), 'bad-length', 'modulations has'],
      ['many modulations, but none', many({ count: 0 }), 'bad-count', 'count'],
      ['a short modulation', evaluate(net, phi.slice(1)), 'bad-length', 'modulation has'],
      ['a zero-length signal', evaluate(net, phi, grid, [9, 0]), 'empty-signal', 'shape[1]'],
      ['a signal of half samples', evaluate(net, phi, grid, [9, 1.5]), 'bad-shape', 'shape[1]'],
      ['a signal of other axes', evaluate(net, phi, grid, [9]), 'bad-shape', '1 axes'],
      ['no points', evaluate(net, phi, { ...grid, count: [3, 0] }), 'empty-points', 'no points'],
      [
        'an empty list',
        evaluate(net, phi, { kind: 'list', coordinates: new Float32Array(0) }),
        'empty-points',
        'no points',
      ],
      [
        'half a point',
        evaluate(net, phi, { kind: 'list', coordinates: new Float32Array(3) }),
        'bad-points',
        '3 numbers',
      ],
      [
        'NaN coordinates',
        evaluate(net, phi, { kind: 'list', coordinates: new Float32Array([1, Number.NaN]) }),
        'not-finite',
        'axis 1',
      ],
      [
        'a grid that steps by NaN',
        evaluate(net, phi, { ...grid, step: [1, Number.NaN] }),
        'not-finite',
        'step[1]',
      ],
      [
        'more points than an array holds',
        evaluate(net, phi, { ...grid, count: [2 ** 20, 2 ** 20] }),
        'limit-engine-points',
        'regions',
      ],
      [
        'NaN in targets',
        gradient({ ...batch, targets: planted(batch.targets, 299, Number.NaN) }),
        'not-finite',
        'signal 1, point 0, output 2',
      ],
      [
        'infinite targets',
        gradient({ ...batch, targets: planted(batch.targets, 4, -Infinity) }),
        'not-finite',
        'signal 0, point 1, output 1',
      ],
      ['targets of another count', gradient({ ...batch, count: 3 }), 'bad-length', 'targets has'],
      ['a count of 0', gradient({ ...batch, count: 0 }), 'bad-count', 'count'],
      [
        'NaN as the weight of a point',
        gradient({ ...batch, weights: planted(batch.weights!, 99, Number.NaN) }),
        'not-finite',
        'signal 1, point 0',
      ],
      [
        'negative weights',
        gradient({ ...batch, weights: planted(batch.weights!, 2, -1) }),
        'negative-weight',
        'point 2',
      ],
      [
        'NaN in modulations',
        gradient(batch, planted(c.modulations, m + 1, Number.NaN)),
        'not-finite',
        'signal 1, entry 1',
      ],
      [
        'a detached buffer',
        gradient({ ...batch, targets: detached(batch.targets) }),
        'detached-buffer',
        'targets',
      ],
      ['a detached modulation', evaluate(net, detached(phi)), 'detached-buffer', 'modulation'],
      [
        'detached weights',
        evaluate({ ...net, weights: detached(net.weights) }),
        'detached-buffer',
        'weights',
      ],
      ['a negative number of steps', (e) => e.adapt(net, batch, -1), 'bad-steps', '-1'],
      ['half a step', (e) => e.adapt(net, batch, 0.5), 'bad-steps', '0.5'],
      ['a short start', (e) => e.adapt(net, batch, 1, { start: phi }), 'bad-length', 'start has'],
      [
        'a trajectory of other steps',
        meta({ losses: new Float64Array(3 * batch.count) }),
        'bad-length',
        'trajectory has',
      ],
      ['losses of no whole step', meta({ losses: new Float64Array(3) }), 'bad-length', 'losses'],
      ['a short offset', meta({}, { offset: phi }), 'bad-length', 'offset has'],
      [
        'NaN in an extra gradient',
        meta({}, { extraGradient: planted(c.offset, 5, Number.NaN) }),
        'not-finite',
        'extraGradient[5]',
      ],
      [
        'an infinite weight of distortion',
        meta({}, { distortionWeight: Infinity }),
        'not-finite',
        'distortionWeight',
      ],
    ];

    it.each(faults)('%s', async (_, call, code, words) => {
      const error = await call(subject.engine()).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(FunctaError);
      const fault = error as FunctaError;
      expect([fault.code, fault.message]).toEqual([code, expect.stringContaining(words)]);
      expect(fault.message).not.toContain('\n');
    });

    afterAll(async () => {
      const want = await (await openReference()).evaluate(net, shape, phi, grid);
      const got = await subject.engine().evaluate(net, shape, phi, grid);
      if (!(valueError(got, want) < subject.tolerances.values))
        throw new Error('the engine was not itself after faults');
    });
  });
}

function planted(array: Float32Array, at: number, value: number): Float32Array {
  const copy = array.slice();
  copy[at] = value;
  return copy;
}

function detached(array: Float32Array): Float32Array {
  const copy = array.slice();
  const buffer = copy.buffer as ArrayBuffer;
  structuredClone(buffer, { transfer: [buffer] });
  return copy;
}

/** Fields one above each limit, whole otherwise: weights and rates are as long as the specification asks for. */
function aboveLimits(): [string, FieldSpec, string][] {
  const { spec } = fixedCases()[3]!.net;
  const level = spec.levels[0]!;
  const many = (n: number) => Array.from({ length: n }, () => ({ ...level, channels: 1 }));
  const harmonics = fieldLimits.harmonics + 1;
  return [
    ['9 levels', { ...spec, levels: many(fieldLimits.levels + 1) }, 'number of levels'],
    ['17 layers', { ...spec, layers: fieldLimits.layers + 1 }, 'layers'],
    ['65 harmonics', { ...spec, features: { ...spec.features, harmonics } }, 'harmonics'],
    ['4,097 outputs', { ...spec, outputs: fieldLimits.outputs + 1, levels: [] }, 'outputs'],
    ['4,097 units', { ...spec, layers: 1, width: fieldLimits.width + 1, levels: [] }, 'width'],
    [
      '16,385 channels',
      { ...spec, layers: 1, levels: [{ ...level, channels: fieldLimits.channels }, ...many(1)] },
      'number of channels',
    ],
    ['4 axes', { ...spec, axes: fieldLimits.axes + 1, levels: [] }, 'axes'],
  ];
}

function networkOf(spec: FieldSpec): BaseNetwork {
  const weights = new Float32Array(weightLayout(spec).length);
  return { spec, weights, rates: new Float32Array(totalChannels(spec)) };
}
