/** The Engine over a host of the kernel: lays out requests, splits what is too large for one. */
import { flagOf } from '../core/abort.ts';
import { AbortedError } from '../core/errors.ts';
import { forEachLevel, modulationLayout } from '../field/layout.ts';
import { type BaseNetwork, modulationLength, pointCount, ratesAt, totalChannels } from '../field/spec.ts';
import { checkedEngine } from './checked.ts';
import type { Batch, CallOptions, Engine, ModulationBatch, Points } from './engine.ts';
import { pointParts } from './point-parts.ts';
import { pointsIn } from './points.ts';
import { deriveRequest, evaluateRequest, type KernelRequest, requestBase, tasks } from './request.ts';
import { gradientInWindows, type Window, windowsOf } from './windows.ts';

export interface KernelHost {
  readonly name: string;
  readonly threads: number;
  readonly multiply?: Engine['multiply'];
  /** Runs a request; its results stand in the request's arrays afterwards. */
  run(request: KernelRequest): Promise<void>;
  close(): Promise<void>;
}

/** From this many points on, the signals of a batch are worked on one at a time, each by all threads. */
const LARGE_SIGNAL = 16_384;
/** Signals of more points are worked on in windows of about so many, and evaluated so many at a time: below, what the kernel holds is little. */
const windowed = { above: 2 ** 18, points: 2 ** 15, evaluated: 2 ** 17 };

export function kernelEngine(host: KernelHost): Engine {
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

  async function evaluateAll(
    net: BaseNetwork,
    signals: ModulationBatch,
    points: Points,
    options: CallOptions | undefined,
    withSlopes = false,
  ): Promise<{ values: Float32Array; slopes: Float32Array | undefined }> {
    const channels = withSlopes ? totalChannels(net.spec) : 0;
    const request = evaluateRequest(net, signals, points);
    const { values } = request;
    const slopes = withSlopes ? new Float32Array(values.length * channels) : undefined;
    await run({ ...request, slopes }, options);
    return { values, slopes };
  }

  /** Values [count, points, outputs]; of many points part by part, so that what the kernel holds does not grow with them. */
  async function valuesAt(
    net: BaseNetwork,
    signals: ModulationBatch,
    points: Points,
    options: CallOptions | undefined,
  ): Promise<Float32Array> {
    const all = pointsIn(points, net.spec.axes);
    if (all <= windowed.above) return (await evaluateAll(net, signals, points, options)).values;
    const { outputs } = net.spec;
    const values = new Float32Array(signals.count * all * outputs);
    for (const part of pointParts(points, net.spec.axes, windowed.evaluated)) {
      const { values: found } = await evaluateAll(net, signals, part.points, options);
      const length = part.count * outputs;
      for (let i = 0; i < signals.count; i++)
        values.set(found.subarray(i * length, (i + 1) * length), (i * all + part.first) * outputs);
    }
    return values;
  }

  /** Loss of a batch of one signal; writes its gradient [m]. */
  async function lossAndGradient(
    net: BaseNetwork,
    batch: Batch,
    modulation: Float32Array,
    gradient: Float32Array,
    options: CallOptions | undefined,
  ): Promise<number> {
    const losses = new Float64Array(1);
    const request = batchRequest(net, batch, 0, 1);
    await run({ task: tasks.gradient, steps: 0, ...request, start: modulation, losses, gradient }, options);
    return losses[0]!;
  }

  /** `adapt` of one signal, step by step, each in windows: `trajectory` [steps + 1, m] begins with the start. */
  async function adaptInWindows(
    windows: readonly Window[],
    net: BaseNetwork,
    batch: Batch,
    { trajectory, losses }: { readonly trajectory: Float32Array; readonly losses: Float64Array },
    options: CallOptions | undefined,
  ): Promise<void> {
    const layout = modulationLayout(net.spec, batch.shape);
    const { length: m } = layout;
    const gradient = new Float32Array(m);
    for (let step = 0; step < losses.length; step++) {
      const from = trajectory.subarray(step * m, (step + 1) * m);
      const to = trajectory.subarray((step + 1) * m, (step + 2) * m);
      losses[step] = await gradientInWindows(windows, net.spec, batch, from, gradient, (part, phi, slope) =>
        lossAndGradient(net, part, phi, slope, options),
      );
      forEachLevel(layout, from, (start, end, { channels, first }) => {
        const rates = net.rates.subarray(ratesAt(net, step) + first);
        for (let i = start, c = 0; i < end; i++) {
          to[i] = from[i]! - rates[c]! * gradient[i]!;
          if (++c === channels) c = 0;
        }
      });
    }
  }

  return checkedEngine({
    name: host.name,
    threads: host.threads,
    ...(host.multiply && { multiply: host.multiply }),

    async evaluate(net, shape, modulation, points, options) {
      const signals = { shape, count: 1, modulations: modulation };
      return valuesAt(net, signals, points, options);
    },

    async evaluateMany(net, signals, points, options) {
      return valuesAt(net, signals, points, options);
    },

    async slopes(net, signals, points, options) {
      return (await evaluateAll(net, signals, points, options, true)).slopes!;
    },

    async derivatives(net, signals, positions, options) {
      const request = deriveRequest(net, signals, positions);
      await run(request, options);
      return { values: request.values64, slopes: request.slopes64 };
    },

    async gradient(net, batch, modulations, options) {
      const losses = new Float64Array(batch.count);
      const gradient = new Float32Array(modulations.length);
      const m = modulationLength(net.spec, batch.shape);
      const windows = largeWindows(net, batch);
      for (const part of parts(net, batch)) {
        const rows = (array: Float32Array) => array.subarray(part.first * m, (part.first + part.count) * m);
        if (windows !== undefined) {
          losses[part.first] = await gradientInWindows(
            windows,
            net.spec,
            sliceOf(batch, part),
            rows(modulations),
            rows(gradient),
            (window, phi, slope) => lossAndGradient(net, window, phi, slope, options),
          );
          continue;
        }
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
      const { count } = batch;
      const m = modulationLength(net.spec, batch.shape);
      const trajectory = new Float32Array((steps + 1) * count * m);
      if (options?.start) trajectory.set(options.start);
      const losses = new Float64Array(steps * count);
      const split = parts(net, batch);
      const windows = largeWindows(net, batch);
      for (const part of split) {
        const whole = split.length === 1;
        const mine = whole
          ? { trajectory, losses }
          : { trajectory: new Float32Array((steps + 1) * m), losses: new Float64Array(steps) };
        if (!whole) mine.trajectory.set(trajectory.subarray(part.first * m, (part.first + 1) * m));
        if (windows !== undefined) await adaptInWindows(windows, net, sliceOf(batch, part), mine, options);
        else await run({ task: tasks.adapt, ...part.request, steps, ...mine }, options);
        if (whole) continue;
        for (let step = 0; step <= steps; step++) {
          trajectory.set(mine.trajectory.subarray(step * m, (step + 1) * m), (step * count + part.first) * m);
          if (step < steps) losses[step * count + part.first] = mine.losses[step]!;
        }
      }
      return { trajectory, losses };
    },

    async metaGradient(net, batch, adapted, outer, options) {
      const steps = adapted.losses.length / batch.count;
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

    close: () => host.close(),
  });
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

function largeWindows(net: BaseNetwork, { shape }: Batch): Window[] | undefined {
  return pointCount(shape) > windowed.above ? windowsOf(net.spec, shape, windowed.points) : undefined;
}

/** The one signal of a part. */
function sliceOf({ shape }: Batch, { request }: Part): Batch {
  return { shape, count: 1, targets: request.targets, weights: request.pointWeights };
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
