/**
 * A training step of the denoiser (net.ts: 49 tokens, width 128, 5 blocks, 1.1 M weights, batch 128, Adam) by the native kernels,
 * and in PyTorch where it is installed (Debian: apt-get install python3-torch libopenblas0-pthread). The two take turns in processes of
 * their own, each with the same weights and the same batch; their gradients are held against each other.
 *
 *   node --import tsx bench/engine/transformer.bench.ts [--json] [--threads 1] [--steps 3] [--turns 5]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  type DenoiserInput,
  type DenoiserSize,
  denoiserShapes,
  levelNumbers,
  startWeights,
} from '../../prior/diffusion/net.ts';
import { nativeDenoiser } from '../../prior/diffusion/net-native.ts';
import { adamUpdate } from '../../prior/train/array-loop.ts';
import { Rng } from '../../src/core/rng.ts';
import { normError } from '../../src/engine/contract/measure.ts';
import { torchEnvironment, torchPython } from './python.ts';

const size: DenoiserSize = {
  ...{ tokens: 49, slots: 8, width: 128, blocks: 5, heads: 4, labels: 10 },
  ...{ activation: 'gelu', tokenLevels: true },
};
const count = 128;
const engines = ['native', 'pytorch'] as const;

interface Times {
  readonly times: readonly number[];
  /** Processor time of all threads: what a busy machine leaves comparable. */
  readonly cpuTimes: readonly number[];
  readonly maxRssMb: number;
}

export interface TransformerRow {
  readonly engine: (typeof engines)[number];
  readonly threads: number;
  readonly n: number;
  readonly medianMs: number;
  readonly leastMs: number;
  readonly mostMs: number;
  readonly cpuMs: number;
  readonly maxRssMb: number;
}

export interface TransformerRows {
  readonly rows: readonly TransformerRow[];
  /** Of all gradients, in the 2-norm; absent without PyTorch. */
  readonly relativeError?: number;
  readonly absent: readonly string[];
}

/** Weights in general position: at the start gates are zero, and most gradients too. */
function problem() {
  const rng = new Rng(7);
  const normals = (n: number) => Float32Array.from({ length: n }, () => rng.normal());
  const weights = startWeights(size, rng).map((values) => values.map((value) => value + 0.02 * rng.normal()));
  const label = new Float32Array(count * size.labels);
  for (let i = 0; i < count; i++) label[i * size.labels + (i % size.labels)] = 1;
  const x = normals(count * size.tokens * size.slots);
  const level = normals(count * levelNumbers);
  const levels = normals(count * size.tokens * levelNumbers);
  const input: DenoiserInput = { count, x, level, levels, label };
  return { weights, input, target: normals(x.length) };
}

