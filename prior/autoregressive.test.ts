import { describe, expect, it } from 'vitest';
import { log2, logistic } from '../src/core/detmath.ts';
import { Rng } from '../src/core/rng.ts';
import type { Tensor } from '../src/core/tensor.ts';
import type { FieldSpec } from '../src/field/spec.ts';
import { readAutoregressive } from './autoregressive.ts';
import {
  blankLevelNetwork,
  type FloatLevelNetwork,
  predict,
  quantiseLevel,
} from './autoregressive-export.ts';
import { recipeTensors } from './autoregressive-tensors.ts';
import { bankShapes, makeBank, shapeNames } from './bank.ts';
import { auxiliaryCount, type ContextRecipe, defaultRecipe, inputCount, LevelContext } from './context.ts';
import { CostMeter } from './cost.ts';
import { Sampler } from './draw.ts';
import { type SymbolLayout, symbolLayout } from './prior.ts';

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
  layout: SymbolLayout,
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

describe('the autoregressive prior', () => {
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
      const layout = symbolLayout(spec, shape);
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
