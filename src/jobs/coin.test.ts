import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  decodeNetwork,
  encodeHalfNetwork,
  encodeSteppedNetwork,
  readHeader,
  valuesOf,
  weightTensors,
} from '../../codec/index.ts';
import { withLimits } from '../core/limits.ts';
import { type Engine, openEngine } from '../engine/index.ts';
import { type Model, readModel } from '../field/model.ts';
import { coin } from '../field/presets.ts';
import { weightLayout } from '../field/spec.ts';
import { functionsOf } from '../session/coding.ts';
import { inspect } from '../session/inspect.ts';
import { modelOfNetworkFile } from '../session/own-network.ts';
import { functionOfFile } from '../session/put.ts';
import { openSession } from '../session/session.ts';
import type { Signal } from '../signal/signal.ts';
import { fitCoin } from './coin.ts';
import { makeTinyModel } from './testing.ts';
import type { JobEvent } from './types.ts';

const picture: Signal = {
  id: 'picture',
  shape: [14, 18],
  channels: 3,
  values: Float32Array.from(
    { length: 14 * 18 * 3 },
    (_, i) => Math.round(127 + 120 * Math.sin(i / 40 + (i % 3)) * Math.cos(i / 9)) / 255,
  ),
};

let engine: Engine;
let model: Model;
beforeAll(async () => {
  engine = await openEngine();
  model = readModel(await makeTinyModel(engine));
}, 60_000);
afterAll(() => engine.close());

