/** Search among many vectors, synthetic around those of a real functaset: one of them, and noise along every axis. */
import { Rng } from '../../src/core/rng.ts';
import { NearIndexes } from '../../src/query/index.ts';
import { Vectors } from '../../src/query/vectors.ts';
import { type Setting, timesText } from './setting.ts';

const k = 10;
/** Deviation of the noise along an axis, over that of the real vectors. */
const noise = 0.25;

export async function measureScale(
  setting: Setting,
  n: number,
  asked: { readonly exact: number; readonly queries: number },
): Promise<void> {
  const { vectors: real } = await new NearIndexes(setting).get('values');
  const rng = new Rng(0);
  const draw = drawer(real, rng);
  const all = new Vectors(n, real.dimensions);
  for (let row = 0; row < n; row++) all.row(row).set(draw());
  const queries = Array.from({ length: asked.queries }, draw);
  console.log(`${n} vectors of ${real.dimensions} numbers around ${real.count} real ones, noise ${noise}`);

  await all.exact(queries[0]!, k);
  const exact: number[] = [];
  const truth: Set<number>[] = [];
  for (const query of queries.slice(0, asked.exact)) {
    const started = performance.now();
    const found = await all.exact(query, k);
    exact.push(performance.now() - started);
    truth.push(new Set(found.map(({ row }) => row)));
  }
  console.log(`exact, float32: ${timesText(exact)}`);

  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  let told = 0;
  await all.link({
    onProgress: (done) => {
      if (done < told + n / 20) return;
      told = done;
      console.log(`  graph: ${done} in ${seconds().toFixed(0)} s`);
    },
  });
  console.log(`graph made in ${seconds().toFixed(0)} s on one thread`);
  const graph: number[] = [];
  let hits = 0;
  queries.forEach((query, i) => {
    const from = performance.now();
    const found = all.approximate(query, k);
    graph.push(performance.now() - from);
    hits += found.filter(({ row }) => truth[i]?.has(row)).length;
  });
  console.log(
    `graph: ${timesText(graph)}, recall at ${k} ${((100 * hits) / (k * truth.length)).toFixed(2)} % (n ${truth.length})`,
  );
}

function drawer(real: Vectors, rng: Rng): () => Float32Array {
  const { dimensions, count } = real;
  const sum = new Float64Array(dimensions);
  const squares = new Float64Array(dimensions);
  for (let row = 0; row < count; row++) {
    real.row(row).forEach((v, i) => {
      sum[i]! += v;
      squares[i]! += v * v;
    });
  }
  const deviations = sum.map(
    (s, i) => noise * Math.sqrt(Math.max(0, squares[i]! / count - (s / count) ** 2)),
  );
  // Normal deviates from a table: a quarter of a billion of them would take a minute to draw.
  const table = Float32Array.from({ length: 2 ** 18 }, () => rng.normal());
  return () => {
    const from = real.row(Math.floor(rng.uniform() * count));
    const at = Math.floor(rng.uniform() * (table.length - dimensions));
    return from.map((v, i) => v + deviations[i]! * table[at + i]!);
  };
}
