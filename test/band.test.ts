/** A sound has a band: half the rate of its samples. Other rates keep it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bandRows, energyAbove } from '../bench/modalities/band.ts';
import { defaultLimits } from '../src/core/limits.ts';
import { type Engine, openEngine } from '../src/engine/index.ts';
import { collectAnswer, NearIndexes, parseQuery, runQuery } from '../src/query/index.ts';
import { BandInterpolator, bandTaps, isBanded } from '../src/session/band.ts';
import { openSession, type Session } from '../src/session/index.ts';
import { openFunctasetOf } from '../src/session/store.ts';
import { kinds, modelOfKind } from './kinds.ts';

let engine: Engine;
let session: Session;
beforeAll(async () => {
  engine = await openEngine(undefined, { threads: 1 });
  session = openSession({ model: modelOfKind('sound'), engine });
});
afterAll(() => engine.close());

const tone = (hertz: number, rate: number, length: number) =>
  Float32Array.from({ length }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hertz * (i + 0.5)) / rate));

describe('the band of a sound', () => {
  it.each([
    ['the network', 60],
    ['its samples', 90],
  ])(
    'is kept at a higher rate: a sound of 8 kHz drawn from %s has nothing above it at 44.1 kHz',
    async (_, quality) => {
      const [low, high, noise] = await bandRows(session, quality);
      expect(low!.aboveDb).toBeLessThan(-50);
      expect(high!.aboveDb).toBeLessThan(-50);
      expect(noise!.aboveDb).toBeLessThan(-40);
    },
  );

  it('is what the measure measures', () => {
    const high = tone(9000, 44_100, 4410);
    const both = tone(1000, 44_100, 4410).map((v, i) => v + 0.1 * high[i]!);
    expect(energyAbove(both, 44_100, 4200)).toBeCloseTo(-20.04, 1);
  });

  it('is that of the lower rate where there are fewer samples, and what is within is whole', async () => {
    const at = async (hertz: number) => {
      const values = tone(hertz, 8000, 4000);
      const drawn = new BandInterpolator(4000, 1, async (from, n) => values.slice(from, from + n));
      const found = await drawn.block({ start: [2], step: [4], count: [1000] });
      const want = tone(hertz, 2000, 1000);
      // The ends go on as their last samples, which are no tone.
      return [...found.keys()].slice(40, 960).map((i) => [found[i]!, want[i]!] as const);
    };
    for (const [found, want] of await at(700)) expect(Math.abs(found - want)).toBeLessThan(2e-3);
    for (const [found] of await at(1300)) expect(Math.abs(found)).toBeLessThan(5e-3);
  });

  it('belongs to signals of one axis whose samples are so far apart', () => {
    expect(isBanded({ axes: kinds.sound.axes })).toBe(true);
    expect(isBanded({ axes: [{ name: 'x' }] })).toBe(false);
    expect(isBanded({ axes: [{ name: 'x', step: 15, wraps: true }] })).toBe(false);
    expect(isBanded({ axes: kinds.map.axes })).toBe(false);
  });
});

describe('the curve through samples', () => {
  it('is one number where they are one, and the samples where these stand', () => {
    for (const x of [0, 0.3, 17.9, 100, 199.99]) {
      const sum = bandTaps(x, 200).reduce((all, { weight }) => all + weight, 0);
      expect(sum).toBeCloseTo(1, 12);
    }
    expect(bandTaps(17.5, 200)).toEqual([{ cell: 17, weight: 1 }]);
  });

  it('computes each sample once, and holds few of them, whatever the length', async () => {
    const size = 500_000;
    let [computed, most] = [0, 0];
    const drawn = new BandInterpolator(size, 1, async (_, n) => {
      computed += n;
      most = Math.max(most, n);
      return new Float32Array(n).fill(0.25);
    });
    for (let first = 0; first < size / 50; first += 1000) {
      const grid = { start: [(first + 0.5) * 50], step: [50], count: [1000] };
      for (const v of await drawn.block(grid)) expect(v).toBe(0.25);
    }
    expect(computed).toBe(size);
    expect(most).toBeLessThan(40_000);
  });
});

describe.each([
  [60, 'modulation'],
  [100, 'samples'],
] as const)('a sound of quality %i', (quality, kind) => {
  const open = async () => {
    const { bytes } = await session.encode(kinds.sound.signal(31), { quality });
    const fn = await session.open(bytes);
    expect(fn.kind).toBe(kind);
    return fn;
  };

  it('has at its own size the values that its field has there', async () => {
    const fn = await open();
    const { values } = await fn.decode({ raw: true });
    const points = Array.from({ length: 256 }, (_, i) => i + 0.5);
    expect(await fn.evaluate(points)).toEqual(values);
    if (fn.kind !== 'modulation') return;
    const list = { kind: 'list', coordinates: Float32Array.from(points) } as const;
    expect(await engine.evaluate(fn.model.network, fn.shape, fn.modulation, list)).toEqual(values);
  });

  it.each(['44100/s', '3x', '100', '7'])(
    'has in a region of size %s what the whole has there',
    async (size) => {
      const fn = await open();
      const whole = await fn.decode({ size });
      const count = Math.ceil(whole.values.length / 3);
      const start = Math.floor(whole.values.length / 4);
      const part = await fn.decode({ size, region: { start: [start], count: [count] } });
      expect(part.values).toEqual(whole.values.slice(start, start + count));
    },
  );

  it('has at points what it has in an array of them, and the derivatives of that', async () => {
    const fn = await open();
    const { values } = await fn.decode({ size: '44100/s', raw: true });
    const step = 256 / values.length;
    const found = await fn.evaluate(Array.from(values, (_, j) => (j + 0.5) * step));
    found.forEach((v, i) => {
      expect(v).toBeCloseTo(values[i]!, 6);
    });
    const at = [0.2, 3.5, 77.49999, 130.25, 255.9];
    const slope = await fn.derivative(at);
    const [low, high] = await Promise.all([-1e-2, 1e-2].map((by) => fn.evaluate(at.map((x) => x + by))));
    at.forEach((_, i) => {
      expect(slope[i]).toBeCloseTo((high![i]! - low![i]!) / 2e-2, 3);
    });
  });
});

it('a functaset says of sounds at points what the functions themselves say', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'functa-band-'));
  const store = await openFunctasetOf(session.model, directory);
  try {
    const signals = [kinds.sound.signal(32), kinds.sound.signal(33)];
    const { items } = await session.encodeMany(signals, { quality: 60, steps: 'asked', archive: false });
    await store.putMany(
      items.map(({ bytes, shape, psnrDb, estimatedBits }, i) => ({
        ...{ id: signals[i]!.id, shape, psnrDb, bits: estimatedBits },
        content: { kind: 'file', bytes },
      })),
    );
    const { model } = session;
    const indexes = new NearIndexes({ store, model, engine });
    const readSignal = () => Promise.reject(new Error('no file is read here'));
    const context = { model, store, engine, indexes, limits: defaultLimits, readSignal };
    const at = [0.2, 3.5, 77.4, 130.25, 255.9];
    for (const derivatives of [false, true]) {
      const request = { kind: 'evaluate', coordinates: at.map((x) => [x]), derivatives };
      const answer = await collectAnswer(await runQuery(context, parseQuery(request)));
      const rows = answer.items as unknown as { values: number[][]; derivatives?: number[][][] }[];
      for (const [i, row] of rows.entries()) {
        const fn = await session.open(items[i]!.bytes);
        const [values, slopes] = [await fn.evaluate(at), await fn.derivative(at)];
        at.forEach((_, p) => {
          expect(row.values[p]![0]).toBeCloseTo(values[p]!, 5);
          if (derivatives) expect(row.derivatives![p]![0]![0]).toBeCloseTo(slopes[p]!, 6);
        });
      }
    }
  } finally {
    await store.close();
    rmSync(directory, { recursive: true });
  }
});
