/** Functions whose files hold samples (ADR 21): what is asked of them is asked of what they decode to (ADR 39). */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addCombine } from '../src/cli/commands/combine.ts';
import { addQuery } from '../src/cli/commands/query.ts';
import { Rng } from '../src/core/rng.ts';
import { type Engine, openEngine } from '../src/engine/index.ts';
import { createFunctaset, type OpenFunctaset } from '../src/library/index.ts';
import type { Func, Session } from '../src/session/index.ts';
import type { Signal } from '../src/signal/index.ts';
import { printed } from './cli/in-process.ts';
import { kinds, modelOfKind, pathOfKind } from './kinds.ts';

let engine: Engine;
let directory: string;
beforeAll(async () => {
  engine = await openEngine(undefined, { threads: 1 });
  directory = mkdtempSync(join(tmpdir(), 'functa-samples-'));
});
afterAll(async () => {
  await engine.close();
  rmSync(directory, { recursive: true });
});

describe.each(['picture', 'sound'] as const)('a %s of samples', (name) => {
  const kind = kinds[name];
  const [output] = kind.outputs as [(typeof kind.outputs)[number]];
  const channels = kind.outputs.length;
  const axes = kind.shape.length;
  const noise = noiseOf('noise', kind.shape);
  const tiny = noiseOf(
    'tiny',
    kind.shape.map((_, axis) => 3 - axis),
  );
  let set: OpenFunctaset;
  let session: Session;
  const functions = new Map<string, Func>();

  /** Values that no network says, on the samples of the kind. */
  function noiseOf(id: string, shape: readonly number[]): Signal {
    const rng = new Rng(7 + shape.length);
    const levels = output.sample === 'uint8' ? 255 : 2 ** 16;
    const points = shape.reduce((product, n) => product * n, 1);
    const values = Float32Array.from(
      { length: points * channels },
      () => output.low + (output.peak * Math.floor(levels * rng.uniform())) / levels,
    );
    return { id, shape, channels, values };
  }

  /** The index of a sample, and where it stands. */
  const sampleAt = (shape: readonly number[], at: readonly number[]) => ({
    index: at.reduce((sum, x, axis) => sum * shape[axis]! + x, 0),
    point: at.map((x) => x + 0.5),
  });

  beforeAll(async () => {
    set = await createFunctaset(join(directory, name), { model: modelOfKind(name), engine });
    session = set.session;
    await set.add(
      [0, 1, 2, 3, 4, 5].map((i) => kind.signal(i)),
      { quality: 60 },
    );
    for (const signal of [noise, tiny]) {
      const { bytes, prior } = await session.encode(signal, { quality: 100 });
      expect(prior).toBe('samples');
      await set.put({ id: signal.id, label: 'exact', bytes });
      functions.set(signal.id, await session.open(bytes));
    }
  });
  afterAll(() => set.close());

  it('has its samples where they stand, and decodes, whatever the size, to what it is in between, a sound at a lower rate to the low-pass of that', async () => {
    for (const signal of [noise, tiny]) {
      const fn = functions.get(signal.id)!;
      expect(fn).toMatchObject({ kind: 'samples', quality: 100 });
      expect((await fn.decode({ raw: true })).values).toEqual(signal.values);
      const { point } = sampleAt(
        signal.shape,
        signal.shape.map((n) => n - 1),
      );
      expect(await fn.evaluate(point)).toEqual(signal.values.slice(-channels));
      for (const factor of [4, 0.7, 0.3]) {
        const drawn = await fn.decode({ size: `${factor}x`, raw: true });
        const places = grid(drawn.shape).flatMap((at) =>
          at.map((x, axis) => ((x + 0.5) * signal.shape[axis]!) / drawn.shape[axis]!),
        );
        const isLower = name === 'sound' && factor < 1;
        const want = isLower ? lowPassed(signal.values, drawn.values.length) : await fn.evaluate(places);
        near(want, drawn.values, 1e-5);
      }
    }
  });

  it('has the derivatives of that', async () => {
    const step = 1e-3;
    for (const signal of [noise, tiny]) {
      const fn = functions.get(signal.id)!;
      const points = [0.2, 0.37, 0.61, 0.98].map((share) =>
        signal.shape.map((n, axis) => Math.fround((share ** (axis + 1) * n) % n)),
      );
      const slopes = await fn.derivative(points.flat());
      for (const [p, x] of points.entries())
        for (let axis = 0; axis < axes; axis++) {
          const moved = (by: number) => x.map((v, a) => (a === axis ? v + by : v));
          const [high, low] = [await fn.evaluate(moved(step)), await fn.evaluate(moved(-step))];
          for (let c = 0; c < channels; c++)
            expect((high[c]! - low[c]!) / (2 * step)).toBeCloseTo(
              slopes[(p * channels + c) * axes + axis]!,
              2,
            );
        }
    }
  });

  it('has no modulation, and says where one of its plain fit is to be had, which is not itself', async () => {
    const fn = functions.get('noise')!;
    expect(() => fn.modulation).toThrow(expect.objectContaining({ code: 'own-samples' }));
    const fitted = await fn.fitted();
    expect(fitted).toMatchObject({ kind: 'modulation', quality: 50, id: fn.id });
    const point = sampleAt(
      noise.shape,
      noise.shape.map(() => 1),
    ).point;
    expect(await fitted.evaluate(point)).not.toEqual(await fn.evaluate(point));
    expect(await fitted.fitted()).toBe(fitted);
  });

  it('is evaluated by queries as by itself, with its derivatives', async () => {
    const fn = functions.get('noise')!;
    const coordinates = [
      noise.shape.map((n) => n / 2 + 0.5),
      noise.shape.map((n) => Math.fround(n / 3 + 0.11)),
    ];
    const query = { kind: 'evaluate' as const, coordinates, filter: { ids: ['noise'] } };
    const { items } = await set.query({ ...query, derivatives: true });
    const [{ values, derivatives }] = items as unknown as [{ values: number[][]; derivatives: number[][][] }];
    near(values.flat(), await fn.evaluate(coordinates.flat()), 1e-6);
    near(derivatives.flat(2), await fn.derivative(coordinates.flat()), 1e-5);
    const plain = await set.query(query);
    near((plain.items[0] as { values: number[][] }).values.flat(), values.flat(), 1e-6);
  });

  it('is found and summed up by the values of its samples', async () => {
    const all = Float64Array.from(noise.values);
    const mean = all.reduce((sum, v) => sum + v, 0) / all.length;
    const deviation = Math.sqrt(all.reduce((sum, v) => sum + (v - mean) ** 2, 0) / all.length);
    const where = async (above: number) => {
      const field = [{ statistic: 'deviation' as const, above }];
      return (await set.query({ kind: 'where', filter: { ids: ['noise'], field } })).items.length;
    };
    expect([await where(0.999 * deviation), await where(1.001 * deviation)]).toEqual([1, 0]);
    const { items } = await set.query({ kind: 'aggregate', filter: { ids: ['noise'] } });
    const statistic = items.find((item) => item.statistic === 'mean') as { values: number[] } | undefined;
    near(statistic!.values, noise.values, 1e-6);
  });

  it('is what is nearest to its own signal, at no distance, and apart from others as signals are', async () => {
    for (const query of [noise, 'noise'] as const) {
      const found = await set.near(query, { k: 8 });
      if (query === noise) expect(found[0]).toMatchObject({ id: 'noise' });
      if (query === noise) expect(found[0]!.distance).toBeLessThan(1e-6 * output.peak);
      const other = found.find(({ id }) => id.endsWith('-3'))!;
      const decoded = await (await set.get(other.id)).decode({ raw: true });
      const square = decoded.values.reduce((sum, v, i) => sum + (v - noise.values[i]!) ** 2, 0);
      expect(other.distance).toBeCloseTo(Math.sqrt(square / decoded.values.length), 5);
    }
    const [part] = await set.near(noise, { k: 1, region: noise.shape.length === 2 ? 'y=2:9' : 't=20:90' });
    expect(part!.distance).toBeLessThan(1e-6 * output.peak);
  });

  it('is known to what compares modulations by its plain fit, which the answer says', async () => {
    const filter = { ids: ['noise', kind.signal(2).id] };
    const found = await set.near(kind.signal(1).id, { metric: 'gram', filter, k: 5 }).catch((e) => e);
    // The tiny one is of another shape, which the metric does not take.
    expect(found).toMatchObject({ code: 'gram-shape' });
    await set.delete('tiny');
    const rows = await set.near(kind.signal(1).id, { metric: 'gram', filter, k: 5 });
    expect(Object.fromEntries(rows.map(({ id, plainFit }) => [id, plainFit]))).toEqual({
      noise: true,
      [kind.signal(2).id]: undefined,
    });
    const unlikely = await set.query({ kind: 'unlikely', prior: 'factorized', k: 10 });
    const fits = unlikely.items.filter(({ plainFit }) => plainFit).map(({ id }) => id);
    expect(fits).toEqual(['noise']);
  });

  it('is asked on the command line as here, and combined with a note', async () => {
    const [path, model] = [join(directory, name), ['--model', pathOfKind(name)]];
    const middle = sampleAt(
      noise.shape,
      noise.shape.map((n) => n / 2),
    );
    const at = [...middle.point].reverse().join();
    const asked = await printed(
      [addQuery],
      ['query', 'evaluate', path, '--at', at, '--ids', 'noise', ...model],
    );
    near(
      asked.json.items[0].values.flat(),
      noise.values.subarray(middle.index * channels, (middle.index + 1) * channels),
      1e-6,
    );
    const to = join(directory, `${name}-mean.functa`);
    writeFileSync(to, '');
    const mean = ['combine', 'mean', path, 'noise', kind.signal(1).id, '-o', to, '--force', ...model];
    const combined = await printed([addCombine], mean);
    expect(combined).toMatchObject({ status: 0, json: { plainFits: ['noise'] } });
  });
});

