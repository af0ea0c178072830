import { describe, expect, it } from 'vitest';
import { BadInputError } from './errors.ts';
import { philox, Rng, rngAt } from './rng.ts';

describe('random numbers', () => {
  it('are Philox4x32-10 (known-answer vectors of Random123)', () => {
    const out = new Uint32Array(4);
    const answer = () => Array.from(out, (word) => word.toString(16).padStart(8, '0'));
    philox(out, 0, 0, 0, 0, 0, 0);
    expect(answer()).toEqual(['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']);
    const ones = 0xffffffff;
    philox(out, ones, ones, ones, ones, ones, ones);
    expect(answer()).toEqual(['408f276d', '41c83b0e', 'a20bc7c6', '6d5451fd']);
    philox(out, 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0);
    expect(answer()).toEqual(['d16cfe09', '94fdcceb', '5001e420', '24126ea1']);
  });

  it('resume exactly from (seed, stream, position)', () => {
    const rng = new Rng(7, 3);
    rng.normal();
    rng.below(10);
    rng.uniform();
    const { position } = rng;
    const rest = Array.from({ length: 20 }, () => rng.u32());
    const resumed = rngAt(7, 3, position);
    expect(Array.from({ length: 20 }, () => resumed.u32())).toEqual(rest);
    expect(rng.at(position).u32()).toBe(rest[0]);
  });

  it('differ between seeds and between streams', () => {
    const first = (seed: number | bigint, stream = 0) => new Rng(seed, stream).u32();
    const starts = [first(0), first(1), first(2n ** 40n), first(-1), first(0, 1), first(0, 2 ** 40)];
    expect(new Set(starts).size).toBe(starts.length);
    expect(first(5)).toBe(first(5n));
  });

  it('are uniform and normal in their first moments', () => {
    const rng = new Rng(11);
    let [sum, squares, normal, normalSquares] = [0, 0, 0, 0];
    const n = 100_000;
    for (let i = 0; i < n; i++) {
      const u = rng.uniform();
      sum += u;
      squares += u * u;
      const z = rng.normal();
      normal += z;
      normalSquares += z * z;
    }
    expect(Math.abs(sum / n - 1 / 2)).toBeLessThan(0.005);
    expect(Math.abs(squares / n - 1 / 3)).toBeLessThan(0.005);
    expect(Math.abs(normal / n)).toBeLessThan(0.015);
    expect(Math.abs(normalSquares / n - 1)).toBeLessThan(0.02);
  });

  it('shuffle to every order equally often', () => {
    const rng = new Rng(5);
    const seen = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = rng.shuffle([0, 1, 2]).join('');
      seen.set(order, (seen.get(order) ?? 0) + 1);
    }
    expect(seen.size).toBe(6);
    for (const count of seen.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  it('refuse what is not a seed, stream, position or range', () => {
    for (const act of [
      () => new Rng(0.5),
      () => new Rng(1, -1),
      () => new Rng(1, 0, 0.5),
      () => new Rng(1).below(0),
      () => new Rng(1).below(2 ** 32 + 1),
    ]) {
      expect(act).toThrow(BadInputError);
    }
    expect(new Rng(1).below(1)).toBe(0);
  });
});
