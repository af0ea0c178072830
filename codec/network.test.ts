import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ByteWriter, fromHex } from '../src/core/bytes.ts';
import { defaultLimits } from '../src/core/limits.ts';
import { Rng } from '../src/core/rng.ts';
import { initialWeights } from '../src/field/initialise.ts';
import { coin } from '../src/field/presets.ts';
import { weightLayout } from '../src/field/spec.ts';
import {
  decodeFile,
  decodeNetwork,
  encodeHalfNetwork,
  encodeSteppedNetwork,
  modelDigestOf,
  openArchive,
  readHeader,
  stepOf,
  tensorBits,
  valuesOf,
  weightTensors,
} from './index.ts';
import { scaleNotches, weightTable } from './network-tables.ts';

const spec = coin({ axes: 2, outputs: 3, width: 9, layers: 2 });
const header = { shape: [12, 17], channels: 'rgb' as const, values: valuesOf('rgb'), spec };
const rng = new Rng(3);
const weights = initialWeights(spec, () => rng.uniform());
const tensors = weightTensors(spec);
const stepped = {
  steps: Uint8Array.from(tensors, (_, t) => 8 + t),
  symbols: Int32Array.from(weights, () => rng.below(31) - 15),
};
const half = encodeHalfNetwork(header, weights);
const steps = encodeSteppedNetwork(header, stepped);
const page = readFileSync(new URL('./FORMAT.md', import.meta.url), 'utf8');

