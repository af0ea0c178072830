import { expect, test } from 'vitest';
import { packSymbols, unpackSymbols } from '../../prior/packed.ts';
import { maxSymbol } from '../../prior/prior.ts';
import { Rng } from '../core/rng.ts';
import { modulationLayout } from '../field/layout.ts';
import type { FieldSpec } from '../field/spec.ts';
import { KeptSymbols } from './kept-symbols.ts';
import { fitWindows, ownRuns } from './windows.ts';

const spec: FieldSpec = {
  ...{ axes: 2, outputs: 1, width: 4, layers: 1, w0: 10 },
  features: { global: false, local: true, harmonics: 0 },
  levels: [
    { cell: [8, 8], channels: 2, interpolation: 'linear' },
    { cell: [2, 2], channels: 3, interpolation: 'linear' },
  ],
};
const shape = [50, 43];
const windows = fitWindows(spec, shape, { whole: 400, own: 400, halos: 0 })!;

test.each([
  ['a byte each', 127, Int8Array],
  ['four bytes each where one is larger', maxSymbol, Int32Array],
] as const)('symbols that windows gave come back in %s', (_, largest, kind) => {
  const rng = new Rng(3);
  const whole = Int32Array.from({ length: modulationLayout(spec, shape).length }, () =>
    rng.below(3) > 0 ? 0 : rng.below(9) - 4,
  );
  whole[77] = largest;
  whole[78] = -largest;
  const kept = new KeptSymbols(spec, shape);
  for (const window of windows) {
    const all = new Int32Array(modulationLayout(spec, window.box.count).length).fill(9);
    for (const run of ownRuns(spec, shape, window))
      all.set(whole.subarray(run.whole, run.whole + run.length), run.at);
    kept.add(window, all);
  }
  const found = kept.together();
  expect(found).toBeInstanceOf(kind);
  expect(Int32Array.from(found)).toEqual(whole);
});

test('any symbols are packed and unpacked', () => {
  const rng = new Rng(4);
  for (let trial = 0; trial < 50; trial++) {
    const busy = rng.uniform();
    const symbols = Int32Array.from({ length: rng.below(500) }, () =>
      rng.uniform() < busy ? rng.below(2 * maxSymbol + 1) - maxSymbol : 0,
    );
    const found = new Int32Array(symbols.length);
    unpackSymbols(packSymbols(symbols), found);
    expect(found).toEqual(symbols);
  }
});
