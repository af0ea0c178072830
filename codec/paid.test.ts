import { describe, expect, it } from 'vitest';
import { BitDecoder, BitEncoder } from '../prior/bits.ts';
import { TableCoder } from '../prior/coder.ts';
import { Sampler } from '../prior/draw.ts';
import type { PriorKind } from '../prior/kinds.ts';
import type { Table } from '../prior/prior.ts';
import { readPrior } from '../prior/registry.ts';
import { tableOf } from '../prior/table.ts';
import { withLimits } from '../src/core/limits.ts';
import { Rng } from '../src/core/rng.ts';
import { modulationLayout } from '../src/field/layout.ts';
import { readModel } from '../src/field/model.ts';
import { makeTinyModel, tinyModels } from '../test/conformance/tiny-models.ts';
import { headerOf } from './header-of.ts';
import { decodeFile, encodeFile, encodeSamples } from './index.ts';
import { mostPaid, mostSplits } from './paid.ts';
import { RansDecoder, RansEncoder } from './rans.ts';
import { readStream, readTogether, writeTogether } from './stream.ts';
import { codeThrown } from './testing.ts';

const image = readModel(makeTinyModel(tinyModels[0]!));
const kinds: readonly PriorKind[] = ['histogram', 'factorized', 'autoregressive'];
const noneFree = withLimits({ maxFreeSymbols: 1 });

/** As FORMAT.md has it; counts what the bytes pay for, and the largest frequency that it meets. */
class CountingDecoder extends TableCoder {
  paid = 0;
  free = 0;
  largest = 1;
  #x = 0;
  #next = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    super();
    this.#bytes = bytes;
    this.#refill();
  }

  protected symbol(cdf: Uint32Array): number {
    if (this.#x < 0x10000 && this.#next === this.#bytes.length) this.free++;
    else this.paid++;
    const slot = this.#x & 0xffff;
    const index = cdf.findIndex((start) => start > slot) - 1;
    const frequency = cdf[index + 1]! - cdf[index]!;
    this.largest = Math.max(this.largest, frequency);
    this.#take(frequency, slot - cdf[index]!);
    return index;
  }

  bits(count: number): number {
    const slot = this.#x & 0xffff;
    const frequency = 1 << (16 - count);
    this.#take(frequency, slot % frequency);
    return Math.floor(slot / frequency);
  }

  #take(frequency: number, rest: number): void {
    this.#x = frequency * (this.#x >>> 16) + rest;
    this.#refill();
  }

  #refill(): void {
    while (this.#x < 0x800000 && this.#next < this.#bytes.length)
      this.#x = 256 * this.#x + this.#bytes[this.#next++]!;
  }
}

describe('what the bytes of rANS pay for', () => {
  it('is never more than the bound, for sharp tables, runs of one symbol and any check', () => {
    const rng = new Rng(1);
    for (let round = 0; round < 60; round++) {
      const rare = 1 + rng.below(round % 3 === 0 ? 3 : 2000);
      const common = 65536 - rare - 1;
      const tables: Table[] = [
        tableOf([common, rare, 1], 0),
        tableOf([1, common, rare], 0),
        tableOf([rare, common, 1], 0),
      ];
      const count = 1 + rng.below(60_000);
      const values = Array.from({ length: count }, () => rng.below(rng.below(4) === 0 ? 2000 : 1e9));
      const encoder = new RansEncoder();
      const tableAt = (i: number) => tables[round % 4 === 3 ? i % 3 : round % 4]!;
      const common0 = (table: Table) => (table === tables[0] ? 0 : 1);
      values.forEach((value, i) => {
        const table = tableAt(i);
        encoder.code(table, 0, value === 0 ? 1 - common0(table) : common0(table));
      });
      const stream = encoder.finish(rng.below(65536));
      const decoder = new CountingDecoder(stream);
      for (let i = 0; i < count; i++) decoder.code(tableAt(i), 0, 0);
      expect(decoder.paid + decoder.free).toBe(count);
      expect(decoder.paid).toBeLessThanOrEqual(mostPaid(stream.length, common));
    }
  });

  it('leaves symbols that are free: a whole stream of two bytes holds any number of them', () => {
    const table = tableOf([65535, 1], 0);
    const encoder = new RansEncoder();
    for (let i = 0; i < 100_000; i++) encoder.code(table, 0, 0);
    const stream = encoder.finish(0x1234);
    expect([...stream]).toEqual([0x12, 0x34]);
    const decoder = new RansDecoder(stream);
    let sum = 0;
    for (let i = 0; i < 100_000; i++) sum += Math.abs(decoder.code(table, 0, 0));
    expect(sum).toBe(0);
    expect(decoder.end()).toBe(0x1234);
  });
});

