/**
 * Fragments of the signals that a store was made of, looked for at every place of every function: how often the first that is found is the one
 * that it was cut from, and the place that of the cut. As it was cut, by values; and at a quarter of its level with noise 10 dB below it, by
 * correlation, as of a signal that was recorded again. Of sounds also a hum of it, three semitones higher, by pitch: placed within 50 ms.
 */
import { openDataset } from '../../datasets/registry.ts';
import { defaultLimits } from '../../src/core/limits.ts';
import { Rng } from '../../src/core/rng.ts';
import { collectAnswer, NearIndexes, parseQuery, runQuery } from '../../src/query/index.ts';
import { cutBox } from '../../src/signal/box.ts';
import { humOf } from './hum.ts';
import { type Setting, timesText } from './setting.ts';

/** Level and noise of what is recorded again. */
const level = 0.25;
const noise = 10 ** (-10 / 20);
/** Semitones, and seconds. */
const hummedHigher = 3;
const within = 0.05;
/** Boxes that are tried for one in which something varies. */
const tries = 8;

interface Asked {
  readonly n: number;
  /** Of each axis. */
  readonly share: number;
  readonly seed: number;
}

export async function measureFragments(
  setting: Setting,
  data: string,
  { n, share, seed }: Asked,
): Promise<void> {
  const { model } = setting;
  const { outputs } = model.card.spec;
  const signals = await openDataset(data, 'test');
  const rng = new Rng(seed);
  const indexes = new NearIndexes(setting);
  const readSignal = () => Promise.reject(new Error('no file is read here'));
  const context = { ...setting, indexes, limits: defaultLimits, readSignal };
  const none = () => ({ first: 0, placed: 0 });
  const counts = { values: none(), correlation: none(), pitch: none() };
  // of sounds of one channel, in samples a second
  const [axis] = model.card.axes;
  const rate =
    model.card.axes.length === 1 && axis?.unit === 's' && outputs === 1 ? 1 / axis.step! : undefined;
  const times: number[] = [];
  const margins: number[] = [];
  let asked = 0;
  const stride = Math.max(1, Math.floor(Math.min(signals.length, setting.store.count) / n));
  for (let i = 0; i < signals.length && asked < n; i += stride) {
    const { id, shape, values } = await signals.get(i);
    if (setting.store.get(id) === undefined) continue;
    const count = shape.map((size) => Math.max(1, Math.round(share * size)));
    let best = { start: [] as number[], cut: new Float32Array(0), deviation: 0 };
    for (let t = 0; t < tries; t++) {
      const start = shape.map((size, axis) => Math.floor(rng.uniform() * (size - count[axis]! + 1)));
      const cut = cutBox(Float32Array.from(values), shape, outputs, { start, count });
      const deviation = deviationOf(cut);
      if (deviation > best.deviation) best = { start, cut, deviation };
    }
    if (best.deviation === 0) continue;
    asked++;
    const again = best.cut.map((v) => level * (v + noise * best.deviation * rng.normal()));
    const fragments = [
      ['values', best.cut],
      ['correlation', again],
      ...(rate === undefined ? [] : [['pitch', humOf(best.cut, rate, hummedHigher, seed + i)] as const]),
    ] as const;
    for (const [metric, cut] of fragments) {
      const signal = { shape: count, values: Array.from(cut) };
      const started = performance.now();
      const request = parseQuery({ kind: 'near', signal, anywhere: true, metric, k: 2 });
      const { items } = await collectAnswer(await runQuery(context, request));
      times.push(performance.now() - started);
      const [first, second] = items as { id: string; start: number[]; distance: number }[];
      const isFirst = first?.id === id;
      counts[metric].first += Number(isFirst);
      const off = Math.max(...(first?.start ?? []).map((x, axis) => Math.abs(x - best.start[axis]!)));
      counts[metric].placed += Number(isFirst && off <= (metric === 'pitch' ? within * rate! : 0));
      if (metric === 'values' && second !== undefined) margins.push(second.distance / first!.distance);
    }
  }
  const sorted = margins.sort((a, b) => a - b);
  console.log(
    `${setting.store.count} functions, fragments of ${100 * share} % of each axis (n ${asked}, seed ${seed}); as cut, by values: first ${counts.values.first}, at its very sample ${counts.values.placed}, the second ${sorted[sorted.length >> 1]?.toFixed(1)} times as far in the median, ${sorted[0]?.toFixed(1)} at the least; at a quarter of the level, noise at 10 dB, by correlation: first ${counts.correlation.first}, at its very sample ${counts.correlation.placed}${rate === undefined ? '' : `; hummed ${hummedHigher} semitones higher, by pitch: first ${counts.pitch.first}, within ${within} s ${counts.pitch.placed}`}`,
  );
  console.log(`  ${timesText(times)}`);
  signals.close();
}

function deviationOf(values: Float32Array): number {
  const n = values.length;
  const mean = values.reduce((sum, v) => sum + v, 0) / n;
  return Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / n);
}
