/** FUNCTA_FUZZ_RUNS (200,000; 1,000,000 in `npm run test:all`) and FUNCTA_FUZZ_SEED (1) choose how much is tried and what. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readModel } from '../../src/field/model.ts';
import { tinyModels } from '../conformance/tiny-models.ts';
import { rounds } from '../rounds.ts';
import { fuzzDecoding, fuzzHeaders, fuzzNetworks } from './codec.fuzz.ts';

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
