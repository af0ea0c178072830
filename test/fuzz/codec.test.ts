/** FUNCTA_FUZZ_RUNS (200,000; 1,000,000 in `npm run test:all`) and FUNCTA_FUZZ_SEED (1) choose how much is tried and what. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { encodeAbout, encodeAxes } from '../../codec/index.ts';
import type { About } from '../../src/field/about.ts';
import { gaussianLatitudes } from '../../src/field/gaussian.ts';
import { readModel } from '../../src/field/model.ts';
import type { Axis } from '../../src/field/outputs.ts';
import { tinyModels } from '../conformance/tiny-models.ts';
import { rounds } from '../rounds.ts';
import {
  fuzzAbout,
  fuzzAboutTexts,
  fuzzAxes,
  fuzzDecoding,
  fuzzHeaders,
  fuzzNetworks,
} from './codec.fuzz.ts';

const runs = Number(process.env.FUNCTA_FUZZ_RUNS ?? rounds(200_000, 1_000_000));
const seed = Number(process.env.FUNCTA_FUZZ_SEED ?? 1);
const folder = join(import.meta.dirname, '../conformance/vectors');
const read = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
const files = readdirSync(folder).filter((name) => name.startsWith('tiny-') && name.endsWith('.functa'));

it(`${runs} mutated files through the header and section parsers: a value within limits or a tagged error`, () => {
  const result = fuzzHeaders(files.map(read), runs, seed);
  // Both ways are taken, and every check is reached.
  expect(result.values).toBeGreaterThan(runs / 10);
  for (const code of ['magic', 'version', 'prior', 'quality', 'shape', 'truncated', 'varint', 'flags']) {
    expect(result.errors[code] ?? 0, code).toBeGreaterThan(0);
  }
}, 180_000);

it(`${Math.ceil(runs / 50)} mutated files decoded whole: symbols within limits or a tagged error`, () => {
  for (const { name } of tinyModels) {
    const model = readModel(read(`${name}.safetensors`));
    const own = files.filter((file) => file.startsWith(name)).map(read);
    const result = fuzzDecoding(model, own, Math.ceil(runs / 50 / tinyModels.length), seed);
    for (const code of ['payload', 'checksum', 'other-model'])
      expect(result.errors[code] ?? 0, code).toBeGreaterThan(0);
  }
}, 180_000);

it(`${runs / 2} mutated sections of axes and ${runs / 50} of attributes: what may be said or a tagged error`, () => {
  const told: Axis[] = [{ name: 'latitude' }, { name: 'longitude', wraps: true }];
  const columns: Axis = { name: 'lon', unit: 'degrees_east', start: -10.1, step: 0.1, wraps: true };
  const rows: Axis[] = [
    { name: 'lat', unit: 'degrees_north', start: 60.125, step: -0.25, weight: 'cosine' },
    { name: 'level', unit: 'K', at: [1000, 850, 500, 250.5, 100, 10] },
    { name: 'levels', at: [0, 1, 4, 9, 16, 1e300] },
    { name: 'lat', at: gaussianLatitudes(6), weight: 'cosine' },
    { name: 't', step: 1 / 3 },
  ];
  const axes = rows.map((own) => encodeAxes([own, columns], told, [6, 8])!);
  const places = fuzzAxes(axes, runs / 2, seed);
  expect(places.values).toBeGreaterThan(runs / 40);
  for (const code of ['sections', 'truncated', 'varint', 'trailing'])
    expect(places.errors[code] ?? 0, code).toBeGreaterThan(0);
  const said: About[] = [
    { attributes: [{ long_name: 'Surface pressure', level: [2, 850] }, {}] },
    { outputs: [{ name: 'PS', unit: 'Pa' }, { name: 'T' }] },
    {
      stored: { type: 'i2', slope: 0.01, intercept: 273.15 },
      affine: [1, 0.5, 0, -9, 0, 1, 0, 3, 0, 0, 2, 7.25],
    },
  ];
  const sections = said.map((one) => encodeAbout(one, 2)!);
  const about = fuzzAbout(sections, runs / 100, seed);
  expect(about.values).toBeGreaterThan(0);
  for (const code of ['sections', 'truncated', 'payload', 'utf8'])
    expect(about.errors[code] ?? 0, code).toBeGreaterThan(0);
  // Most mutated bits are noise; texts that are changed as such reach what is asked of their members.
  const texts = fuzzAboutTexts(said, runs / 100, seed);
  expect(texts.values).toBeGreaterThan(runs / 2000);
  expect(texts.errors.sections ?? 0).toBeGreaterThan(runs / 2000);
}, 180_000);

it(`${Math.ceil(runs / 20)} mutated network files: weights within limits or a tagged error`, () => {
  const own = readdirSync(folder).filter((name) => name.startsWith('network-'));
  const result = fuzzNetworks(own.map(read), Math.ceil(runs / 20), seed);
  expect(result.values).toBeGreaterThan(0);
  for (const code of [
    'magic',
    'version',
    'container',
    'network',
    'shape',
    'truncated',
    'payload',
    'checksum',
    'not-finite',
    'limit-symbols',
  ])
    expect(result.errors[code] ?? 0, code).toBeGreaterThan(0);
}, 180_000);
