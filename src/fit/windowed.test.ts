import { readFile } from 'node:fs/promises';
import { afterAll, describe, expect, it, test } from 'vitest';
import { CostMeter } from '../../prior/cost.ts';
import { stepsAt } from '../../prior/quantiser.ts';
import { readPrior } from '../../prior/registry.ts';
import { AbortedError } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import { openNative } from '../engine/native/native.ts';
import { atQuality } from '../field/at-quality.ts';
import { levelStencil } from '../field/coordinates.ts';
import { channelOfEach, modulationLayout } from '../field/layout.ts';
import { readModel } from '../field/model.ts';
import {
  type FieldSpec,
  type GridLevel,
  gridCells,
  modulationLength,
  pointCount,
  totalChannels,
} from '../field/spec.ts';
import type { Signal } from '../signal/signal.ts';
import { batchOf } from './batch.ts';
import { beginFit, type FitRequest, type Fitted, fitSignals, rateOf, scalesTensor } from './fit.ts';
import { nearestSymbols } from './lone.ts';
import { multiplierAt } from './rate.ts';
import { fitWindows, ownRuns } from './windows.ts';

const quality = 50;
const small = { whole: 64 * 64, own: 64 * 64, halos: 0 };
const engine = await openNative({ threads: 2 });
const models = await Promise.all(
  ['photos', 'photos-low'].map(async (name) =>
    readModel(
      new Uint8Array(await readFile(new URL(`../../models/${name}/model.safetensors`, import.meta.url))),
    ),
  ),
);
const photos = models[0]!;

afterAll(() => engine.close());

describe('windows of a signal', () => {
  const level = (
    cell: number[] | null,
    interpolation: GridLevel['interpolation'],
    channels = 2,
  ): GridLevel => ({
    ...{ cell, interpolation, channels },
  });
  const spec = (axes: number, levels: GridLevel[], period?: number[]): FieldSpec => ({
    ...{ axes, outputs: 1, width: 8, layers: 2, w0: 10, levels },
    features: { global: false, local: true, harmonics: 2, ...(period && { period }) },
  });
  const cubic = spec(2, [level([8, 8], 'cubic'), level([2, 2], 'nearest', 3)], [4, 4]);
  const cases: [string, FieldSpec, number[], number][] = [
    ['cubic cells and nearest ones', cubic, [90, 77], 400],
    ['linear cells', spec(2, [level([8, 8], 'linear'), level([4, 4], 'linear')]), [81, 64], 300],
    ['a narrow strip', spec(2, [level([8, 8], 'linear')]), [3, 300], 100],
    ['cells that are not square', spec(2, [level([6, 4], 'linear'), level([3, 2], 'cubic')]), [70, 100], 600],
    ['one axis', spec(1, [level([8], 'cubic'), level([2], 'linear')]), [501], 60],
    ['three axes', spec(3, [level([4, 4, 4], 'linear'), level([2, 2, 2], 'linear')]), [17, 20, 23], 500],
  ];

  it.each(cases)('own every number of a modulation once: %s', (_, field, shape, own) => {
    const owned = new Uint8Array(modulationLength(field, shape));
    for (const window of fitWindows(field, shape, { whole: own, own, halos: 0 })!)
      for (const { whole, length } of ownRuns(field, shape, window))
        for (let i = whole; i < whole + length; i++) owned[i]!++;
    expect(owned.every((times) => times === 1)).toBe(true);
  });

  it.each(cases)(
    'have all cells that samples read which their own cells reach: %s',
    (_, field, shape, own) => {
      for (const { box, own: mine } of fitWindows(field, shape, { whole: own, own, halos: 0 })!) {
        for (const { level: k, cells } of readCells(field, shape)) {
          const { cell } = field.levels[k]!;
          const within = ({ start, count }: typeof box, at: readonly number[]) =>
            at.every(
              (i, axis) => i * cell![axis]! >= start[axis]! && i * cell![axis]! < start[axis]! + count[axis]!,
            );
          for (const read of cells)
            if (read.some((at) => within(mine, at))) expect(read.every((at) => within(box, at))).toBe(true);
        }
      }
    },
  );

  it('are none of a signal that is not large, nor where a number is about the whole signal', () => {
    const sizes = { whole: 400, own: 400, halos: 0 };
    expect(fitWindows(cubic, [20, 20], sizes)).toBeUndefined();
    expect(
      fitWindows(spec(2, [level([8, 8], 'linear'), level(null, 'nearest')]), [99, 99], sizes),
    ).toBeUndefined();
    const global = { ...cubic, features: { ...cubic.features, global: true } };
    expect(fitWindows(global, [99, 99], sizes)).toBeUndefined();
    expect(fitWindows(spec(2, [level([2.5, 2], 'linear')]), [99, 99], sizes)).toBeUndefined();
    expect(fitWindows(photos.card.spec, [512, 768])).toBeUndefined();
    // Cubic cells have a halo of 96 samples.
    expect(fitWindows(models[1]!.card.spec, [1024, 1024])![0]!.own.count).toEqual([256, 256]);
    expect(fitWindows(photos.card.spec, [512, 769])).toHaveLength(15);
  });

  /** For each level the cells, by their place along each axis, that a sample reads: of some samples. */
  function readCells({ levels }: FieldSpec, shape: readonly number[]) {
    return levels.map((own, k) => {
      const count = gridCells(own, shape);
      const cells = Array.from({ length: pointCount(shape) }, (_, p) => p)
        .filter((p) => p % 7 === 0)
        .map((p) =>
          levelStencil(
            {},
            own,
            shape,
            placeOf(p, shape).map((i) => i + 0.5),
          ).map(({ cell }) => placeOf(cell, count)),
        );
      return { level: k, cells };
    });
  }

  function placeOf(index: number, shape: readonly number[]): number[] {
    const place: number[] = [];
    let rest = index;
    for (const n of shape.toReversed()) {
      place.unshift(rest % n);
      rest = Math.floor(rest / n);
    }
    return place;
  }
});

