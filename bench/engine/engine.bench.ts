/**
 * Every engine on the works that matter, peers in the same run:
 *
 *   npm run bench:engine [-- --json] [--only WORK] [--threads 2] [--rounds 5]
 *
 * Each row is measured in a process of its own. PyTorch is a peer where it is installed (apt-get install python3-torch libopenblas0-pthread).
 */
import { spawnSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { loadNative } from '../../src/engine/native/native.ts';
import type { Measured } from './child.ts';
import { slowBlas, torchMeta } from './peer.ts';
import { type Row, tableOf, targetLines, targetsOf } from './report.ts';
import { tfjsRows } from './tfjs.bench.ts';
import { transformerRows } from './transformer.bench.ts';
import { metaWorks, works } from './works.ts';

/** A row that takes longer is cut short: what is left out are rounds, never the row. */
const secondsARow = 15;
const titles: Record<string, string> = {
  'residual-mlp': 'training step, residual MLP',
  transformer: 'training step, transformer of the diffusion',
};
/** Steps of a turn of the transformer, which takes half a second a step. */
const transformerSteps = 3;
const gigaflops: Record<string, number> = {};

interface Options {
  readonly only: string;
  readonly threads: number;
  readonly rounds: number;
}

/** What is timed on a work, beside PyTorch on the meta steps. */
function engineRuns(work: string, threads: number): [engine: string, threads: number][] {
  const all: [string, number][] = [
    ['native', threads],
    ['native', 1],
    ['wasm', threads],
  ];
  if (work === 'decode-large') return all.slice(0, 1);
  return work in metaWorks ? [...all, ['tfjs', threads]] : all;
}

async function run({ only, threads, rounds }: Options) {
  const rows: Row[] = [];
  const notes: string[] = [];
  /** By threads. */
  const peaks = new Map<number, number[]>();
  for (const [work, make] of Object.entries(works)) {
    if (!work.includes(only)) continue;
    const { title, flops } = make();
    titles[work] = title;
    gigaflops[work] = flops / 1e9;
    for (const [engine, asked] of engineRuns(work, threads)) {
      progress(title, engine);
      const measured = inChild(work, engine, asked, rounds);
      if (typeof measured === 'string') {
        notes.push(`${title}, ${engine}: ${measured}`);
        continue;
      }
      const row = rowOf(work, engine, measured, engine === 'tfjs' ? undefined : flops);
      rows.push(row);
      if (engine === 'native') peaks.set(asked, [...(peaks.get(asked) ?? []), ...measured.peaksGflops]);
    }
    if (!(work in metaWorks)) continue;
    progress(title, 'pytorch');
    const peer = await torchMeta(metaWorks[work]!(), threads, rounds, secondsARow);
    if (typeof peer === 'string') notes.push(`${title}, pytorch: ${peer}`);
    else {
      rows.push(rowOf(work, 'pytorch', peer, undefined));
      const error = peer.relativeError.toExponential(1);
      notes.push(`${title}, pytorch ${peer.torch} on ${peer.blas}: its gradient and ours differ by ${error}`);
      if (peer.blas === 'reference') notes.push(`${title}, pytorch: ${slowBlas}`);
    }
  }
  if ('residual-mlp'.includes(only)) {
    progress(titles['residual-mlp']!, 'every backend');
    const { rows: dense, absent } = tfjsRows(threads, rounds);
    for (const { engine, threads: used, n, medianMs, leastMs, mostMs, maxRssMb } of dense) {
      const spread = [leastMs, mostMs] as const;
      const work = 'residual-mlp';
      rows.push({ work, engine, threads: used, n, medianMs, spread, shareOfPeak: null, maxRssMb });
    }
    notes.push(...absent.map((why) => `${titles['residual-mlp']}, ${why}`));
  }
  if ('transformer'.includes(only)) {
    progress(titles.transformer!, 'native and pytorch in turns');
    const { rows: own, relativeError, absent } = transformerRows(threads, transformerSteps, rounds);
    for (const { engine, threads: used, n, medianMs, leastMs, mostMs, maxRssMb } of own) {
      const spread = [leastMs, mostMs] as const;
      rows.push({
        ...{ work: 'transformer', engine, threads: used, n, medianMs, spread, shareOfPeak: null, maxRssMb },
      });
    }
    notes.push(...absent.map((why) => `${titles.transformer}, ${why}`));
    if (relativeError !== undefined) {
      notes.push(`${titles.transformer}: gradients of the two differ by ${relativeError.toExponential(1)}`);
    }
  }
  const points = works.decode!().points!;
  return { rows, notes, peaks, targets: targetsOf(rows, threads, points) };
}

function progress(title: string, engine: string): void {
  process.stderr.write(`timing: ${title}, ${engine}\n`);
}

/** As deep in the package as compiled sources stand, so that they find the addon, the wasm module and each other. */
const compiled = fileURLToPath(new URL('../../build/bench/engine/run/', import.meta.url));

/** Rows are measured as JavaScript: a loader of TypeScript has memory of its own. */
async function compile(): Promise<void> {
  const source = (path: string) => fileURLToPath(new URL(path, import.meta.url));
  await build({
    entryPoints: { child: source('child.ts'), worker: source('../../src/engine/wasm/worker.ts') },
    outdir: compiled,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'warning',
  });
}

function inChild(work: string, engine: string, threads: number, rounds: number): Measured | string {
  const args = [`${compiled}child.js`, work, engine, threads, rounds, secondsARow].map(String);
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status === 0) return JSON.parse(stdout) as Measured;
  return stderr.split('\n').find((line) => /error/i.test(line)) ?? `exit status ${status}`;
}

