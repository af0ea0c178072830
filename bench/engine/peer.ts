/** The meta steps in PyTorch, where it is installed: the same numbers in, and its gradient held against the engine's. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { normError } from '../../src/engine/contract/measure.ts';
import { openEngine } from '../../src/engine/index.ts';
import { coveringGrid, features, gridPositions, levelStencil } from '../../src/field/coordinates.ts';
import { featureCount, gridCells, pointCount } from '../../src/field/spec.ts';
import type { Measured } from './child.ts';
import { torchEnvironment, torchPython } from './python.ts';
import type { MetaWork } from './works.ts';

export interface PeerMeasured extends Measured {
  /** Of the gradient of the shared weights, in the 2-norm, against the best engine here. */
  readonly relativeError: number;
  readonly torch: string;
  /** `reference`: a slow one, see `slowBlas`. */
  readonly blas: string;
}

/** What to say of a peer that runs with less than it could have. */
export const slowBlas = 'it has the reference BLAS; for a fair peer: apt-get install libopenblas0-pthread';

/** Times of PyTorch, or in one line why there are none. */
export async function torchMeta(
  work: MetaWork,
  threads: number,
  rounds: number,
  seconds: number,
): Promise<PeerMeasured | string> {
  const directory = mkdtempSync(join(tmpdir(), 'functa-torch-'));
  try {
    writeTask(work, directory);
    const script = fileURLToPath(new URL('torch_meta.py', import.meta.url));
    const { status, stdout, stderr } = spawnSync(
      torchPython(),
      [script, directory, threads, rounds, seconds].map(String),
      {
        encoding: 'utf8',
        // Else every step maps its memory anew, and page faults dominate.
        env: { ...torchEnvironment(), MALLOC_MMAP_MAX_: '0', MALLOC_TRIM_THRESHOLD_: String(2 ** 34) },
      },
    );
    if (status !== 0) {
      if (stderr === null || /No module named '?(torch|numpy)/.test(stderr)) {
        return 'not installed; to have it: apt-get install python3-torch libopenblas0-pthread';
      }
      return stderr.trim().split('\n').at(-1)!;
    }
    const measured = JSON.parse(stdout) as Measured & { torch: string; blas: string };
    const got = new Float32Array(new Uint8Array(readFileSync(join(directory, 'gradient'))).buffer);
    return { ...measured, peaksGflops: [], relativeError: await errorAgainstEngine(work, got) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function writeTask({ net, batch, steps }: MetaWork, directory: string): void {
  const { spec } = net;
  const { shape, count } = batch;
  const points = pointCount(shape);
  const positions = gridPositions(coveringGrid(shape));
  const position = (p: number) => positions.subarray(p * spec.axes, (p + 1) * spec.axes);
  const write = (name: string, values: Float32Array) => writeFileSync(join(directory, name), values);
  const seen = new Float32Array(points * featureCount(spec));
  for (let p = 0; p < points; p++) seen.set(features(spec, shape, position(p)), p * featureCount(spec));
  const levels = spec.levels.map((level, k) => {
    const cells = pointCount(gridCells(level, shape));
    const stencil = new Float32Array(points * cells);
    for (let p = 0; p < points; p++) {
      for (const { cell, weight } of levelStencil(spec, level, shape, position(p))) {
        stencil[p * cells + cell]! += weight;
      }
    }
    if (cells > 1) write(`stencil.${k}`, stencil);
    return { cells, channels: level.channels };
  });
  write('features', seen);
  write('targets', batch.targets);
  write('weights', net.weights);
  write('rates', net.rates);
  const { width, layers, outputs, w0 } = spec;
  const task = { width, layers, outputs, w0, levels, count, points, steps };
  writeFileSync(join(directory, 'task.json'), JSON.stringify(task));
}

async function errorAgainstEngine({ net, batch, steps }: MetaWork, got: Float32Array): Promise<number> {
  const engine = await openEngine();
  try {
    const adapted = await engine.adapt(net, batch, steps);
    const { weights: want } = await engine.metaGradient(net, batch, adapted, { distortionWeight: 1 });
    return normError(got, want);
  } finally {
    await engine.close();
  }
}