const picture = texture(96, 128);
let found: Promise<Fitted> | undefined;
/** Of effort 2, in windows. */
const windowedFit = () => (found ??= fit(photos, { effort: 2, windows: small }));

test.each(models)('a search in windows ends where one of the whole does: $card.name', async (model) => {
  const whole = await fit(model, { effort: 2 });
  const windowed = model === photos ? await windowedFit() : await fit(model, { effort: 2, windows: small });
  for (const [a, b] of [
    [whole, windowed],
    [plainOf(whole), plainOf(windowed)],
  ] as const) {
    const ratio = (await objective(model, b)) / (await objective(model, a));
    expect(ratio).toBeGreaterThan(0.97);
    expect(ratio).toBeLessThan(1.005);
  }
});

test('a signal of one window is fitted whole', async () => {
  const little = texture(40, 48);
  const whole = await fit(photos, { effort: 3 }, little);
  const one = await fit(photos, { effort: 3, windows: { whole: 40 * 48, own: 32 * 32, halos: 0 } }, little);
  expect(one.plain).toEqual(whole.plain);
  expect(one.modulation).toEqual(whole.modulation);
  expect(one.efforts).toEqual([2, 3]);
  for (const effort of [2, 3]) expect(one.symbolsOf(effort)).toEqual(whole.symbolsOf(effort));
});

test('windows give the same symbols at any number of threads, again, and beside another signal', async () => {
  const found = await windowedFit();
  const single = await openNative({ threads: 1 });
  try {
    const request = { quality, effort: 2, prior: 'autoregressive' as const, windows: small };
    const both = await fitSignals(
      photos,
      single,
      [{ ...picture, values: picture.values.toReversed() }, picture],
      request,
    );
    expect(both[1]!.symbols).toEqual(found.symbols);
    expect(both[1]!.plain).toEqual(found.plain);
  } finally {
    await single.close();
  }
});

