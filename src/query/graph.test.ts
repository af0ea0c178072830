import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporary } from '../../test/temporary.ts';
import { Rng } from '../core/rng.ts';
import { Vectors } from './vectors.ts';

type Fill = (row: Float32Array, i: number, first: Float32Array) => void;

function vectorsOf(count: number, dimensions: number, fill: Fill): Vectors {
  const rng = new Rng(5);
  const vectors = new Vectors(count, dimensions);
  for (let i = 0; i < count; i++) {
    const row = vectors.row(i);
    for (let k = 0; k < dimensions; k++) row[k] = rng.normal();
    fill(row, i, vectors.row(0));
  }
  return vectors;
}

/** Share of the rows that the graph finds by themselves. */
function foundOf(vectors: Vectors): number {
  let found = 0;
  for (let i = 0; i < vectors.count; i++) {
    found += Number(vectors.approximate(vectors.row(i), 10)[0]?.distance === 0);
  }
  return found / vectors.count;
}

const cases: Readonly<Record<string, Fill>> = {
  'nothing odd': () => {},
  'one zero vector first': (row, i) => i === 0 && row.fill(0),
  'one zero vector second': (row, i) => i === 1 && row.fill(0),
  'five hundred zero vectors first': (row, i) => i < 500 && row.fill(0),
  'five hundred equal ones first': (row, i, first) => i < 500 && row.set(first),
  'three hundred zero vectors, and others of falling variance': (row, i) =>
    row.forEach((x, k) => {
      row[k] = i < 300 ? 0 : x / (1 + k);
    }),
  'half of them a thousandth as long': (row, i) =>
    i < 500 &&
    row.forEach((x, k) => {
      row[k] = x / 1000;
    }),
};

describe('a graph', () => {
  it.each(Object.keys(cases).flatMap((name) => [33, 64].map((dimensions) => ({ name, dimensions }))))(
    'finds its own rows, or is none: $name, $dimensions dimensions',
    async ({ name, dimensions }) => {
      const vectors = vectorsOf(1000, dimensions, cases[name]!);
      expect(await vectors.link()).toBe(true);
      expect(foundOf(vectors)).toBeGreaterThan(0.97);
      const path = join(temporary(), 'a.graph');
      vectors.saveGraph(path);
      const again = vectorsOf(1000, dimensions, cases[name]!);
      expect(await again.loadGraph(path)).toBe(true);
      expect(foundOf(again)).toBeGreaterThan(0.97);
    },
    60_000,
  );

  it('gives every one of equal vectors', async () => {
    const vectors = vectorsOf(400, 20, (row, i, first) => i % 4 === 0 && row.set(first));
    await vectors.link();
    const found = vectors.approximate(vectors.row(8), 100);
    expect(found.map(({ row }) => row)).toEqual(Array.from({ length: 100 }, (_, i) => 4 * i));
  });

  it('of other vectors is refused', async () => {
    const path = join(temporary(), 'a.graph');
    const vectors = vectorsOf(500, 20, () => {});
    await vectors.link();
    vectors.saveGraph(path);
    const others = vectorsOf(500, 20, (row) =>
      row.forEach((x, k) => {
        row[k] = x * x;
      }),
    );
    expect(await others.loadGraph(path)).toBe(false);
    expect(others.hasGraph).toBe(false);
  });
});
