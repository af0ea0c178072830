/**
 * A training step of a residual MLP (4 blocks of 512, batch 256, Adam) in TensorFlow.js, on each of its backends, and in
 * PyTorch where it is installed (Debian: apt-get install python3-torch libopenblas0-pthread). Every peer runs in a process
 * of its own, so that memory is its own; medians of the steps after two that do not count.
 *
 *   node --import tsx bench/engine/tfjs.bench.ts [--json] [--threads 2] [--steps 5]
 */
import { spawnSync } from 'node:child_process';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Tensor, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import { createAdam, openTensorFlow, type TensorFlowBackend } from '../../src/engine/tfjs/backend.ts';
import { torchEnvironment, torchPython } from './python.ts';

const width = 512;
const rows = 256;
const blocks = 4;
/** Products of a step: two a block, each forward, for its input and for its weights. */
const stepFlops = blocks * 2 * 3 * 2 * rows * width * width;

export interface BenchRow {
  readonly work: string;
  readonly engine: string;
  readonly threads: number;
  readonly medianMs: number;
  readonly leastMs: number;
  readonly mostMs: number;
  readonly n: number;
  /** Processor time of all threads in the median step: what a busy machine leaves comparable. */
  readonly cpuMs: number;
  /** Of the matrix products alone. */
  readonly gigaflopsPerSecond: number;
  readonly maxRssMb: number;
}

/** The rows of all peers that are there, and why the others are not. */
export function tfjsRows(threads: number, steps: number): { rows: BenchRow[]; absent: string[] } {
  const rows: BenchRow[] = [];
  const absent: string[] = [];
  const self = fileURLToPath(import.meta.url);
  const python = fileURLToPath(new URL('residual_mlp.py', import.meta.url));
  const peers: [engine: string, threads: number, command: string, args: string[]][] = [
    ...(['tfjs-node', 'functa', 'wasm', 'cpu'] as const).map((backend): (typeof peers)[0] => [
      backend.startsWith('tfjs') ? backend : `tfjs-${backend}`,
      backend === 'wasm' || backend === 'cpu' ? 1 : threads,
      process.execPath,
      [
        '--import',
        'tsx',
        self,
        '--child',
        backend,
        '--threads',
        String(threads),
        '--steps',
        String(backend === 'cpu' ? Math.min(3, steps) : steps),
      ],
    ]),
    ['pytorch', threads, torchPython(), [python, String(threads), String(steps)]],
  ];
  for (const [engine, used, command, args] of peers) {
    // Else PyTorch maps its memory anew in every step, and page faults dominate.
    const malloc = { MALLOC_MMAP_MAX_: '0', MALLOC_TRIM_THRESHOLD_: String(2 ** 34) };
    const env = engine === 'pytorch' ? { ...torchEnvironment(), ...malloc } : process.env;
    const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env });
    const line = stdout?.split('\n').find((text) => text.startsWith('{'));
    if (status !== 0 || line === undefined) {
      absent.push(
        `${engine}: ${
          stderr
            ?.trim()
            .split('\n')
            .findLast((text) => /error/i.test(text)) ?? 'it does not run here'
        }`,
      );
      continue;
    }
    const { times, cpuTimes, maxRssMb } = JSON.parse(line) as Record<'times' | 'cpuTimes', number[]> & {
      maxRssMb: number;
    };
    times.sort((a, b) => a - b);
    cpuTimes.sort((a, b) => a - b);
    const medianMs = times[Math.floor(times.length / 2)]!;
    rows.push({
      work: 'residual MLP, training step',
      engine,
      threads: used,
      medianMs,
      leastMs: times[0]!,
      mostMs: times.at(-1)!,
      n: times.length,
      cpuMs: cpuTimes[Math.floor(cpuTimes.length / 2)]!,
      gigaflopsPerSecond: stepFlops / medianMs / 1e6,
      maxRssMb,
    });
  }
  return { rows, absent };
}

async function child(backend: TensorFlowBackend, threads: number, steps: number): Promise<void> {
  const { tf } = await openTensorFlow({ backend, threads });
  const weights = (): Variable =>
    tf.tidy(() => tf.variable(tf.randomNormal([width, width], 0, 1 / Math.sqrt(width))));
  const bias = (): Variable => tf.tidy(() => tf.variable(tf.zeros([width])));
  const layers = Array.from({ length: blocks }, () => [weights(), bias(), weights(), bias()] as const);
  const variables = layers.flat();
  const x = tf.randomNormal([rows, width]);
  const y = tf.randomNormal([rows, width]);
  const adam = createAdam(tf, variables);
  const forward = () =>
    layers.reduce<Tensor>((h, [w1, b1, w2, b2]) => {
      const inner = tf.relu(tf.add(tf.matMul(h as Tensor2D, w1 as unknown as Tensor2D), b1));
      return tf.add(h, tf.add(tf.matMul(inner as Tensor2D, w2 as unknown as Tensor2D), b2));
    }, x);
  const times: number[] = [];
  const cpuTimes: number[] = [];
  for (let i = -2; i < steps; i++) {
    const start = performance.now();
    const cpuStart = process.cpuUsage();
    const { value, grads } = tf.variableGrads(() => tf.mean(tf.squaredDifference(forward(), y)), variables);
    const gradients = variables.map(({ name }) => grads[name]!);
    adam.update(gradients, 1e-3);
    await value.data();
    tf.dispose([value, ...gradients]);
    if (i < 0) continue;
    times.push(performance.now() - start);
    const { user, system } = process.cpuUsage(cpuStart);
    cpuTimes.push((user + system) / 1000);
  }
  console.log(JSON.stringify({ times, cpuTimes, maxRssMb: process.resourceUsage().maxRSS / 1024 }));
}

function print({ rows, absent }: ReturnType<typeof tfjsRows>): void {
  console.log(`load ${loadavg()[0]!.toFixed(1)} when it ended`);
  for (const row of rows) {
    const { engine, threads, medianMs, leastMs, mostMs, n, cpuMs, gigaflopsPerSecond, maxRssMb } = row;
    console.log(
      `${engine.padEnd(12)} ${threads} threads  ${medianMs.toFixed(1).padStart(8)} ms  (${leastMs.toFixed(1)} to ${mostMs.toFixed(1)}, n ${n})` +
        `  cpu ${cpuMs.toFixed(1).padStart(8)} ms  ${gigaflopsPerSecond.toFixed(1).padStart(6)} GFLOP/s  ${maxRssMb.toFixed(0).padStart(5)} MB`,
    );
  }
  for (const why of absent) console.log(`absent: ${why}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      threads: { type: 'string' },
      steps: { type: 'string' },
      child: { type: 'string' },
    },
  });
  const threads = Number(values.threads ?? 2);
  const steps = Number(values.steps ?? 5);
  if (values.child !== undefined) await child(values.child as TensorFlowBackend, threads, steps);
  else if (values.json) console.log(JSON.stringify(tfjsRows(threads, steps)));
  else print(tfjsRows(threads, steps));
}
