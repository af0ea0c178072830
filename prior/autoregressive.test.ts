import { describe, expect, it } from 'vitest';
import { log2, logistic } from '../src/core/detmath.ts';
import { BadInputError } from '../src/core/errors.ts';
import { Rng } from '../src/core/rng.ts';
import { type Tensor, tensor } from '../src/core/tensor.ts';
import { memoryOf } from '../src/core/wasm-memory.ts';
import { type ModulationLayout, modulationLayout } from '../src/field/layout.ts';
import type { FieldSpec } from '../src/field/spec.ts';
import { readAutoregressive } from './autoregressive.ts';
import {
  blankLevelNetwork,
  type FloatLevelNetwork,
  predict,
  quantiseLevel,
} from './autoregressive-export.ts';
import { readLevel, recipeTensors } from './autoregressive-tensors.ts';
import { bankShapes, makeBank, readBank, shapeNames } from './bank.ts';
import { referenceNetwork } from './cell-network.ts';
import { wasmNetwork } from './cell-network-wasm.ts';
import {
  auxiliaryCount,
  type ContextRecipe,
  compand,
  defaultRecipe,
  inputCount,
  LevelContext,
  maxRaw,
} from './context.ts';
import { CostMeter } from './cost.ts';
import { Sampler } from './draw.ts';
import type { Table } from './prior.ts';

const bank = makeBank();

function specOf(axes: number, levels: [cell: number | null, channels: number][]): FieldSpec {
  return {
    axes,
    outputs: 1,
    width: 8,
    layers: 1,
    w0: 10,
    features: { global: false, local: false, harmonics: 1 },
    levels: levels.map(([cell, channels]) => ({
      cell: cell === null ? null : new Array<number>(axes).fill(cell),
      channels,
      interpolation: 'linear' as const,
    })),
  };
}

/** A network with random weights of the size that training gives, so that means and scales vary widely. */
function randomNetworks(
  spec: FieldSpec,
  recipe: ContextRecipe,
  rng: Rng,
  units: number[],
): FloatLevelNetwork[] {
  const channels = spec.levels.map((level) => level.channels);
  return channels.map((own, level) => {
    const inputs = inputCount(recipe, spec.axes, channels, level);
    const net = blankLevelNetwork(
      { channels: own, inputs, auxiliary: auxiliaryCount(recipe, spec.axes) },
      units,
    );
    const fill = (weights: Float32Array, size: number) => {
      for (let i = 0; i < weights.length; i++) weights[i] = size * rng.normal();
    };
    let rows = inputs;
    for (const { weights, bias } of net.hidden) {
      fill(weights, 1.2 / Math.sqrt(rows));
      fill(bias, 0.5);
      rows = bias.length;
    }
    fill(net.mean.output, 0.4 / Math.sqrt(rows));
    fill(net.mean.bias, 0.3);
    fill(net.mean.linear, 0.3 / Math.sqrt(inputs));
    fill(net.mean.own, 0.3 / Math.sqrt(own));
    fill(net.scale.output, 0.5 / Math.sqrt(rows));
    fill(net.scale.bias, 1);
    fill(net.scale.linear, 0.3 / Math.sqrt(inputs));
    fill(net.scale.own, 0.1 / Math.sqrt(own));
    for (let c = 0; c < own; c++) net.shapes[c] = rng.below(4);
    return net;
  });
}

function tensorsOf(
  spec: FieldSpec,
  recipe: ContextRecipe,
  nets: readonly FloatLevelNetwork[],
): Map<string, Tensor> {
  return new Map([
    ...bank,
    ...recipeTensors(recipe, spec.axes),
    ...nets.flatMap((net, level) => [...quantiseLevel(net, level)]),
  ]);
}

