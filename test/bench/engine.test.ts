import { describe, expect, it } from 'vitest';
import { adaptFlops, decodeFlops, metaStepFlops } from '../../bench/engine/flops.ts';
import { type Row, targetsOf } from '../../bench/engine/report.ts';
import { functa, pyramid, spatial } from '../../src/field/presets.ts';

describe('flops of a meta step', () => {
  it('are 27 passes of the hidden layers, when those are all there is', () => {
    const spec = functa({ axes: 2, outputs: 1, width: 128, layers: 5, channels: 1 });
    const unit = 2 * 4 * 128 ** 2 * 16 * 1024;
    const flops = metaStepFlops(spec, [32, 32], 16, 3);
    // 3 steps of 2 passes, an outer pass of 3, and 3 R-passes of 6; the rest is small at this width.
    expect(flops / unit).toBeGreaterThan(27);
    expect(flops / unit).toBeLessThan(27 * 1.02);
  });

  it('are counted by hand on a field of one layer', () => {
    const levels = [{ cell: 2, channels: 3 }];
    const spec = pyramid({ axes: 1, outputs: 2, width: 5, layers: 1, harmonics: 1, levels });
    const [points, features, width, outputs, columns] = [4, 2, 5, 2, 7];
    const [first, output, interpolation] = [2 * features * width, 2 * width * outputs, 2 * 2 * columns];
    const map = 2 * (2 * 3) * columns;
    const forward = first + output + interpolation;
    const backward = output + interpolation;
    const weights = first + output;
    const step = points * (forward + backward) + 2 * map;
    expect(adaptFlops(spec, [4], 1, 1)).toBe(step);
    const outer = points * (forward + backward + weights) + 3 * map;
    const tangent = points * (2 * (forward + backward + weights) - 2 * first) + 6 * map;
    expect(metaStepFlops(spec, [4], 1, 1)).toBe(step + outer + tangent);
  });
});

describe('flops of decoding', () => {
  const spec = spatial({ axes: 2, outputs: 1, width: 3, layers: 2, channels: 2, cell: 4, harmonics: 1 });
  const columns = 7;
  const network = 2 * (3 * 3 + 3);
  /** Two features of one axis times the first layer. */
  const features = 2 * 2 * 3;

  it('interpolate a line once and map every cell once, when read in one piece', () => {
    const cells = 4;
    const points = 64 * (network + 2 * 2 * columns);
    const lines = 8 * (2 * 2 * 2 * columns + features);
    const map = cells * 2 * 2 * columns;
    expect(decodeFlops(spec, [8, 8], [8, 8], 8)).toBe(points + lines + 8 * features + map);
  });

  it('map the rows of cells that blocks share, and see the columns, once for each', () => {
    const whole = decodeFlops(spec, [8, 8], [8, 8], 8);
    // Both blocks of four rows touch both rows of cells: knots stand at 2 and 6.
    expect(decodeFlops(spec, [8, 8], [8, 8], 4) - whole).toBe(4 * 2 * 2 * columns + 8 * features);
  });
});

describe('targets', () => {
  const row = (
    work: string,
    engine: string,
    threads: number,
    medianMs: number,
    rest: Partial<Row> = {},
  ): Row => ({
    work,
    engine,
    threads,
    medianMs,
    n: 5,
    spread: [medianMs, medianMs],
    shareOfPeak: null,
    maxRssMb: 80,
    ...rest,
  });

  it('are met, short, or not measured', () => {
    const rows = [
      row('meta-global', 'native', 2, 100, { shareOfPeak: 0.69, maxRssMb: 90 }),
      row('meta-global', 'native', 1, 190, { shareOfPeak: 0.9 }),
      row('meta-global', 'pytorch', 2, 700),
      row('decode', 'wasm', 2, 400),
    ];
    const judged = Object.fromEntries(
      targetsOf(rows, 2, 1e6).map(({ what, got, met }) => [what, [got, met]]),
    );
    expect(judged['global meta step, native: share of peak']).toEqual(['69 %', false]);
    expect(judged['global meta step, native over PyTorch']).toEqual(['7.00 x', true]);
    expect(judged['global meta step, wasm over PyTorch']).toEqual(['-', null]);
    expect(judged['meta-global, native: 2 threads over 1']).toEqual(['1.90 x', true]);
    expect(judged['decode, wasm']).toEqual(['2.5 Mpixel/s', true]);
    expect(judged['encode, native']).toEqual(['-', null]);
  });
});
