import { beforeAll, expect, test } from 'vitest';
import { archiveBits } from '../../bench/rate/archive.ts';
import { analyse, fitPca, pcaCurve, synthesise } from '../../bench/rate/pca.ts';
import { readPictures } from '../../bench/rate/pictures.ts';
import { plainMultiply } from '../../src/core/eigen.ts';
import { openMultiply } from '../../src/engine/tfjs/multiply.ts';
import type { Picture } from '../../src/jobs/peer-codecs.ts';

let pictures: readonly Picture[];
const options = { axes: 12, qualities: [30, 50, 70], multiply: plainMultiply };

beforeAll(async () => {
  ({ pictures } = await readPictures({ dataset: 'fixture-fashion', split: 'train' }));
});

test('with as many axes as samples a picture comes back as it was', () => {
  const small = Array.from({ length: 40 }, (_, i): Picture => {
    const bytes = Uint8Array.from({ length: 12 }, (_, k) => (i * 37 + k * k * 11 + i * k * 5) % 256);
    return { bytes, width: 2, height: 2, channels: 3 };
  });
  const pca = fitPca(small, options);
  expect(pca.count).toBe(12);
  const back = synthesise(pca, analyse(pca, small, plainMultiply), plainMultiply);
  small.forEach(({ bytes }, i) => {
    expect([...back.subarray(i * 12, (i + 1) * 12)]).toEqual([...bytes]);
  });
});

test('its curve is of an archive: more bits, more PSNR, and more axes where they pay', () => {
  const half = Math.floor(pictures.length / 2);
  const pca = fitPca(pictures.slice(half), options);
  const curve = pcaCurve(pca, pictures.slice(0, half), pictures.slice(0, 5), options);
  expect(curve.points.length).toBeGreaterThan(1);
  curve.points.slice(1).forEach((point, i) => {
    expect(point.psnrDb).toBeGreaterThan(curve.points[i]!.psnrDb);
    expect(point.bitsPerPixel).toBeGreaterThan(curve.points[i]!.bitsPerPixel);
  });
  expect(curve.points[0]!.n).toBe(5);
});

test('pictures of two sizes are refused', () => {
  const other = { ...pictures[0]!, bytes: new Uint8Array(9) };
  expect(() => fitPca([...pictures.slice(0, 8), other], options)).toThrow(/one size/);
});

test('what an archive takes is divided without rest', () => {
  const two = [
    { width: 4, height: 2 },
    { width: 4, height: 2 },
  ];
  const bits = archiveBits(40, two, (i) => [10, 20][i]!);
  expect(bits).toEqual([15, 25]);
});

test('the fastest product here is the plain one to rounding', () => {
  const a = Float32Array.from({ length: 35 }, (_, i) => Math.fround(((i * 7) % 11) - 5));
  const b = Float32Array.from({ length: 21 }, (_, i) => Math.fround(((i * 5) % 9) - 4));
  const sizes = { m: 5, n: 3, k: 7 };
  const fast = openMultiply(1)(a, b, sizes);
  plainMultiply(a, b, sizes).forEach((x, i) => {
    expect(fast[i]!).toBeCloseTo(x, 4);
  });
});
