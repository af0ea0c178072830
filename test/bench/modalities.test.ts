import { expect, test } from 'vitest';
import { bytesAt, type Curve, equalTable } from '../../bench/modalities/contender.ts';
import { fieldFigures } from '../../bench/modalities/fields.ts';
import { aligned, logSpectralDistance, packetBytes, speechFigures } from '../../bench/modalities/speech.ts';

const signalOf = (values: Float32Array) => ({ id: 'x', shape: [values.length], channels: 1, values });
const tone = Float32Array.from({ length: 4000 }, (_, i) => 0.3 * Math.sin(i / 5) * Math.sin(i / 700));

test('a coder that delays is aligned before it is compared', () => {
  const late = new Float32Array(5200);
  late.set(tone, 1105);
  expect(speechFigures(signalOf(tone), aligned(tone, late)).snrDb).toBe(Number.POSITIVE_INFINITY);
  expect(speechFigures(signalOf(tone), late).snrDb).toBeLessThan(3);
});

test('spectra differ by decibels: half the amplitude is 6 dB where something is heard', () => {
  const white = Float32Array.from({ length: 4096 }, (_, i) => Math.sin(i * i * 0.37) * 0.5);
  const half = white.map((v) => v / 2);
  expect(logSpectralDistance(white, half)).toBeCloseTo(6, 0);
  expect(logSpectralDistance(white, white)).toBe(0);
});

test('an Ogg stream counts without pages and its two headers', () => {
  const page = (sizes: number[]) => {
    const head = new Uint8Array(27 + sizes.length);
    head[26] = sizes.length;
    head.set(sizes, 27);
    return [...head, ...new Uint8Array(sizes.reduce((a, b) => a + b, 0))];
  };
  const stream = Uint8Array.from([...page([19]), ...page([255, 40]), ...page([30, 255, 3])]);
  expect(packetBytes(stream)).toBe(30 + 255 + 3);
});

test('errors of fields are over the range of what is known', () => {
  const wanted = Float32Array.of(0, 2, Number.NaN, 4);
  const figures = fieldFigures(signalOf(wanted), Float32Array.of(0, 2.4, 9, 4));
  expect(figures.most).toBeCloseTo(0.1, 6);
  expect(figures.rmse).toBeCloseTo(0.1 / Math.sqrt(3), 6);
});

test('bytes at equal error lie between points, and nowhere beyond them', () => {
  const curve = (name: string, bytes: number[]): Curve => ({
    contender: { name, note: '', settings: [], code: () => Promise.reject(new Error('not run')) },
    points: bytes.map((size, i) => ({ setting: i, bytes: size, figures: { psnrDb: 30 + 10 * i } })),
  });
  const own = curve('functa', [100, 400]);
  expect(bytesAt(own, 'psnrDb', 35)).toBeCloseTo(200, 6);
  expect(bytesAt(own, 'psnrDb', 30)).toBeCloseTo(100, 6);
  expect(bytesAt(own, 'psnrDb', 41)).toBeUndefined();
  expect(equalTable([own, curve('zfp', [400, 1600])], 'psnrDb', [35])).toContain(
    '| 35.00 | 200 | 800 (ours -75 %) |',
  );
});
