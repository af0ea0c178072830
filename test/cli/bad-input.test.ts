import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { crc32, deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeFileHeader } from '../../codec/header.ts';
import { readModel, writeModel } from '../../src/field/model.ts';
import { writeNpy } from '../../src/formats/npy.ts';
import { functa, functaJson } from './in-process.ts';
import { makeWorkplace, type Workplace } from './tiny-model.ts';

let place: Workplace;

beforeAll(async () => {
  place = await makeWorkplace();
  const { status } = await functa(['encode', place.at('0.png'), '-m', place.model]);
  expect(status).toBe(0);
});
afterAll(() => place.remove());

/** Runs a command that must fail: one line, one of these codes, nothing written. */
async function fails(args: readonly string[], status: number, code: string): Promise<string> {
  const before = readdirSync(place.directory).sort();
  const ran = await functa(args);
  expect(ran).toMatchObject({ status, stdout: Buffer.alloc(0) });
  expect(ran.stderr).toMatch(/^functa: .+ \[[a-z0-9-]+\]\n$/);
  expect(ran.stderr).toMatch(new RegExp(`\\[(${code})\\]`));
  expect(readdirSync(place.directory).sort()).toEqual(before);
  return ran.stderr;
}

function written(name: string, bytes: Uint8Array | string): string {
  writeFileSync(place.at(name), bytes);
  return place.at(name);
}

const decodeTo = (input: string) => ['decode', input, '-m', place.model, '-o', place.at('out.png')];
const encodeTo = (input: string) => ['encode', input, '-m', place.model, '-o', place.at('out.functa')];

/** Which check meets the damage first depends on the bytes. */
const damaged = 'checksum|payload|truncated';

describe('a .functa file that', () => {
  it('is empty', () => fails(decodeTo(written('empty.functa', '')), 3, 'truncated'));

  it('is cut short', () => {
    const bytes = readFileSync(place.at('0.functa'));
    return fails(decodeTo(written('cut.functa', bytes.subarray(0, 20))), 3, damaged);
  });

  it('has a bit flipped', () => {
    const bytes = readFileSync(place.at('0.functa'));
    bytes[bytes.length - 4]! ^= 16;
    return fails(decodeTo(written('flipped.functa', bytes)), 3, damaged);
  });

  it('is a picture', () => fails(decodeTo(place.at('0.png')), 3, 'magic'));

  it('is of another model: both digests are named', async () => {
    const own = readModel(readFileSync(place.model));
    const bytes = writeModel({ ...own, card: { ...own.card, notes: 'another' } });
    const other = readModel(bytes);
    const model = written('other.safetensors', bytes);
    const line = await fails(
      ['decode', place.at('0.functa'), '-m', model, '-o', place.at('x.png')],
      1,
      'other-model',
    );
    expect(line).toContain(own.id.slice(0, 6));
    expect(line).toContain(other.id.slice(0, 6));
  });

  it('asks for 2^40 samples in 60 bytes', async () => {
    const { id } = readModel(readFileSync(place.model));
    const header = writeFileHeader({
      modelDigest: id,
      prior: 'factorized',
      quality: 50,
      shape: [2 ** 20, 2 ** 20],
    });
    const bytes = new Uint8Array(60);
    bytes.set(header);
    await fails(decodeTo(written('huge.functa', bytes)), 4, 'limit-samples');
  });

  it('is asked for too large a size', () =>
    fails([...decodeTo(place.at('0.functa')), '--size', '100000x100000'], 4, 'limit-samples'));

  it('is asked for what lies outside', () =>
    fails([...decodeTo(place.at('0.functa')), '--region', '20,20,20,20'], 1, 'bad-region'));

  it('is asked for a size that is none', () =>
    fails([...decodeTo(place.at('0.functa')), '--size', 'big'], 2, 'bad-size'));

  it('is to become a format that is not known', () =>
    fails(['decode', place.at('0.functa'), '-m', place.model, '-o', place.at('x.tiff')], 2, 'which-format'));

  it('names a model that is neither bundled nor beside it', () => {
    mkdirSync(place.at('elsewhere'));
    copyFileSync(place.at('0.functa'), place.at('elsewhere/0.functa'));
    return fails(['decode', place.at('elsewhere/0.functa'), '-o', place.at('x.png')], 1, 'model-not-here');
  });
});