/** Bits of the symbols under the float networks, by the exact densities. */
function floatBits(
  nets: readonly FloatLevelNetwork[],
  recipe: ContextRecipe,
  layout: ModulationLayout,
  quality: number,
  symbols: Int32Array,
): number {
  let bits = 0;
  nets.forEach((net, level) => {
    const context = new LevelContext(recipe, layout, level);
    const values = new Int32Array(context.inputs);
    for (let cell = 0; cell < context.cells; cell++) {
      context.gather(cell, quality, symbols, values);
      const at = context.start + cell * net.channels;
      const own = symbols.subarray(at, at + net.channels);
      const { mean, log2Scale } = predict(net, values, own);
      own.forEach((k, c) => {
        const s = 2 ** Math.min(14, Math.max(-4, log2Scale[c]!));
        let mass = 0;
        for (const part of bankShapes[shapeNames[net.shapes[c]!]!]) {
          const t = (x: number) => (x - mean[c]! - part.mean * s) / (part.scale * s);
          // From the side where the difference does not cancel.
          const [low, high] = t(k) > 0 ? [-t(k + 0.5), -t(k - 0.5)] : [t(k - 0.5), t(k + 0.5)];
          mass += part.weight * (logistic(high) - logistic(low));
        }
        bits -= log2(mass);
      });
    }
  });
  return bits;
}

/** Mean and notch of every symbol as FORMAT.md states them, in exact integers of any size. */
function byTheBook(
  tensors: ReadonlyMap<string, Tensor>,
  recipe: ContextRecipe,
  layout: ModulationLayout,
  quality: number,
  symbols: Int32Array,
): { mean: number; notch: number; shape: number }[] {
  const clamp = (value: bigint, low: number, high: number) => Math.min(high, Math.max(low, Number(value)));
  const found: { mean: number; notch: number; shape: number }[] = [];
  layout.levels.forEach(({ channels }, level) => {
    const get = (name: string) =>
      Array.from(tensors.get(`prior.autoregressive.level${level}.${name}`)?.data ?? [], BigInt);
    const context = new LevelContext(recipe, layout, level);
    const values = new Int32Array(context.inputs);
    const shifts = get('shifts');
    const auxiliary = context.auxiliary;
    for (let cell = 0; cell < context.cells; cell++) {
      context.gather(cell, quality, symbols, values);
      const v = Array.from(values, BigInt);
      const x = Array.from(values, (value, i) => BigInt(i < auxiliary ? value : compand(value)));
      const y = x.map((value, i) => (i >= auxiliary && value < 0n ? -value : value));
      let h = x;
      let layer = 0;
      for (; get(`hidden${layer}.weights`).length > 0; layer++) {
        const weights = get(`hidden${layer}.weights`);
        h = get(`hidden${layer}.bias`).map((bias, u, all) => {
          const sum = h.reduce((total, value, i) => total + value * weights[i * all.length + u]!, bias);
          return BigInt(clamp(sum >> shifts[layer]!, 0, 4095));
        });
      }
      for (let c = 0; c < channels; c++) {
        const at = context.start + cell * channels;
        const sum = (
          head: string,
          inputs: bigint[],
          outputShift: bigint,
          own: (symbol: number) => number,
        ) => {
          const linear = get(`${head}.linear`);
          const output = get(`${head}.output`);
          const back = get(`${head}.own`);
          const reach = back.length / channels;
          let total = get(`${head}.bias`)[c]!;
          inputs.forEach((value, i) => {
            total += value * linear[i * channels + c]!;
          });
          if (layer > 0)
            total += h.reduce((o, value, u) => o + value * output[u * channels + c]!, 0n) >> outputShift;
          for (let d = Math.max(0, c - reach); d < c; d++)
            total += BigInt(own(symbols[at + d]!)) * back[d * reach + c - d - 1]!;
          return total;
        };
        const a = sum('mean', v, shifts[layer]!, (symbol) => Math.min(4095, Math.max(-4095, symbol)));
        const z = sum('scale', y, shifts[layer + 2]!, (symbol) => Math.abs(compand(symbol)));
        found.push({
          mean: clamp(a >> shifts[layer + 1]!, -131072, 131072),
          notch: clamp(z >> shifts[layer + 3]!, 0, 143),
          shape: Number(get('shapes')[c]),
        });
      }
    }
  });
  return found;
}

