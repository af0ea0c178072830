/**
 * Random requests to the native kernel: whole ones run, and ones with anything changed run or are refused. Under the sanitizers
 * (npm run test:sanitize) a read or write out of bounds ends the process. FUNCTA_FUZZ_RUNS: how many of each.
 */
import { expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { loadNative } from '../../src/engine/native/native.ts';
import { type KernelRequest, requestBase, tasks } from '../../src/engine/request.ts';
import {
  type FieldSpec,
  type GridLevel,
  interpolations,
  modulationLength,
  pointCount,
  totalChannels,
  weightLayout,
} from '../../src/field/spec.ts';

const runs = Number(process.env.FUNCTA_FUZZ_RUNS ?? 80);
const addon = loadNative();
const sets = addon.instructionSets();

class Chance {
  readonly #rng: Rng;
  constructor(seed: number) {
    this.#rng = new Rng(7, seed);
  }
  real(low: number, high: number): number {
    return low + (high - low) * this.#rng.uniform();
  }
  whole(low: number, high: number): number {
    return low + Math.floor(this.#rng.uniform() * (high - low + 1));
  }
  flip(share = 0.5): boolean {
    return this.#rng.uniform() < share;
  }
  of<T>(choices: readonly T[]): T {
    return choices[this.whole(0, choices.length - 1)]!;
  }
  floats(length: number, bound = 1): Float32Array {
    return Float32Array.from({ length }, () => this.real(-bound, bound));
  }
}

function randomSpec(chance: Chance): FieldSpec {
  const axes = chance.whole(1, 3);
  const cell = () => (chance.flip(0.7) ? chance.whole(1, 9) : chance.real(0.4, 9));
  const level = (): GridLevel => ({
    cell: chance.flip(0.2) ? null : Array.from({ length: axes }, cell),
    channels: chance.of([1, 2, 3, 5, 8, 17]),
    interpolation: chance.of(interpolations),
  });
  return {
    axes,
    outputs: chance.of([1, 2, 3, 4, 7, 33]),
    width: chance.of([1, 2, 5, 8, 15, 16, 17, 32, 33]),
    layers: chance.of([1, 2, 3, 5, 16]),
    w0: chance.real(0.5, 30),
    features: {
      global: chance.flip(),
      local: chance.flip(),
      harmonics: chance.of([0, 0, 1, 3, 64]),
      ...(chance.flip(0.3) ? { period: Array.from({ length: axes }, cell) } : {}),
    },
    levels: Array.from({ length: chance.of([0, 1, 2, 3, 8]) }, level),
  };
}

function randomRequest(chance: Chance): KernelRequest {
  const spec = randomSpec(chance);
  const most = [90, 14, 5][spec.axes - 1]!;
  const shape = Array.from({ length: spec.axes }, () => chance.whole(1, chance.flip(0.1) ? 3 * most : most));
  const count = chance.of([1, 1, 2, 3, 9]);
  const rows = chance.of([1, 1, 2, 3]);
  const net = {
    spec,
    weights: chance.floats(weightLayout(spec).length, 0.5),
    rates: chance.floats(rows * totalChannels(spec), 0.01),
  };
  const base = requestBase(net, shape, count);
  const m = count * modulationLength(spec, shape);
  const points = count * pointCount(shape);
  const steps = chance.whole(0, 3);
  const batch = {
    ...base,
    steps,
    rates: net.rates,
    targets: chance.floats(points * spec.outputs),
    pointWeights: chance.flip() ? Float32Array.from({ length: points }, () => chance.whole(0, 2)) : undefined,
  };
  switch (chance.of(['gradient', 'adapt', 'meta', 'grid', 'list'] as const)) {
    case 'gradient':
      return {
        ...batch,
        task: tasks.gradient,
        start: chance.floats(m),
        losses: new Float64Array(count),
        gradient: new Float32Array(m),
      };
    case 'adapt':
      return {
        ...batch,
        task: tasks.adapt,
        trajectory: new Float32Array((steps + 1) * m),
        losses: new Float64Array(steps * count),
      };
    case 'meta':
      return {
        ...batch,
        task: tasks.meta,
        trajectory: chance.floats((steps + 1) * m),
        distortionWeight: chance.real(0, 2),
        secondOrder: Number(chance.flip()),
        offset: chance.flip() ? chance.floats(m) : undefined,
        extraGradient: chance.flip() ? chance.floats(m) : undefined,
        losses: new Float64Array(count),
        gradient: new Float32Array(m),
        weightGradient: new Float32Array(net.weights.length),
        rateGradient: new Float32Array(net.rates.length),
      };
    default:
      return evaluation(chance, base, spec, m);
  }
}

/** Anywhere: in the signal, around it, and as far out as a number goes. */
function place(chance: Chance): number {
  return chance.flip(0.8) ? chance.real(-5, 30) : chance.real(-1, 1) * chance.of([1e3, 1e9, 1e18, 3e38]);
}

function evaluation(
  chance: Chance,
  base: ReturnType<typeof requestBase>,
  spec: FieldSpec,
  m: number,
): KernelRequest {
  const list = chance.flip();
  const three = (of: () => number, rest: number) => [0, 1, 2].map((axis) => (axis < spec.axes ? of() : rest));
  const size = chance.of([1, 3, 40, 300, 700]);
  const counts = three(() => chance.whole(1, [size, Math.ceil(size / 9), 6][spec.axes - 1]!), 1);
  const n = list ? size : pointCount(counts);
  const channels = totalChannels(spec);
  const values = base.count * n * spec.outputs;
  return {
    ...base,
    task: tasks.evaluate,
    start: chance.floats(m),
    evaluatePoints: n,
    values: new Float32Array(values),
    slopes: chance.flip(0.3) && values * channels < 1e6 ? new Float32Array(values * channels) : undefined,
    ...(list
      ? { coordinates: Float32Array.from({ length: n * spec.axes }, () => place(chance)) }
      : {
          grid: Float64Array.from([
            ...three(() => place(chance), 0),
            ...three(() => chance.of([1, 0.25, -0.5, 0, 3.7, 1e6, -1e300]), 1),
            ...counts,
          ]),
        }),
  };
}

const oddities = [
  0,
  -1,
  1,
  2,
  0.5,
  9,
  17,
  65,
  1e3,
  1e6,
  2 ** 31,
  -(2 ** 31),
  2 ** 53,
  1e300,
  -1e300,
  5e-324,
  Number.NaN,
  Infinity,
];

/** The request with one thing changed that a checked one would not have. */
function broken(chance: Chance, request: KernelRequest): object {
  const description = request.description.slice();
  switch (chance.whole(0, 4)) {
    case 0:
    case 1:
      description[chance.whole(0, description.length - 1)] = chance.of(oddities);
      return { ...request, description };
    case 2:
      return { ...request, description: description.slice(0, chance.whole(0, description.length - 1)) };
    case 3: {
      const numbers = [
        'task',
        'count',
        'points',
        'modulation',
        'steps',
        'secondOrder',
        'evaluatePoints',
        'threads',
      ];
      return { ...request, [chance.of(numbers)]: chance.of([...oddities, 'text', undefined, null]) };
    }
    default: {
      const [name, array] = chance.of(
        Object.entries(request).filter(([, value]) => ArrayBuffer.isView(value)),
      );
      const typed = array as Float32Array;
      const shorter = typed.slice(0, chance.whole(0, Math.max(0, typed.length - 1)));
      return {
        ...request,
        [name]: chance.of<unknown>([shorter, undefined, new Uint8Array(4), {}, Float64Array.from(typed)]),
      };
    }
  }
}

test(`${runs} random requests run, each on every instruction set to its end`, {
  timeout: 600_000,
}, async () => {
  for (let i = 0; i < runs; i++) {
    const chance = new Chance(i);
    const request = randomRequest(chance);
    await expect(
      (async () => addon.run({ ...request, threads: chance.whole(1, 3), isa: chance.of(sets) }))(),
      `run ${i}`,
    ).resolves.toBeUndefined();
  }
});

test(`${runs} requests with something wrong in them run, or are refused by name`, {
  timeout: 600_000,
}, async () => {
  let refused = 0;
  for (let i = 0; i < runs; i++) {
    const chance = new Chance(1e6 + i);
    const request = randomRequest(chance);
    const given = { threads: 2, isa: chance.of(sets), ...broken(chance, request) };
    try {
      await (async () => addon.run(given as Parameters<typeof addon.run>[0]))();
    } catch (error) {
      refused++;
      expect((error as Error).message, `run ${i}`).toMatch(/does not fit$/);
    }
  }
  expect(refused).toBeGreaterThan(runs / 4);
});