const codeOf = (act: () => unknown) => {
  try {
    act();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'nothing';
};

describe('a network file', () => {
  it('in half floats has two bytes a weight, to the nearest', () => {
    const { headerBytes, streamBytes } = readHeader(half);
    expect([headerBytes, streamBytes]).toEqual([8, 2 + 2 * weights.length]);
    const found = decodeNetwork(half);
    expect(found).toMatchObject({ ...header, coding: 'half' });
    const off = found.weights.map((weight, i) => Math.abs(weight - weights[i]!));
    expect(Math.max(...off)).toBeLessThan(2 ** -11);
    expect(encodeHalfNetwork(header, found.weights)).toEqual(half);
  });

  it('in steps gives the symbols back, times their steps, in the bits that were foretold', () => {
    const found = decodeNetwork(steps);
    expect(found.stepped).toEqual(stepped);
    tensors.forEach(({ at, length }, t) => {
      for (let i = at; i < at + length; i++)
        expect(found.weights[i]).toBe(Math.fround(stepped.symbols[i]! * stepOf(stepped.steps[t]!)));
    });
    const bits = tensors.reduce(
      (sum, { at, length }) => sum + tensorBits(stepped.symbols.subarray(at, at + length)),
      0,
    );
    expect(readHeader(steps).streamBytes).toBeLessThanOrEqual(Math.ceil(bits / 8) + 3);
    expect(readHeader(steps).streamBytes).toBeGreaterThanOrEqual(Math.floor(bits / 8));
  });

  it('says that it needs no model, and is no file of one', () => {
    expect(readHeader(steps)).toMatchObject({
      container: 'network',
      version: 2,
      coding: 'steps',
      shape: [12, 17],
    });
    expect(modelDigestOf(steps)).toBeUndefined();
    expect(codeOf(() => decodeFile({} as never, steps))).toBe('container');
    expect(codeOf(() => openArchive({} as never, steps))).toBe('container');
    expect(codeOf(() => decodeNetwork(Uint8Array.of(0xfa, 0x20)))).toBe('container');
    expect(codeOf(() => readHeader(Uint8Array.of(0xfa, 0x55, 0, 0)))).toBe('container');
  });

  it('is refused for any bit that is off, or a byte more or less', () => {
    for (const bytes of [half, steps]) {
      const { headerBytes } = readHeader(bytes);
      for (let bit = 8 * headerBytes; bit < 8 * bytes.length; bit++) {
        const damaged = bytes.slice();
        damaged[bit >> 3]! ^= 1 << (bit & 7);
        expect(
          codeOf(() => decodeNetwork(damaged)),
          String(bit),
        ).not.toBe('nothing');
      }
      expect(codeOf(() => decodeNetwork(bytes.subarray(0, -1)))).not.toBe('nothing');
      expect(codeOf(() => decodeNetwork(Uint8Array.of(...bytes, 0)))).not.toBe('nothing');
    }
  });

  it('is held against the limits before anything is sized by it', () => {
    const asking = (shape: number[], layers: number, width: number, coding = 4) => {
      const writer = new ByteWriter()
        .u8(0xfa)
        .u8(0x40 | coding | shape.length)
        .u8(5);
      for (const n of shape) writer.varint(n);
      return writer.u8(layers).varint(width).u8(30).varint(1).f32(0).f32(1).u8(1).finish();
    };
    expect(codeOf(() => decodeNetwork(asking([2 ** 27], 1, 8)))).toBe('limit-axis');
    expect(codeOf(() => decodeNetwork(asking([2 ** 14, 2 ** 14], 1, 8)))).toBe('limit-samples');
    expect(codeOf(() => decodeNetwork(asking([2 ** 12, 2 ** 12], 16, 1000)))).toBe('limit-multiply-adds');
    expect(codeOf(() => decodeNetwork(asking([8], 16, 4096)))).toBe('network');
    expect(codeOf(() => decodeNetwork(asking([8], 16, 2000)))).toBe('limit-free-symbols');
    expect(codeOf(() => decodeNetwork(asking([8], 16, 2000, 0)))).toBe('payload');
    expect(codeOf(() => decodeNetwork(asking([8], 2, 100), { ...defaultLimits, maxSymbols: 999 }))).toBe(
      'limit-symbols',
    );
    expect(codeOf(() => decodeNetwork(half, { ...defaultLimits, maxFileBytes: 99 }))).toBe(
      'limit-file-bytes',
    );
    for (const [layers, width] of [
      [0, 8],
      [17, 8],
      [1, 0],
      [1, 4097],
    ] as const)
      expect(codeOf(() => decodeNetwork(asking([8], layers, width)))).toBe('network');
  });

  it('takes no header that says what it cannot be', () => {
    const head = (...bytes: number[]) => codeOf(() => readHeader(Uint8Array.of(0xfa, ...bytes)));
    // Pictures have two axes and sounds one; there are three axes at most and one at least.
    expect(head(0x41, 0, 8, 1, 8, 30)).toBe('network');
    expect(head(0x42, 3, 8, 8, 1, 8, 30)).toBe('network');
    expect(head(0x40, 5, 1, 8, 30)).toBe('network');
    expect(head(0x42, 6, 8, 8, 1, 8, 30)).toBe('network');
    expect(head(0x4a, 0, 8, 8, 1, 8, 30)).toBe('network');
    expect(head(0x42, 0, 8, 0, 1, 8, 30)).toBe('shape');
    expect(head(0x42, 0, 8, 8, 1, 8, 0)).toBe('network');
    expect(head(0x42, 0, 8, 8)).toBe('truncated');
    expect(head(0x41, 5, 8, 1, 8, 30, 1, 0, 0, 0, 0, 0, 0, 0, 0)).toBe('network');
    expect(head(0x41, 5, 8, 1, 8, 30, 1, 0, 0, 0xc0, 0x7f, 0, 0, 0x80, 0x3f)).toBe('network');
  });

  it('holds what it can hold, and says what it cannot', () => {
    expect(codeOf(() => encodeHalfNetwork(header, weights.slice(1)))).toBe('weight-count');
    expect(
      codeOf(() =>
        encodeHalfNetwork(
          header,
          weights.map(() => 7e4),
        ),
      ),
    ).toBe('weight-range');
    expect(codeOf(() => encodeHalfNetwork({ ...header, values: { offset: 0, scale: 1 } }, weights))).toBe(
      'network-header',
    );
    expect(codeOf(() => encodeHalfNetwork({ ...header, channels: 'grey' }, weights))).toBe('network-header');
    const local = { ...spec, features: { global: false, local: true, harmonics: 0 } };
    expect(codeOf(() => encodeHalfNetwork({ ...header, spec: local }, weights))).toBe('network-header');
    expect(
      codeOf(() => encodeSteppedNetwork(header, { ...stepped, steps: stepped.steps.map(() => 64) })),
    ).toBe('weight-count');
    const far = stepped.symbols.map(() => 2 ** 20 + 1);
    expect(codeOf(() => encodeSteppedNetwork(header, { ...stepped, symbols: far }))).toBe('weight-range');
  });
});

describe('tables of weights', () => {
  it('are logistic distributions of the scale of their notch', () => {
    for (let notch = 0; notch <= 20; notch++) {
      const { cdf, min, shift } = weightTable(notch);
      const scale = 2 ** (notch / 2 - 3);
      expect(shift).toBe(0);
      const below = (x: number) => 65536 / (1 + Math.exp(-x / scale));
      for (let i = 0; i < cdf.length - 2; i++) {
        const foretold = below(min + i + 0.5) - below(min + i - 0.5);
        expect(Math.abs(cdf[i + 1]! - cdf[i]! - foretold), `${notch} ${min + i}`).toBeLessThan(2.1);
      }
    }
    expect(weightTable(31)).toMatchObject({ shift: 6, cdf: weightTable(19).cdf });
    expect(scaleNotches).toBe(32);
  });
});

it('the network file of FORMAT.md decodes to the steps and values it shows, and they encode to it', () => {
  const block = (label: string) => new RegExp(`\`\`\`${label}\n([^\`]*)\`\`\``).exec(page)![1]!;
  const bytes = fromHex(block('hex network'));
  const rows = block('network')
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number));
  const { stepped: found, coding: _, weights: __, ...said } = decodeNetwork(bytes);
  expect([...found!.steps]).toEqual(rows.map(([k]) => k));
  expect([...found!.symbols]).toEqual(rows.flatMap(([, ...values]) => values));
  expect(said).toMatchObject({ shape: [8], channels: 'mono' });
  expect(weightLayout(said.spec).length).toBe(7);
  expect(encodeSteppedNetwork(said, found!)).toEqual(bytes);
});