const small = specOf(2, [
  [8, 3],
  [4, 4],
]);

function smallTensors(seed: number, units: number[] = [12]): Map<string, Tensor> {
  const recipe = defaultRecipe(2);
  return tensorsOf(small, recipe, randomNetworks(small, recipe, new Rng(seed), units));
}

describe('the autoregressive prior', () => {
  it('chooses the tables that its specification names, on wild symbols too', () => {
    const rng = new Rng(9);
    for (const units of [[], [12], [8, 5]]) {
      const tensors = smallTensors(4, units);
      const prior = readAutoregressive(tensors, small);
      const bankOfModel = readBank(tensors);
      const layout = modulationLayout(small, [20, 28]);
      for (const wild of [3, 40, 100_000]) {
        const symbols = Int32Array.from({ length: layout.length }, () =>
          Math.round((rng.normal() ** 3 * wild) / 3),
        );
        const tables: { table: Table; offset: number }[] = [];
        prior.walk(layout, 61, symbols, {
          code(table, offset, value) {
            tables.push({ table, offset });
            return value;
          },
        });
        const book = byTheBook(tensors, prior.recipe, layout, 61, symbols);
        expect(tables.length).toBe(layout.length);
        tables.forEach(({ table, offset }, i) => {
          const { mean, notch, shape } = book[i]!;
          if (table !== bankOfModel.table(shape, notch, mean))
            expect(table).toEqual(bankOfModel.table(shape, notch, mean));
          expect(offset).toBe(bankOfModel.offset(notch, mean));
        });
      }
    }
  });

  it('walks the same when symbols come one by one, as in decoding', () => {
    const prior = readAutoregressive(smallTensors(5), small);
    const layout = modulationLayout(small, [20, 28]);
    const known = new Int32Array(layout.length);
    prior.walk(layout, 50, known, new Sampler(new Rng(1)));
    const again = new Int32Array(layout.length).fill(123);
    prior.walk(layout, 50, again, new Sampler(new Rng(1)));
    expect(again).toEqual(known);
  });

  it('proves that no sum leaves 32 bits, and is refused when one could', () => {
    const tensors = smallTensors(6);
    readAutoregressive(tensors, small);
    const name = 'prior.autoregressive.level1';
    const planted = (what: string, change: (data: Tensor['data']) => void) => {
      const { data } = tensors.get(`${name}.${what}`)!;
      const changed = data.slice();
      change(changed);
      return () => readAutoregressive(new Map(tensors).set(`${name}.${what}`, tensor(changed)), small);
    };
    const huge = (data: Tensor['data']) => data.fill(32767);
    expect(planted('hidden0.bias', (data) => data.fill(2 ** 31 - 1, 0, 1))).toThrow(
      /hidden0 could leave 32 bits/,
    );
    expect(planted('mean.linear', huge)).toThrow(/mean: the sum of channel 0 could leave/);
    expect(planted('mean.bias', (data) => data.fill(-(2 ** 31), 3, 4))).toThrow(
      /mean: the sum of channel 3 could leave/,
    );
    expect(planted('scale.bias', (data) => data.fill(2 ** 31 - 1, 2, 3))).toThrow(
      /scale: the sum of channel 2 could leave/,
    );
    expect(planted('shifts', (data) => data.fill(31, 0, 1))).toThrow(/a shift is above 30/);
    expect(planted('shapes', (data) => data.fill(4, 0, 1))).toThrow(/not one of the bank's 4/);
    expect(planted('mean.own', () => undefined)).not.toThrow();
  });

  it('is refused when a tensor is missing or has another size, and for another layout', () => {
    const tensors = smallTensors(7);
    for (const name of tensors.keys()) {
      if (name.includes('hidden')) continue; // without it the network has one layer less: sizes differ elsewhere
      const without = new Map(tensors);
      without.delete(name);
      expect(() => readAutoregressive(without, small), name).toThrow(BadInputError);
      const shorter = new Map(tensors).set(name, tensor(tensors.get(name)!.data.slice(1)));
      expect(() => readAutoregressive(shorter, small), name).toThrow(BadInputError);
    }
    const other = modulationLayout(specOf(2, [[8, 3]]), [20, 28]);
    const prior = readAutoregressive(tensors, small);
    expect(() => prior.walk(other, 50, new Int32Array(other.length), new CostMeter())).toThrow(
      /other channels/,
    );
  });

  it('cannot be made from weights that are not finite or too large for 16 bits', () => {
    const net = blankLevelNetwork({ channels: 2, inputs: 14, auxiliary: 6 }, [3]);
    net.mean.linear[20] = 1e9;
    expect(() => quantiseLevel(net, 0)).toThrow(/weights are too large/);
    net.mean.linear[20] = Number.NaN;
    expect(() => quantiseLevel(net, 0)).toThrow(BadInputError);
  });

  it('loses less than 0.3 % to the float network it was made from', () => {
    const rng = new Rng(1);
    for (const [axes, shape, units] of [
      [1, [4096], [32]],
      [2, [64, 64], [64]],
      [3, [16, 16, 16], [32, 32]],
    ] as [number, number[], number[]][]) {
      const spec = specOf(axes, [
        [null, 6],
        [8, 10],
        [4, 8],
      ]);
      const recipe = defaultRecipe(axes, true);
      const nets = randomNetworks(spec, recipe, rng, units);
      const prior = readAutoregressive(tensorsOf(spec, recipe, nets), spec);
      const layout = modulationLayout(spec, shape);
      for (const quality of [20, 50, 80]) {
        const symbols = new Int32Array(layout.length);
        prior.walk(layout, quality, symbols, new Sampler(rng));
        const meter = new CostMeter();
        prior.walk(layout, quality, symbols, meter);
        const float = floatBits(nets, recipe, layout, quality, symbols);
        expect(meter.bitCount).toBeLessThan(1.003 * float);
      }
    }
  });
});

describe('the network in WebAssembly', () => {
  it('gives the numbers of the reference, for networks and inputs of all sizes', () => {
    const rng = new Rng(11);
    const units = [[], [1], [5, 3], [64, 64], [17, 9, 30, 2]];
    for (const [levels, hidden] of [
      [[[null, 1]], units[1]],
      [[[8, 5]], units[0]],
      ...units.map((hidden) => [
        [
          [8, 7],
          [4, 16],
          [2, 3],
        ],
        hidden,
      ]),
    ] as [[number | null, number][], number[]][]) {
      const spec = specOf(2, levels);
      const recipe = defaultRecipe(2, true);
      const tensors = tensorsOf(spec, recipe, randomNetworks(spec, recipe, rng, hidden));
      const channels = levels.map(([, count]) => count);
      for (const level of channels.keys()) {
        const level16 = readLevel(tensors, recipe, 2, channels, level, 4);
        const reference = referenceNetwork(level16);
        const wasm = wasmNetwork(level16)!;
        for (let trial = 0; trial < 40; trial++) {
          const size = [2, 30, maxRaw][trial % 3]!;
          reference.values.forEach((_, i) => {
            const most = i < level16.auxiliary ? 100 : size;
            reference.values[i] = rng.below(3) === 0 ? 0 : rng.below(2 * most + 1) - most;
          });
          wasm.values.set(reference.values);
          reference.run();
          wasm.run();
          expect(wasm.means).toEqual(reference.means);
          expect(wasm.scales).toEqual(reference.scales);
        }
      }
    }
  });
});

it('a network that memory has no room for is refused by name', () => {
  expect(() => memoryOf(2 ** 40)).toThrow(expect.objectContaining({ code: 'wasm-memory' }));
});
