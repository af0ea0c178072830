import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BadStreamError, FunctaError } from '../src/core/errors.ts';
import { Rng } from '../src/core/rng.ts';
import { modulationLayout } from '../src/field/layout.ts';
import { readModel } from '../src/field/model.ts';
import { type Move, movedNames, movedTensors, packMoves, readAdapted, writeAdapted } from './adapted.ts';
import { CostMeter } from './cost.ts';
import { readPrior } from './registry.ts';

const model = readModel(readFileSync(new URL('../models/fashion-mnist/model.safetensors', import.meta.url)));
const { tensors } = model;
const card = {
  ...{ model: 'fashion-mnist', modelId: model.id, networkId: model.networkId },
  ...{ recipe: { data: 'none' }, figures: {} },
};

/** Every third number of every other tensor moves a little. */
function someMoves(): Map<string, Move> {
  const rng = new Rng(5);
  const moves = new Map<string, Move>();
  for (const [i, name] of movedNames(tensors).entries()) {
    if (i % 2 === 0 || name.endsWith('.shapes')) continue;
    const steps = Int32Array.from(tensors.get(name)!.data, (_, j) => (j % 3 === 0 ? rng.below(5) - 2 : 0));
    moves.set(name, { shift: i % 3, steps });
  }
  return moves;
}

describe('an adapted prior', () => {
  it('comes back from its file: numbers are moved by steps, and nothing else is', () => {
    const moves = someMoves();
    const file = readAdapted(writeAdapted(tensors, moves, card));
    expect(file.card).toEqual(card);
    const moved = movedTensors(tensors, file.moves);
    for (const [name, { data }] of tensors) {
      const move = moves.get(name);
      const want = Array.from(data, (value, i) => value + (move?.steps[i] ?? 0) * 2 ** (move?.shift ?? 0));
      expect(Array.from(moved.get(name)!.data), name).toEqual(want);
    }
    expect(packMoves(tensors, moves)).toEqual(file.moves);
  });

  it('that moves nothing is the prior it was, in a byte a tensor and none for numbers', () => {
    const packed = packMoves(tensors, new Map());
    expect(packed.length).toBeLessThanOrEqual(movedNames(tensors).length + 1);
    expect(movedTensors(tensors, packed)).toEqual(new Map(tensors));
  });

  it('prices symbols by its own tables', () => {
    const layout = modulationLayout(model.card.spec, model.card.shape);
    const priceBy = (some: typeof tensors) => {
      const meter = new CostMeter();
      const prior = readPrior({ network: model.network, tensors: some }, 'autoregressive');
      prior.walk(layout, 50, new Int32Array(layout.length), meter);
      return meter.bitCount;
    };
    const name = 'prior.autoregressive.level2.scale.bias';
    const steps = new Int32Array(tensors.get(name)!.data.length).fill(24);
    const shifts = tensors.get('prior.autoregressive.level2.shifts')!.data;
    const wider = packMoves(tensors, new Map([[name, { shift: shifts.at(-1)!, steps }]]));
    expect(priceBy(movedTensors(tensors, wider))).toBeGreaterThan(1.2 * priceBy(tensors));
  });

  it('any bytes: moved tensors, or a tagged error', () => {
    const rng = new Rng(9);
    const good = packMoves(tensors, someMoves());
    for (let turn = 0; turn < 60; turn++) {
      const bytes = good.slice(0, turn % 3 === 0 ? rng.below(good.length) : good.length);
      for (let k = 0; k < 1 + (turn % 4); k++) bytes[rng.below(bytes.length)] = rng.below(256);
      try {
        const prior = readPrior({ network: model.network, tensors: movedTensors(tensors, bytes) });
        expect(prior.kind).toBe('autoregressive');
      } catch (error) {
        expect(error).toBeInstanceOf(FunctaError);
      }
    }
  });

  it('of another format is refused, and so is a number that leaves its type', () => {
    const other = readFileSync(new URL('../models/fashion-mnist/model.safetensors', import.meta.url));
    expect(() => readAdapted(other)).toThrow(BadStreamError);
    const name = 'prior.autoregressive.level0.mean.output';
    const steps = new Int32Array(tensors.get(name)!.data.length).fill(20_000);
    const packed = packMoves(tensors, new Map([[name, { shift: 2, steps }]]));
    expect(() => movedTensors(tensors, packed)).toThrow(expect.objectContaining({ code: 'prior-format' }));
  });
});
