/**
 * Times one work on one engine, in a process of its own so that its memory is its own:
 *
 *   child.ts WORK ENGINE THREADS ROUNDS SECONDS     prints one line of JSON, a `Measured`
 *
 * The FMA peak is measured in turn with the work: both see the same load and the same clock.
 */
import { fileURLToPath } from 'node:url';
import type { Engine } from '../../src/engine/engine.ts';
import { engineNamed, openEngine } from '../../src/engine/index.ts';
import { loadNative } from '../../src/engine/native/native.ts';
import { works } from './works.ts';

export interface Measured {
  readonly threads: number;
  /** Sorted. */
  readonly timesMs: readonly number[];
  /** Sorted; empty without the addon. */
  readonly peaksGflops: readonly number[];
  readonly maxRssMb: number;
  /** Before the work was laid out: the runtime and the sources. */
  readonly baseRssMb: number;
}

/** Long enough to be at the clock of vector code, short against the work. */
const peakMs = 10;

/** At least `rounds` rounds and half a second, unless `seconds` are over. */
async function measure(
  engine: Engine,
  run: (engine: Engine) => Promise<unknown>,
  rounds: number,
  seconds: number,
) {
  const peak = peakMeter(engine.threads);
  const timesMs: number[] = [];
  const peaksGflops: number[] = [];
  const started = performance.now();
  await run(engine);
  if (performance.now() - started < 1000 * seconds) await run(engine);
  for (let spent = 0; spent < 500 || timesMs.length < rounds; ) {
    if (peak) peaksGflops.push(peak());
    const start = performance.now();
    await run(engine);
    const took = performance.now() - start;
    timesMs.push(took);
    spent += took;
    if (performance.now() - started > 1000 * seconds) break;
  }
  const upwards = (a: number, b: number) => a - b;
  return { timesMs: timesMs.sort(upwards), peaksGflops: peaksGflops.sort(upwards) };
}

/** GFLOP/s of `threads` threads at multiply-adds in registers; `undefined` without the addon. */
function peakMeter(threads: number): (() => number) | undefined {
  let addon: ReturnType<typeof loadNative>;
  try {
    addon = loadNative();
  } catch {
    return undefined;
  }
  const timed = (iterations: number) => {
    const start = performance.now();
    const flops = addon.peak(iterations, threads);
    return { flops, ms: performance.now() - start };
  };
  // The best of many short looks: whatever else the machine does, some of them are undisturbed.
  const look = 20_000;
  let iterations = 0;
  for (let i = 0; i < 50; i++) iterations = Math.max(iterations, Math.ceil((look * peakMs) / timed(look).ms));
  return () => {
    const { flops, ms } = timed(iterations);
    return flops / ms / 1e6;
  };
}

async function main([work, name, threads, rounds, seconds]: string[]): Promise<void> {
  const engine = await openEngine(engineNamed(name), { threads: Number(threads) });
  const baseRssMb = process.memoryUsage.rss() / 2 ** 20;
  const { run } = works[work!]!();
  const times = await measure(engine, run, Number(rounds), Number(seconds));
  const maxRssMb = process.resourceUsage().maxRSS / 1024;
  const measured: Measured = { threads: engine.threads, ...times, maxRssMb, baseRssMb };
  console.log(JSON.stringify(measured));
  await engine.close();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