describe('a network of its own', () => {
  it('in 16 bits a weight and in fewer is decoded with the PSNR that was told, in bytes as told', async () => {
    const psnr: number[] = [];
    for (const bits of [16, 9, 6]) {
      const found = await fitCoin(picture, { engine, bits, iterations: 300 });
      expect(8 * found.bytes.length).toBeCloseTo(found.bitsPerPoint * 14 * 18, 6);
      expect(found.bitsPerWeight).toBeLessThan(bits + 24 / found.weights);
      const session = openSession({ model: modelOfNetworkFile(found.bytes), engine });
      const decoded = await session.decode(found.bytes);
      expect(decoded).toMatchObject({ shape: [14, 18], channels: 3 });
      let sum = 0;
      decoded.values.forEach((value, i) => {
        sum += (value - picture.values[i]!) ** 2;
      });
      expect(-10 * Math.log10(sum / decoded.values.length)).toBeCloseTo(found.psnrDb, 6);
      psnr.push(found.psnrDb);
    }
    expect(psnr[0]).toBeGreaterThan(20);
    expect(psnr[1]).toBeGreaterThan(psnr[0]! - 1);
    expect(psnr[2]).toBeLessThan(psnr[1]!);
  });

  it('is the same bytes for the same seed, and others for another', async () => {
    const fit = async (seed: number) =>
      (await fitCoin(picture, { engine, iterations: 40, bits: 8, seed })).bytes;
    expect(await fit(3)).toEqual(await fit(3));
    expect(await fit(4)).not.toEqual(await fit(3));
  });

  it('is decoded by a session of any model, at any size, any part of it, alone or as one of many', async () => {
    const { bytes } = await fitCoin(picture, { engine, iterations: 60 });
    const own = openSession({ model: modelOfNetworkFile(bytes), engine });
    const other = openSession({ model, engine });
    expect(await other.decode(bytes)).toEqual(await own.decode(bytes));
    const whole = await other.decode(bytes, { size: '2x', raw: true });
    const part = await other.decode(bytes, { size: '2x', region: '3,5,7,4', raw: true });
    expect([whole.shape, part.shape]).toEqual([
      [28, 36],
      [4, 7],
    ]);
    for (let y = 0; y < 4; y++) {
      const from = ((5 + y) * 36 + 3) * 3;
      expect(part.values.slice(y * 21, y * 21 + 21)).toEqual(whole.values.slice(from, from + 21));
    }
    const many = [];
    for await (const signal of other.decodeMany(bytes)) many.push(signal.values);
    expect(many).toEqual([(await own.decode(bytes)).values]);
    await expect(other.decode(bytes, { item: 1 })).rejects.toMatchObject({ code: 'item' });
  });

  it('gives the same values on every engine, to the tolerance that engines agree to', async () => {
    const { bytes } = await fitCoin(picture, { engine, iterations: 100, bits: 8 });
    const values: Float32Array[] = [];
    for (const name of ['reference', 'native', 'wasm', 'tfjs'] as const) {
      const each = await openEngine(name);
      const session = openSession({ model: modelOfNetworkFile(bytes), engine: each });
      values.push((await session.decode(bytes, { raw: true })).values);
      await each.close();
    }
    for (const found of values.slice(1)) {
      const off = found.map((value, i) => Math.abs(value - values[0]![i]!));
      expect(Math.max(...off)).toBeLessThan(2e-5);
    }
  }, 60_000);

  it('whatever weights a file holds, samples are within the range of pictures, on every engine', async () => {
    const spec = coin({ axes: 2, outputs: 3, width: 33, layers: 16, w0: 255 });
    const header = { shape: [5, 70], channels: 'rgb' as const, values: valuesOf('rgb'), spec };
    const { length } = weightLayout(spec);
    const far = Float32Array.from({ length }, (_, i) => (i % 3 === 0 ? -65504 : 65504));
    const steps = new Uint8Array(weightTensors(spec).length);
    const symbols = new Int32Array(length).fill(2 ** 20);
    for (const bytes of [encodeHalfNetwork(header, far), encodeSteppedNetwork(header, { steps, symbols })]) {
      for (const name of ['reference', 'native', 'wasm', 'tfjs'] as const) {
        const each = await openEngine(name);
        const { values } = await openSession({ model: modelOfNetworkFile(bytes), engine: each }).decode(
          bytes,
        );
        expect(
          values.every((value) => value >= 0 && value <= 1),
          name,
        ).toBe(true);
        await each.close();
      }
    }
  }, 60_000);

  it('says what it is, and has no modulation of a model', async () => {
    const { bytes, weights } = await fitCoin(picture, {
      engine,
      iterations: 5,
      size: { layers: 3, width: 6 },
    });
    const said = inspect(bytes);
    expect(said).toMatchObject({ kind: 'network', shape: [14, 18], count: 1, points: 252 });
    expect(said.modelDigest).toBeUndefined();
    expect(said.network).toMatchObject({
      layers: 3,
      width: 6,
      w0: 15,
      channels: 'rgb',
      weights,
      coding: 'half',
    });
    expect(() => functionOfFile(model, bytes, { id: 'x' })).toThrow(/decode it alone/);
    const [found] = functionsOf(model, bytes, { limits: withLimits() });
    expect(found).toMatchObject({ prior: 'none', shape: [14, 18] });
  });

  it('fits sounds, and numbers with points missing, in their own units', async () => {
    const sound = {
      id: 's',
      shape: [200],
      channels: 1,
      values: Float32Array.from({ length: 200 }, (_, i) => Math.sin(i / 9)),
    };
    const heard = await fitCoin(sound, { engine, iterations: 200 });
    expect(decodeNetwork(heard.bytes).channels).toBe('mono');
    expect(heard.psnrDb).toBeGreaterThan(15);
    const map = {
      id: 'm',
      shape: [8, 9],
      channels: 1,
      values: Float32Array.from({ length: 72 }, (_, i) => (i === 5 ? Number.NaN : 250 + i)),
    };
    const seen = await fitCoin(map, { engine, iterations: 300, channels: 'values' });
    const decoded = await openSession({ model, engine }).decode(seen.bytes);
    const off = decoded.values.map((value, i) => (i === 5 ? 0 : Math.abs(value - map.values[i]!)));
    const mse = off.reduce((sum, d) => sum + d * d, 0) / (off.length - 1);
    // numbers are measured against their own range, from 250 to 321
    expect(seen.psnrDb).toBeCloseTo(10 * Math.log10(71 ** 2 / mse), 4);
    expect(Math.max(...off)).toBeLessThan(20);
  });

  it('takes values on a scale of their own as numbers, and refuses them where they are said to be samples', async () => {
    const values = Float32Array.from({ length: 64 }, (_, i) => 250 + i / 2);
    const kelvin = { id: 'kelvin', shape: [8, 8], channels: 1, values };
    const fast = { engine, iterations: 40, size: { layers: 2, width: 8 } };
    const { bytes, psnrDb } = await fitCoin(kelvin, fast);
    expect(inspect(bytes).network).toMatchObject({ channels: 'values' });
    expect(psnrDb).toBeGreaterThan(15);
    await expect(fitCoin(kelvin, { ...fast, channels: 'grey' })).rejects.toMatchObject({
      code: 'signal-range',
    });
  });

  it('tells how far it is, and stops when asked to', async () => {
    const events: JobEvent[] = [];
    await fitCoin(picture, { engine, iterations: 20, bits: 8, onEvent: (event) => events.push(event) });
    expect(events[0]).toMatchObject({ type: 'start', total: 25, unit: 'iterations' });
    expect(events.at(-1)).toMatchObject({ type: 'end', done: 25 });
    expect(events.filter(({ type }) => type === 'progress').length).toBeGreaterThanOrEqual(25);
    const controller = new AbortController();
    const onEvent = ({ type }: JobEvent) => type === 'progress' && controller.abort();
    const stopped = fitCoin(picture, { engine, iterations: 1e5, onEvent, signal: controller.signal });
    await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
  });

  it('says what it does not take', async () => {
    const fit = (options: object, signal = picture) => fitCoin(signal, { engine, iterations: 1, ...options });
    await expect(fit({ bits: 14 })).rejects.toMatchObject({ code: 'bits' });
    await expect(fit({ bits: 0 })).rejects.toMatchObject({ code: 'bits' });
    await expect(fit({ size: { layers: 17, width: 4 } })).rejects.toMatchObject({ code: 'network-size' });
    await expect(fit({ w0: 0.5 })).rejects.toMatchObject({ code: 'network-size' });
    await expect(fit({ channels: 'grey' })).rejects.toMatchObject({ code: 'signal-channels' });
    await expect(fit({ iterations: 1e9 })).rejects.toMatchObject({ code: 'limit-multiply-adds' });
    await expect(fit({ limits: withLimits({ maxSamples: 99 }) })).rejects.toMatchObject({
      code: 'limit-samples',
    });
    const empty = { ...picture, values: picture.values.map(() => Number.NaN) };
    await expect(fit({}, empty)).rejects.toMatchObject({ code: 'no-observed-points' });
    const short = { ...picture, values: picture.values.slice(1) };
    await expect(fit({}, short)).rejects.toMatchObject({ code: 'bad-shape' });
    expect(readHeader((await fit({})).bytes).container).toBe('network');
  });
});
