import { expect, test } from 'vitest';
import { fieldFigures } from '../../bench/modalities/fields.ts';
import { pcaPeers } from '../../bench/modalities/pca.ts';
import { Rng } from '../../src/core/rng.ts';
import { openMultiply } from '../../src/engine/tfjs/multiply.ts';
import type { Signal } from '../../src/signal/signal.ts';

const degree = Math.PI / 180;

/** A wave of so many turns along a circle, on a grid that starts at `start` degrees. */
function mapOf(turns: number, phase: number, { rows = 18, columns = 36, start = 0 } = {}): Signal {
  const [down, across] = [180 / rows, 360 / columns];
  const values = new Float32Array(rows * columns);
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++) {
      const longitude = (start + x * across) * degree;
      const latitude = (-90 + (y + 0.5) * down) * degree;
      values[y * columns + x] = 0.5 + 0.4 * Math.cos(latitude) * Math.cos(turns * longitude + phase);
    }
  const axes = [
    { name: 'latitude', start: -90 + down / 2, step: down },
    { name: 'longitude', start, step: across, wraps: true },
  ];
  return { id: `${turns}/${phase}`, shape: [rows, columns], channels: 1, values, axes };
}

const multiply = openMultiply(1);
const training = Array.from({ length: 40 }, (_, i) => mapOf(1 + (i % 3), i * 0.7));

test('maps of a low rank come back from their few coefficients, on another grid and from another meridian', async () => {
  const [whole] = pcaPeers(training, multiply);
  const signal = mapOf(2, 0.3, { rows: 20, columns: 40, start: -180 });
  const { bytes, values } = await whole!.code(signal, 70);
  expect(bytes).toBeLessThan(40);
  expect(fieldFigures(signal, values).psnrDb).toBeGreaterThan(35);
});

test('blocks reach any error, and what lies beyond the ends replaces nothing', async () => {
  const rng = new Rng(1);
  const rough = training.map((map) => ({ ...map, values: map.values.map((v) => v + 0.01 * rng.normal()) }));
  const [, blocks] = pcaPeers(rough, multiply);
  const signal = mapOf(2, 0.3, { rows: 17, columns: 33 });
  const coarse = await blocks!.code(signal, 40);
  const fine = await blocks!.code(signal, 90);
  expect(fieldFigures(signal, fine.values).psnrDb).toBeGreaterThan(58);
  expect(fine.bytes).toBeGreaterThan(coarse.bytes);
});