describe('a picture that', () => {
  it('is not there', () => fails(encodeTo(place.at('none.png')), 1, 'no-file'));
  it('is a directory', () => fails(encodeTo(place.directory), 1, 'is-directory'));
  it('is empty', () => fails(encodeTo(written('empty.png', '')), 3, 'empty-signal'));
  it('is text', () => fails(encodeTo(written('text.png', 'hello')), 3, 'unknown-format'));

  it('is cut short', () => {
    const bytes = readFileSync(place.at('0.png'));
    return fails(encodeTo(written('cut.png', bytes.subarray(0, 100))), 3, 'bad-image');
  });

  it('is 30,000 pixels a side', () => fails(encodeTo(written('wide.png', png(30_000))), 4, 'limit-samples'));

  it('is longer than was allowed', () =>
    fails([...encodeTo(place.at('0.png')), '--max-bytes', '100'], 4, 'limit-file-bytes'));

  it('holds an infinite value: its index is named', async () => {
    const line = await fails(
      encodeTo(written('inf.npy', npy(Number.POSITIVE_INFINITY))),
      1,
      'infinite-value',
    );
    expect(line).toContain('value 3 is Infinity');
  });

  it('is 1 x 1 is coded like any other', async () => {
    const { status, json } = await functaJson([
      'encode',
      written('one.png', png(1)),
      '-m',
      place.model,
      '-o',
      place.at('one.functa'),
    ]);
    expect(status).toBe(0);
    expect(json.shape).toEqual([1, 1]);
  });

  it('misses all values', () =>
    fails(encodeTo(written('none.npy', npy(Number.NaN, Number.NaN))), 1, 'no-observed-points'));

  it('is of one value is coded like any other', async () => {
    const input = written('flat.npy', npy(0.5));
    expect((await functa([...encodeTo(input).slice(0, -1), '-'])).status).toBe(0);
  });

  it('has a missing value is coded without it', async () => {
    const { status } = await functa([
      'encode',
      written('nan.npy', npy(Number.NaN)),
      '-m',
      place.model,
      '-o',
      '-',
    ]);
    expect(status).toBe(0);
  });
});

it('a mesh without faces is no shape', async () => {
  const points = written('points.obj', 'v 0 0 0\nv 1 0 0\nv 0 1 0\n');
  const line = await fails(['encode', points, '-m', 'shapes', '-o', place.at('out.functa')], 3, 'bad-mesh');
  expect(line).toContain('no faces');
});

describe('an output that', () => {
  it('is on a full disk', () =>
    fails(['encode', place.at('0.png'), '-m', place.model, '-o', '/dev/full'], 1, 'disk-full'));

  it('is in a directory that is not there', () =>
    fails(['encode', place.at('0.png'), '-m', place.model, '-o', place.at('no/x.functa')], 1, 'no-file'));
});

describe('a name that nobody knows', () => {
  it('of a model', () => fails([...encodeTo(place.at('0.png')), '-m', 'nobody'], 1, 'unknown-model'));

  it('of a data set', () =>
    fails(['build', place.at('store'), '-m', place.model, '-d', 'nobody'], 1, 'unknown-dataset'));

  it('of a recipe', () =>
    fails(
      ['learn', '-d', 'fixture-fashion', '--recipe', 'nobody', '-o', place.at('x.safetensors')],
      1,
      'unknown-recipe',
    ));

  it('of a prior', () => fails([...encodeTo(place.at('0.png')), '--prior', 'nobody'], 1, 'unknown-prior'));

  it('of a store', () => fails(['store', 'verify', place.at('nobody')], 1, 'functaset-missing'));
});

/** A grey PNG of `side` x `side`, whole only when it is one pixel. */
function png(side: number): Uint8Array {
  const header = new DataView(new ArrayBuffer(13));
  header.setUint32(0, side);
  header.setUint32(4, side);
  header.setUint8(8, 8);
  const chunks = [
    ['IHDR', new Uint8Array(header.buffer)],
    ['IDAT', deflateSync(Uint8Array.of(0, 128))],
    ['IEND', new Uint8Array(0)],
  ] as const;
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([signature, ...chunks.map(([type, data]) => chunk(type, data))]);
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from(type), data]);
  const whole = Buffer.alloc(body.length + 8);
  whole.writeUInt32BE(data.length, 0);
  body.copy(whole, 4);
  whole.writeUInt32BE(crc32(body), body.length + 4);
  return whole;
}

/** 28 x 28 of 0.5, or of `others`, but for value 3. */
function npy(third: number, others = 0.5): Uint8Array {
  const data = new Float32Array(784).fill(others);
  data[3] = third;
  return writeNpy({ dtype: 'F32', shape: [28, 28], data });
}