describe('a file', () => {
  it('that an encoder wrote is read with few free symbols allowed: random, flat and extreme ones', () => {
    const shapes = [
      [16, 17],
      [90, 120],
    ];
    for (const prior of kinds) {
      for (const quality of [1, 50, 100]) {
        for (const shape of shapes) {
          const layout = modulationLayout(image.network.spec, shape);
          const drawn = new Int32Array(layout.length);
          readPrior(image, prior).walk(layout, quality, drawn, new Sampler(new Rng(quality)));
          const flat = new Int32Array(layout.length);
          for (const symbols of [drawn, flat, flat.map(() => 1 << 20), flat.map(() => -7)]) {
            const bytes = encodeFile(image, symbols, shape, quality, prior);
            const decoder = new CountingDecoder(
              bytes.subarray(headerOf(image, { prior, quality, shape }).length),
            );
            readPrior(image, prior).walk(layout, quality, symbols.slice(), decoder);
            expect(decoder.largest).toBeLessThanOrEqual(readPrior(image, prior).largestFrequency(quality));
            const limits = withLimits({ maxFreeSymbols: Math.max(1, decoder.free) });
            expect(decodeFile(image, bytes, limits)).toMatchObject({ symbols });
          }
        }
      }
    }
  });

  it('of a few bytes that asks for millions of symbols is refused by its header, with a limit that can be raised', () => {
    const shape = [8000, 8000];
    for (const prior of kinds) {
      const header = headerOf(image, { prior, quality: 50, shape });
      const bytes = Uint8Array.of(...header, 0x41);
      expect(bytes.length).toBe(11);
      const start = performance.now();
      expect(() => decodeFile(image, bytes)).toThrow(/free-symbols: .* 1 bytes cannot hold the \d+ symbols/);
      expect(performance.now() - start).toBeLessThan(200);
    }
    const small = Uint8Array.of(
      ...headerOf(image, { prior: 'histogram', quality: 50, shape: [500, 500] }),
      0x41,
    );
    expect(codeThrown(() => decodeFile(image, small, noneFree))).toBe('limit-free-symbols');
    expect(codeThrown(() => decodeFile(image, small))).toBe('checksum');
  });

  it('shares the bound with others in one stream', () => {
    const settings = Array.from({ length: 200 }, () => ({
      prior: 'histogram' as const,
      quality: 50,
      shape: [64, 64],
    }));
    const one = new Int32Array(modulationLayout(image.network.spec, [64, 64]).length);
    const contents = settings.map((setting) => ({ ...setting, symbols: one }));
    const { stream } = writeTogether(image, contents);
    expect(readTogether(image, settings, stream, 0, noneFree)).toHaveLength(200);
    const cut = () => readTogether(image, settings, Uint8Array.of(0x41), 0, noneFree);
    expect(codeThrown(cut)).toBe('limit-free-symbols');
  });
});

describe('adaptive bits', () => {
  it('in so many bytes are never more than the bound, however sure they are', () => {
    for (const count of [1, 1000, 100_000, 3_000_000]) {
      for (const bit of [0, 1]) {
        const encoder = new BitEncoder(1);
        for (let i = 0; i < count; i++) encoder.bit(0, 0, bit);
        expect(count).toBeLessThanOrEqual(mostSplits(encoder.finish().length));
      }
    }
  });

  it('stop where a stream has no more bytes', () => {
    const decoder = new BitDecoder(1, Uint8Array.of(0x80, 0x12));
    let bits = 0;
    const read = () => {
      for (; bits < 1000; bits++) decoder.bit(0, 0, 0);
    };
    expect(codeThrown(read)).toBe('payload');
    expect(bits).toBeLessThan(1000);
  });

  it('give flat samples back, and refuse a few bytes that ask for millions', () => {
    const shape = [300, 400];
    const samples = new Int16Array(300 * 400 * image.network.spec.outputs);
    const flat = encodeSamples(image, samples, shape, 100);
    expect(flat.length).toBeLessThan(200);
    const found = decodeFile(image, flat);
    expect('samples' in found && found.samples.every((sample) => sample === 0)).toBe(true);
    const setting = { prior: 'samples' as const, quality: 100, shape: [8000, 8000] };
    const read = () => readStream(image, setting, Uint8Array.of(1, 2, 3), 0, withLimits());
    expect(read).toThrow(/samples in 1 bytes, which hold \d+ at most/);
    expect(codeThrown(read)).toBe('payload');
  });
});