/** `turns` runs of each, in turns, of `steps` steps after one that does not count. */
export function transformerRows(threads: number, steps: number, turns: number): TransformerRows {
  const directory = mkdtempSync(join(tmpdir(), 'functa-transformer-'));
  try {
    writeTask(directory);
    const self = fileURLToPath(import.meta.url);
    const script = fileURLToPath(new URL('transformer.py', import.meta.url));
    const sizes = [directory, threads, steps].map(String);
    const found = new Map<string, Times[]>(engines.map((engine) => [engine, []]));
    const absent = new Map<string, string>();
    for (let turn = 0; turn < turns; turn++) {
      for (const engine of engines) {
        if (absent.has(engine)) continue;
        const { status, stdout, stderr } =
          engine === 'native'
            ? spawnSync(process.execPath, ['--import', 'tsx', self, '--child', ...sizes], {
                encoding: 'utf8',
              })
            : spawnSync(torchPython(), [script, ...sizes], { encoding: 'utf8', env: peerEnvironment() });
        if (status === 0) found.get(engine)!.push(JSON.parse(stdout) as Times);
        else absent.set(engine, `${engine}: ${stderr?.trim().split('\n').at(-1) ?? 'it does not run here'}`);
      }
    }
    const rows = engines.flatMap((engine) => {
      const all = found.get(engine)!;
      return all.length === 0 ? [] : [rowOf(engine, threads, all)];
    });
    const error = absent.has('pytorch') ? undefined : errorOf(directory);
    return { rows, absent: [...absent.values()], ...(error === undefined ? {} : { relativeError: error }) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Else every step maps its memory anew, and page faults dominate. */
function peerEnvironment(): NodeJS.ProcessEnv {
  return { ...torchEnvironment(), MALLOC_MMAP_MAX_: '0', MALLOC_TRIM_THRESHOLD_: String(2 ** 34) };
}

function rowOf(engine: TransformerRow['engine'], threads: number, all: readonly Times[]): TransformerRow {
  const upwards = (values: readonly number[]) => [...values].sort((a, b) => a - b);
  const times = upwards(all.flatMap((one) => one.times));
  const cpu = upwards(all.flatMap((one) => one.cpuTimes));
  return {
    engine,
    threads,
    n: times.length,
    medianMs: times[times.length >> 1]!,
    leastMs: times[0]!,
    mostMs: times.at(-1)!,
    cpuMs: cpu[cpu.length >> 1]!,
    maxRssMb: Math.max(...all.map(({ maxRssMb }) => maxRssMb)),
  };
}

function writeTask(directory: string): void {
  const { weights, input, target } = problem();
  const write = (name: string, values: Float32Array) => writeFileSync(join(directory, name), values);
  const shapes = Object.fromEntries(denoiserShapes(size));
  for (const [i, name] of Object.keys(shapes).entries()) write(`weight.${name}`, weights[i]!);
  for (const name of ['x', 'level', 'levels', 'label'] as const) write(name, input[name]);
  write('target', target);
  writeFileSync(join(directory, 'task.json'), JSON.stringify({ ...size, count, shapes }));
}

/** Gradients of the mean squared difference, as PyTorch has written its own. */
function errorOf(directory: string): number {
  const { weights, input, target } = problem();
  const net = nativeDenoiser(size, weights, 1)!;
  const gradients = net.pullToWeights(input, (found) => slopeOf(found, target));
  const own = [...denoiserShapes(size).keys()].map((name, i) => {
    const bytes = new Uint8Array(readFileSync(join(directory, `gradient.${name}`)));
    return [gradients[i]!, new Float32Array(bytes.buffer)] as const;
  });
  const joined = (part: 0 | 1) => Float32Array.from(own.flatMap((pair) => [...pair[part]]));
  return normError(joined(0), joined(1));
}

function slopeOf(found: Float32Array, target: Float32Array): Float32Array {
  const scale = 2 / found.length;
  return found.map((value, i) => scale * (value - target[i]!));
}

function child(threads: number, steps: number): void {
  const { weights, input, target } = problem();
  const net = nativeDenoiser(size, weights, threads);
  if (net === undefined) throw new Error('there is no native addon; to make it: npm run build:native');
  const adam = adamUpdate();
  const zeros = () => weights.map(({ length }) => new Float32Array(length));
  const [first, second] = [zeros(), zeros()];
  const times: number[] = [];
  const cpuTimes: number[] = [];
  for (let i = -1; i < steps; i++) {
    const start = performance.now();
    const cpuStart = process.cpuUsage();
    const gradients = net.pullToWeights(input, (found) => slopeOf(found, target));
    const t = i + 2;
    const options = Float64Array.of(1e-3, 0.9, 0.999, 1e-8, 1 - 0.9 ** t, 1 - 0.999 ** t);
    weights.forEach((values, k) => {
      adam(gradients[k]!, values, first[k]!, second[k]!, options);
    });
    net.refresh();
    if (i < 0) continue;
    times.push(performance.now() - start);
    const { user, system } = process.cpuUsage(cpuStart);
    cpuTimes.push((user + system) / 1000);
  }
  console.log(JSON.stringify({ times, cpuTimes, maxRssMb: process.resourceUsage().maxRSS / 1024 }));
}

function print({ rows, relativeError, absent }: TransformerRows): void {
  console.log(`load ${loadavg()[0]!.toFixed(1)} when it ended`);
  for (const { engine, threads, n, medianMs, leastMs, mostMs, cpuMs, maxRssMb } of rows) {
    console.log(
      `${engine.padEnd(8)} ${threads} threads  ${medianMs.toFixed(0)} ms (${leastMs.toFixed(0)} to ${mostMs.toFixed(0)}, n ${n})  cpu ${cpuMs.toFixed(0)} ms  ${maxRssMb.toFixed(0)} MB`,
    );
  }
  if (relativeError !== undefined) console.log(`gradients differ by ${relativeError.toExponential(1)}`);
  for (const why of absent) console.log(`absent: ${why}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    options: {
      json: { type: 'boolean' },
      threads: text,
      steps: text,
      turns: text,
      child: { type: 'boolean' },
    },
    allowPositionals: true,
  });
  if (values.child) child(Number(positionals[1]), Number(positionals[2]));
  else {
    const rows = transformerRows(
      Number(values.threads ?? 1),
      Number(values.steps ?? 3),
      Number(values.turns ?? 5),
    );
    if (values.json) console.log(JSON.stringify(rows));
    else print(rows);
  }
}