test('whether a channel is in use is a matter of the whole signal', async () => {
  const fine = 72;
  const { spec } = photos.card;
  const channelOf = channelOfEach(modulationLayout(spec, picture.shape));
  const channel = totalChannels(spec) - 1;
  const cells = 48 * 64;
  const scales = photos.tensors.get(scalesTensor)!;
  // Of the whole 0.012 symbols other than 0 are expected, of its largest window less than 0.01.
  const there = atQuality(photos, fine);
  const step = multiplierAt(fine) * there.steps[channel]!;
  const moved = there.tensors.get(scalesTensor)!.data[channel]! / scales.data[channel]!;
  const rare = scales.data.slice();
  rare[channel] = step / (2 * moved * Math.log((2 * cells) / 0.012 - 1));
  const tensors = new Map([...photos.tensors, [scalesTensor, { ...scales, data: rare }]]);
  const { symbols } = await fit({ ...photos, tensors }, { quality: fine, effort: 2, windows: small });
  expect(symbols!.some((symbol, i) => symbol !== 0 && channelOf[i] === channel)).toBe(true);
});

test('moves follow the descent in every window', async () => {
  const strip = texture(40, 72);
  const windows = { whole: 32 * 32, own: 32 * 32, halos: 0 };
  const descended = await fit(photos, { effort: 3, windows }, strip);
  const moved = await fit(photos, { effort: 4, windows }, strip);
  expect(await objective(photos, moved, strip)).toBeLessThan(await objective(photos, descended, strip));
});

test('where nothing is known a window finds nothing, and other windows do not care', async () => {
  const holed = { ...picture, values: picture.values.slice() };
  // The middle of the first window and all of the last.
  for (const [top, left, height, width] of [
    [8, 8, 16, 16],
    [32, 32, 64, 96],
  ] as const)
    for (let y = top; y < top + height; y++)
      holed.values.fill(Number.NaN, 3 * (128 * y + left), 3 * (128 * y + left + width));
  const found = await fit(photos, { effort: 2, windows: small }, holed);
  expect(found.symbols!.some((symbol) => symbol !== 0)).toBe(true);
  const last = fitWindows(photos.card.spec, picture.shape, small)!.at(-1)!;
  for (const { whole, length } of ownRuns(photos.card.spec, picture.shape, last))
    expect(found.symbols!.subarray(whole, whole + length).every((symbol) => symbol === 0)).toBe(true);
  const nothing = { ...picture, values: new Float32Array(picture.values.length).fill(Number.NaN) };
  await expect(fit(photos, { effort: 2, windows: small }, nothing)).rejects.toMatchObject({
    code: 'no-observed-points',
  });
});

test('what an engine is given at once does not grow with the signal, and symbols take a byte each', async () => {
  const windows = { whole: 32 * 64, own: 32 * 64, halos: 0 };
  const most: number[] = [];
  for (const width of [192, 384]) {
    let points = 0;
    const watched = new Proxy(engine, {
      get(target, name) {
        const member = target[name as keyof typeof target];
        if (typeof member !== 'function') return member;
        return (...given: unknown[]) => {
          const { shape, count = 1 } = given[1] as { shape?: number[]; count?: number };
          if (shape !== undefined) points = Math.max(points, count * pointCount(shape));
          return (member as (...args: unknown[]) => unknown).apply(target, given);
        };
      },
    });
    const request = { quality, effort: 2, windows };
    const [found] = await fitSignals(photos, watched, [texture(32, width)], request);
    expect(found!.heldSymbols!(2)).toBeInstanceOf(Int8Array);
    expect(found!.heldSymbols!(2)).toEqual(Int8Array.from(found!.symbols!));
    most.push(points);
  }
  expect(most[0]).toBe(32 * 128);
  expect(most[1]).toBe(most[0]);
});