function rowOf(work: string, engine: string, measured: Measured, flops: number | undefined): Row {
  const { threads, timesMs, peaksGflops, maxRssMb } = measured;
  const medianMs = median(timesMs);
  const share = flops && peaksGflops.length > 0 ? flops / medianMs / 1e6 / peaksGflops.at(-1)! : null;
  const spread = [timesMs[0]!, timesMs.at(-1)!] as const;
  return { work, engine, threads, n: timesMs.length, medianMs, spread, shareOfPeak: share ?? null, maxRssMb };
}

function median(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)]!;
}

/** Machine, commit, load. */
function setting() {
  const git = (...args: string[]) => spawnSync('git', args, { encoding: 'utf8' }).stdout?.trim() ?? '';
  const changed = git('status', '--porcelain', '--untracked-files=no') === '' ? '' : ' with changes';
  let instructions = 'no addon';
  try {
    instructions = loadNative().instructionSets()[0]!;
  } catch {}
  return {
    machine: `${cpus()[0]?.model ?? 'unknown processor'}, ${cpus().length} cores, ${instructions}`,
    commit: `${git('rev-parse', '--short', 'HEAD')}${changed}`,
    node: process.version,
    loadBefore: loadavg()[0]!,
  };
}

const { values } = parseArgs({
  options: {
    json: { type: 'boolean' },
    only: { type: 'string' },
    threads: { type: 'string' },
    rounds: { type: 'string' },
  },
});
const options: Options = {
  only: values.only ?? '',
  threads: Number(values.threads ?? 2),
  rounds: Number(values.rounds ?? 5),
};
const where = setting();
await compile();
const { rows, notes, peaks, targets: all } = await run(options);
const targets = options.only === '' ? all : all.filter(({ met }) => met !== null);
const loadAfter = loadavg()[0]!;
if (values.json) {
  console.log(JSON.stringify({ ...where, loadAfter, rows, targets, notes }, null, 2));
} else {
  const peakText = [...peaks].map(([threads, gflops]) => {
    const sorted = gflops.sort((a, b) => a - b);
    const [least, most] = [sorted[0]!, sorted.at(-1)!];
    return `${median(sorted).toFixed(0)} (${least.toFixed(0)} .. ${most.toFixed(0)}) at ${threads}`;
  });
  const load = `load ${where.loadBefore.toFixed(1)} before, ${loadAfter.toFixed(1)} after`;
  console.log(`${where.machine}; node ${where.node}; commit ${where.commit}; ${load}`);
  if (peakText.length > 0) console.log(`FMA peak in GFLOP/s by threads: ${peakText.join(', ')}`);
  for (const line of ['', ...tableOf(rows, titles, gigaflops), '', ...targetLines(targets), '', ...notes]) {
    console.log(line);
  }
}
