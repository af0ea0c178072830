import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fieldLimits } from '../field/limits.ts';
import { engineLimits } from './check.ts';
import { fixedCases } from './contract/cases.ts';
import { loadNative } from './native/native.ts';
import { type KernelRequest, requestBase, tasks } from './request.ts';
import { maxThreads, threadCount } from './threads.ts';
import { createMemory, type KernelExports, layOut } from './wasm/memory.ts';
import { readWasm } from './wasm/wasm.ts';

/** Constants of a C++ file whose names begin with MAX_. */
function constants(file: string): Record<string, number> {
  const source = readFileSync(new URL(file, import.meta.url), 'utf8');
  const found = source.matchAll(/\b(MAX_[A-Z]+) = ([^,;]+)[,;]/g);
  return Object.fromEntries([...found].map(([, name, value]) => [name, Number(evaluated(value!))]));
}

function evaluated(value: string): number {
  const shift = /^(\d+) << (\d+)$/.exec(value);
  return shift ? Number(shift[1]) * 2 ** Number(shift[2]) : Number(value);
}

const wrong: readonly (readonly [string, (request: KernelRequest) => object])[] = [
  ['9 levels', (r) => ({ description: longer(r.description, 8, 9, 9) })],
  ['a million levels', (r) => ({ description: changed(r.description, 8, 1e6) })],
  ['NaN levels', (r) => ({ description: changed(r.description, 8, Number.NaN) })],
  ['17 layers', (r) => ({ description: changed(r.description, 3, 17) })],
  ['65 harmonics', (r) => ({ description: changed(r.description, 7, 65) })],
  ['a width of -1', (r) => ({ description: changed(r.description, 2, -1) })],
  ['4 axes', (r) => ({ description: changed(r.description, 0, 4) })],
  ['3 taps', (r) => ({ description: changed(r.description, 17, 3) })],
  ['a cell of 0', (r) => ({ description: changed(r.description, 19, 0) })],
  ['more cells than the modulation has', (r) => ({ description: changed(r.description, 22, 1000) })],
  ['2^31 rows of rates', (r) => ({ description: changed(r.description, 15, 2 ** 31) })],
  [
    'cells that do not go round a circle',
    (r) => ({ description: Float64Array.from([...changed(r.description, 21, 3.5), 1]) }),
  ],
  ['a description that ends early', (r) => ({ description: r.description.slice(0, 20) })],
  ['a count of -1', () => ({ count: -1 })],
  ['2^40 signals', () => ({ count: 2 ** 40 })],
  ['half a signal', () => ({ count: 0.5 })],
  ['more points than the shape', (r) => ({ points: r.points + 1 })],
  ['a longer modulation', (r) => ({ modulation: r.modulation + 1 })],
  ['-1 steps', () => ({ steps: -1 })],
  ['an unknown task', () => ({ task: 7 })],
  ['short weights', (r) => ({ weights: r.weights.slice(1) })],
  ['short rates', (r) => ({ rates: r.rates!.slice(1) })],
  ['short targets', (r) => ({ targets: r.targets!.slice(1) })],
  ['short weights of points', () => ({ pointWeights: new Float32Array(1) })],
  ['a short trajectory', (r) => ({ trajectory: r.trajectory!.slice(1) })],
  ['short losses', () => ({ losses: new Float64Array(0) })],
  ['no trajectory', () => ({ trajectory: undefined })],
];

function changed(description: Float64Array, at: number, value: number): Float64Array {
  const copy = description.slice();
  copy[at] = value;
  return copy;
}

/** One level, repeated. */
function longer(description: Float64Array, at: number, value: number, levels: number): Float64Array {
  const level = description.subarray(16, 25);
  const all = [...description.subarray(0, 16), ...Array.from({ length: levels }, () => [...level]).flat()];
  return changed(Float64Array.from(all), at, value);
}

function request(): KernelRequest {
  const { net, batch } = fixedCases()[3]!;
  const base = requestBase(net, batch.shape, batch.count);
  return {
    ...base,
    task: tasks.adapt,
    steps: 2,
    rates: net.rates,
    targets: batch.targets,
    trajectory: new Float32Array(3 * batch.count * base.modulation),
    losses: new Float64Array(2 * batch.count),
  };
}

describe('the limits of a field', () => {
  it('are those of the kernel', () => {
    const kernel = constants('kernel/field.h');
    expect(kernel).toMatchObject({
      MAX_AXES: fieldLimits.axes,
      MAX_LEVELS: fieldLimits.levels,
      MAX_LAYERS: fieldLimits.layers,
      MAX_OUTPUTS: fieldLimits.outputs,
      MAX_WIDTH: fieldLimits.width,
      MAX_HARMONICS: fieldLimits.harmonics,
      MAX_CHANNELS: fieldLimits.channels,
      MAX_WEIGHTS: fieldLimits.weights,
      MAX_STEPS: engineLimits.steps,
      MAX_NUMBERS: engineLimits.floats,
    });
    expect(constants('native/addon.cc')).toEqual({ MAX_THREADS: maxThreads });
  });

  it('hold for threads', () => {
    expect(threadCount(undefined)).toBeGreaterThan(0);
    expect(threadCount(3)).toBe(3);
    for (const threads of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, maxThreads + 1, 2 ** 40])
      expect(() => threadCount(threads)).toThrow(expect.objectContaining({ code: 'bad-threads' }));
  });
});

describe('the kernel refuses what the checks before it let through', () => {
  const addon = loadNative();
  it.each(wrong)('natively: %s', async (_, change) => {
    const good = request();
    const run = async (r: object) => addon.run({ ...good, ...r, threads: 1 });
    await expect(run({})).resolves.toBeUndefined();
    await expect(run(change(good))).rejects.toThrow(/does not fit/);
  });

  it.each(wrong)('in wasm: %s', async (_, change) => {
    const memory = createMemory(true);
    const module = await WebAssembly.compile(await readWasm());
    const kernel = new WebAssembly.Instance(module, { env: { memory } }).exports as KernelExports;
    const heap = kernel.__heap_base.value as number;
    const good = request();
    expect(() => layOut(kernel, memory, heap, good, 1)).not.toThrow();
    expect(() => layOut(kernel, memory, heap, { ...good, ...change(good) }, 1)).toThrow(/does not fit/);
  });

  it('of arrays of another type, and of numbers that are none', async () => {
    const good = request();
    for (const fault of [{ weights: new Float64Array(good.weights) }, { count: 'two' }, { rates: {} }]) {
      const run = async () => addon.run({ ...good, ...(fault as object), threads: 1 });
      await expect(run()).rejects.toThrow(/does not fit/);
    }
  });
});
