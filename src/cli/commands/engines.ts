/** `functa engines`: which engines this machine has, and what they are worth here. */
import type { Command } from 'commander';
import type { Engine } from '../../engine/engine.ts';
import type { Job, Report } from '../job.ts';
import { integer } from '../options.ts';
import type { Run } from '../program.ts';
import { columns } from '../text.ts';

interface EngineFlags {
  readonly rounds: number;
}

interface Timing {
  /** Median time of adapting one 32 x 32 RGB picture, 3 steps. */
  readonly encodeMs: number;
  /** Median rate of evaluating a function at 128 x 128 points. */
  readonly decodePointsPerSecond: number;
}

export function addEngines(program: Command, run: Run): void {
  program
    .command('engines')
    .description('list the engines, why some are not here, and time each on a small job')
    .option('--rounds <n>', 'how often each job is timed', integer(1, 1000), 5)
    .action(run(engines));
}

async function engines(job: Job, { rounds }: EngineFlags): Promise<Report> {
  const { listEngines, openEngine } = await import('../../engine/index.ts');
  const { engine: only, threads } = job.globals;
  const found: Record<string, unknown>[] = [];
  const rows = [['engine', 'threads', 'encode 32 x 32', 'decode']];
  for (const state of await listEngines()) {
    if (only !== undefined && state.name !== only) continue;
    if (!state.present) {
      found.push({ ...state });
      rows.push([state.name, '-', `not here: ${state.why}`]);
      continue;
    }
    const engine = await openEngine(state.name, threads === undefined ? {} : { threads });
    try {
      const timing = await time(engine, rounds, job.signal);
      found.push({ ...state, threads: engine.threads, ...timing });
      rows.push([
        state.name,
        String(engine.threads),
        `${timing.encodeMs.toPrecision(3)} ms`,
        `${(timing.decodePointsPerSecond / 1e6).toPrecision(3)} Mpoint/s`,
      ]);
    } finally {
      await engine.close();
    }
  }
  return {
    data: { rounds, engines: found },
    lines: [...columns(rows), `medians of ${rounds}; a pyramid of width 64 and 3 layers, 3 inner steps`],
  };
}

async function time(engine: Engine, rounds: number, signal: AbortSignal): Promise<Timing> {
  const { Rng } = await import('../../core/rng.ts');
  const { initialWeights } = await import('../../field/initialise.ts');
  const { pyramid } = await import('../../field/presets.ts');
  const { modulationLength, totalChannels } = await import('../../field/spec.ts');
  const spec = pyramid({ axes: 2, outputs: 3 });
  const rng = new Rng(1);
  const network = {
    spec,
    weights: initialWeights(spec, () => rng.uniform()),
    rates: new Float32Array(totalChannels(spec)).fill(1e-3),
  };
  const shape = [32, 32];
  const targets = Float32Array.from({ length: 32 * 32 * 3 }, () => rng.uniform() - 0.5);
  const modulation = Float32Array.from({ length: modulationLength(spec, shape) }, () => rng.normal());
  const side = 128;
  const step = 32 / side;
  const points = {
    kind: 'grid',
    start: [step / 2, step / 2],
    step: [step, step],
    count: [side, side],
  } as const;
  const encodeMs = await medianMs(rounds, () =>
    engine.adapt(network, { shape, count: 1, targets }, 3, { signal }),
  );
  const decodeMs = await medianMs(rounds, () =>
    engine.evaluate(network, shape, modulation, points, { signal }),
  );
  return { encodeMs, decodePointsPerSecond: (side * side * 1000) / decodeMs };
}

/** After one round that does not count. */
async function medianMs(rounds: number, work: () => Promise<unknown>): Promise<number> {
  await work();
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const started = performance.now();
    await work();
    times.push(performance.now() - started);
  }
  return times.sort((a, b) => a - b)[Math.floor(rounds / 2)]!;
}