test('effort 1 keeps symbols alone where these are asked for: those of effort 2 before it chose', async () => {
  const numbers = await fit(photos, { windows: small });
  const own = await fit(photos, { windows: small, symbolsAlone: true });
  expect(numbers.heldSymbols).toBeUndefined();
  expect(own.heldSymbols!(1)).toBeInstanceOf(Int8Array);
  expect(own.heldSymbols!(1)).toEqual((await windowedFit()).heldSymbols!(1));
  expect(own.symbols).toBeUndefined();
  expect(own.modulation).toEqual(own.plain);
  // Dots at the border of a window's own cells are seen with what the halo has there: all others are the same.
  const steps = stepsAt(photos.steps, quality);
  const whole = nearestSymbols(photos.card, picture.shape, numbers.plain, steps);
  const differ = whole.filter((symbol, i) => symbol !== own.heldSymbols!(1)[i]).length;
  expect(differ).toBeLessThan(whole.length / 1000);
});

test('a fit in windows stops when told, and knows one effort', async () => {
  const controller = new AbortController();
  const stopped = fit(photos, { effort: 2, windows: small, signal: controller.signal });
  controller.abort();
  await expect(stopped).rejects.toBeInstanceOf(AbortedError);
  const request = { quality, effort: 1, windows: small };
  const plain = await beginFit(photos, engine, [picture], request);
  expect([1, 2].map((effort) => plain.canReach(effort))).toEqual([true, false]);
});

async function fit(model: typeof photos, request: Partial<FitRequest>, signal = picture): Promise<Fitted> {
  const asked = { quality, effort: 1, prior: 'autoregressive' as const, ...request };
  return (await fitSignals(model, engine, [signal], asked))[0]!;
}

/** What effort 1 found on the way. */
function plainOf({ plain }: Fitted): Fitted {
  return { plain, modulation: plain, symbols: undefined, efforts: [], symbolsOf: () => undefined };
}

/** Half the squared error and what the prior says symbols cost, as rounding weighs them. */
async function objective(
  model: typeof photos,
  { symbols: chosen, plain }: Fitted,
  of = picture,
): Promise<number> {
  const { network, card } = atQuality(model, quality);
  const batch = batchOf([of], card.spec.outputs, card.outputs);
  const rate = rateOf(atQuality(model, quality), batch, quality)!;
  const layout = modulationLayout(card.spec, of.shape);
  const steps = layout.levels.flatMap(({ cells, channels }, k) => {
    const first = layout.levels.slice(0, k).reduce((sum, level) => sum + level.channels, 0);
    return Array.from(
      { length: pointCount(cells) * channels },
      (_, i) => rate.steps[first + (i % channels)]!,
    );
  });
  const symbols = chosen ?? Int32Array.from(plain, (value, i) => Math.floor(value / steps[i]! + 0.5));
  const meter = new CostMeter();
  readPrior(model, 'autoregressive').walk(layout, quality, symbols.slice(), meter);
  const modulation = Float32Array.from(symbols, (symbol, i) => symbol * steps[i]!);
  const { losses } = await engine.gradient(network, batch, modulation);
  return losses[0]! + rate.weight * meter.bitCount * Math.LN2;
}

/** Waves of all directions and colours, with edges between areas of them. */
function texture(height: number, width: number, seed = 3): Signal {
  const rng = new Rng(seed);
  const waves = Array.from({ length: 24 }, () => ({
    y: 0.3 * rng.normal(),
    x: 0.3 * rng.normal(),
    phase: 6 * rng.uniform(),
    colour: [0, 1, 2].map(() => 0.03 + 0.04 * rng.normal()),
  }));
  const values = Float32Array.from({ length: height * width * 3 }, (_, i) => {
    const point = Math.floor(i / 3);
    const [y, x] = [Math.floor(point / width), point % width];
    const area = (y > x ? 1 : 2) + ((x >> 6) & 1);
    const value = waves.reduce(
      (sum, w) => sum + w.colour[i % 3]! * Math.sin(area * (w.y * y + w.x * x) + w.phase),
      0.3 + 0.1 * area,
    );
    return Math.min(1, Math.max(0, Math.floor(255 * value + 0.5) / 255));
  });
  return { id: 'texture', shape: [height, width], channels: 3, values };
}
