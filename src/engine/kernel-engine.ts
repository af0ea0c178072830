/** The Engine over a host of the kernel: checks arguments, lays out requests, splits what is too large for one. */
import { flagOf } from '../core/abort.ts';
import { AbortedError } from '../core/errors.ts';
import { type BaseNetwork, modulationLength, pointCount, totalChannels } from '../field/spec.ts';
import {
  allFinite,
  checkBatch,
  checkCall,
  checkModulationLength,
  checkModulations,
  checkNetwork,
  checkOuter,
  checkPoints,
  checkShape,
  checkTrajectory,
} from './check.ts';
import type { Batch, CallOptions, Engine, Modulations, Points } from './engine.ts';
import { type KernelRequest, requestBase, tasks } from './request.ts';

export interface KernelHost {
  readonly name: string;
  readonly threads: number;
  /** Runs a request; its results stand in the request's arrays afterwards. */
  run(request: KernelRequest): Promise<void>;
  close(): Promise<void>;
}

/** From this many points on, the signals of a batch are worked on one at a time, each by all threads. */
const LARGE_SIGNAL = 16_384;

export function kernelEngine(host: KernelHost): Engine {
  let closed = false;

  async function run(request: KernelRequest, options: CallOptions | undefined): Promise<void> {
    const { signal } = options ?? {};
    if (!signal) return host.run(request);
    const cancelled = flagOf(signal) ?? new Int32Array(new SharedArrayBuffer(4));
    const cancel = () => Atomics.store(cancelled, 0, 1);
    signal.addEventListener('abort', cancel, { once: true });
    try {
      await host.run({ ...request, cancelled });
    } finally {
      signal.removeEventListener('abort', cancel);
    }
    if (signal.aborted) throw new AbortedError();
  }

  /** `name`: what the caller knows the modulations by. */
  async function evaluateAll(
    net: BaseNetwork,
    { shape, count, modulations }: Modulations,
    name: string,
    points: Points,
    options: CallOptions | undefined,
    withSlopes = false,
  ): Promise<{ values: Float32Array; slopes: Float32Array | undefined }> {
    checkNetwork(net);
    checkShape(net.spec, shape);
    checkModulationLength(name, net.spec, shape, count, modulations);
    const channels = withSlopes ? totalChannels(net.spec) : 0;
    const n = checkPoints(net.spec, points, count * Math.max(1, channels));
    const values = new Float32Array(count * n * net.spec.outputs);
    const slopes = withSlopes ? new Float32Array(values.length * channels) : undefined;
    const where =
      points.kind === 'list'
        ? { coordinates: points.coordinates }
        : {
            grid: Float64Array.from([
              ...pad(points.start, 0),
              ...pad(points.step, 1),
              ...pad(points.count, 1),
            ]),
          };
    const base = requestBase(net, shape, count);
    await run(
      { task: tasks.evaluate, ...base, start: modulations, evaluatePoints: n, values, slopes, ...where },
      options,
    );
    // What is not finite in a modulation makes every value that reads it so. The modulation of a large signal is read in
    // many calls, a part in each: looking for faults in all of it each time would take longer than some of the calls.
    if (!allFinite(values)) checkModulations(name, net.spec, shape, count, modulations);
    return { values, slopes };
  }

  return {
    name: host.name,
    threads: host.threads,

    async evaluate(net, shape, modulation, points, options) {
      checkCall(closed, options);
      const signals = { shape, count: 1, modulations: modulation };
      return (await evaluateAll(net, signals, 'modulation', points, options)).values;
    },

    async evaluateMany(net, signals, points, options) {
      checkCall(closed, options);
      return (await evaluateAll(net, signals, 'modulations', points, options)).values;
    },

    async slopes(net, signals, points, options) {
      checkCall(closed, options);
      return (await evaluateAll(net, signals, 'modulations', points, options, true)).slopes!;
    },

    async gradient(net, batch, modulations, options) {
      checkCall(closed, options);
      checkBatch(net, batch);
      checkModulations('modulations', net.spec, batch.shape, batch.count, modulations);
      const losses = new Float64Array(batch.count);
      const gradient = new Float32Array(modulations.length);
      const m = modulationLength(net.spec, batch.shape);
      for (const part of parts(net, batch)) {
        const rows = (array: Float32Array) => array.subarray(part.first * m, (part.first + part.count) * m);
        await run(
          {
            task: tasks.gradient,
            steps: 0,
            ...part.request,
            start: rows(modulations),
            losses: losses.subarray(part.first, part.first + part.count),
            gradient: rows(gradient),
          },
          options,
        );
      }
      return { losses, gradient };
    },

    async adapt(net, batch, steps, options) {
      checkCall(closed, options);
      checkBatch(net, batch);
      checkTrajectory(net, batch, steps);
      const { count } = batch;
      const m = modulationLength(net.spec, batch.shape);
      const trajectory = new Float32Array((steps + 1) * count * m);
      if (options?.start) {
        checkModulations('start', net.spec, batch.shape, count, options.start);
        trajectory.set(options.start);
      }
      const losses = new Float64Array(steps * count);
      const split = parts(net, batch);
      for (const part of split) {
        const whole = split.length === 1;
        const mine = whole
          ? { trajectory, losses }
          : { trajectory: new Float32Array((steps + 1) * m), losses: new Float64Array(steps) };
        if (!whole) mine.trajectory.set(trajectory.subarray(part.first * m, (part.first + 1) * m));
        await run({ task: tasks.adapt, ...part.request, steps, ...mine }, options);
        if (whole) continue;
        for (let step = 0; step <= steps; step++) {
          trajectory.set(mine.trajectory.subarray(step * m, (step + 1) * m), (step * count + part.first) * m);
          if (step < steps) losses[step * count + part.first] = mine.losses[step]!;
        }
      }
      return { trajectory, losses };
    },

    async metaGradient(net, batch, adapted, outer, options) {
      checkCall(closed, options);
      checkBatch(net, batch);
      const steps = checkOuter(net, batch, adapted, outer);
      const m = modulationLength(net.spec, batch.shape);
      const result = {
        losses: new Float64Array(batch.count),
        weights: new Float32Array(net.weights.length),
        rates: new Float32Array(net.rates.length),
        modulations: new Float32Array(batch.count * m),
      };
      await run(
        {
          task: tasks.meta,
          ...batchRequest(net, batch, 0, batch.count),
          steps,
          trajectory: adapted.trajectory,
          distortionWeight: outer.distortionWeight,
          secondOrder: Number(outer.secondOrder ?? true),
          offset: outer.offset,
          extraGradient: outer.extraGradient,
          losses: result.losses,
          gradient: result.modulations,
          weightGradient: result.weights,
          rateGradient: result.rates,
        },
        options,
      );
      return result;
    },

    async close() {
      if (closed) return;
      closed = true;
      await host.close();
    },
  };
}

interface Part {
  readonly first: number;
  readonly count: number;
  readonly request: ReturnType<typeof batchRequest>;
}

/** The batch whole, or signal by signal where signals are large. */
function parts(net: BaseNetwork, batch: Batch): Part[] {
  const size = pointCount(batch.shape) >= LARGE_SIGNAL ? 1 : batch.count;
  return Array.from({ length: batch.count / size }, (_, i) => ({
    first: i * size,
    count: size,
    request: batchRequest(net, batch, i * size, size),
  }));
}

function batchRequest(net: BaseNetwork, batch: Batch, first: number, count: number) {
  const points = pointCount(batch.shape);
  const { outputs } = net.spec;
  return {
    ...requestBase(net, batch.shape, count),
    rates: net.rates,
    targets: batch.targets.subarray(first * points * outputs, (first + count) * points * outputs),
    pointWeights: batch.weights?.subarray(first * points, (first + count) * points),
  };
}

function pad(values: readonly number[], value: number): number[] {
  return [0, 1, 2].map((axis) => values[axis] ?? value);
}