/** At `count` places, fewer than there are values: a sinc of 95 % of their band under a Hann window (ADR 60), term by term. */
function lowPassed(values: Float32Array, count: number): Float32Array {
  const step = values.length / count;
  const width = (32 * step) / 0.95;
  return Float32Array.from({ length: count }, (_, j) => {
    const at = (j + 0.5) * step - 0.5;
    let [sum, all] = [0, 0];
    for (let i = Math.ceil(at - width); i <= at + width; i++) {
      const x = (Math.PI * 0.95 * (i - at)) / step;
      const weight = (x === 0 ? 1 : Math.sin(x) / x) * Math.cos((Math.PI * (i - at)) / (2 * width)) ** 2;
      sum += weight * values[Math.min(Math.max(i, 0), values.length - 1)]!;
      all += weight;
    }
    return sum / all;
  });
}

/** Points of a grid of `shape`, last axis fastest. */
function grid(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (points, n) => points.flatMap((point) => Array.from({ length: n }, (_, i) => [...point, i])),
    [[]],
  );
}

function near(found: ArrayLike<number>, wanted: ArrayLike<number>, within: number): void {
  expect(found.length).toBe(wanted.length);
  let most = 0;
  for (let i = 0; i < found.length; i++) most = Math.max(most, Math.abs(found[i]! - wanted[i]!));
  expect(most).toBeLessThan(within);
}
