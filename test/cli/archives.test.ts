/** Archives as they are written by encode and sample: named items, by name again, and into a store. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { addClassify } from '../../src/cli/commands/classify.ts';
import { addDecode } from '../../src/cli/commands/decode.ts';
import { addEncode } from '../../src/cli/commands/encode.ts';
import { addInspect } from '../../src/cli/commands/inspect.ts';
import { addLearn } from '../../src/cli/commands/learn.ts';
import { addPrior } from '../../src/cli/commands/prior.ts';
import { addQuery } from '../../src/cli/commands/query.ts';
import { addSample } from '../../src/cli/commands/sample.ts';
import { addStore } from '../../src/cli/commands/store.ts';
import { functa, printed } from './in-process.ts';
import { functa as functaProcess } from './run.ts';
import { makeWorkplace, type Workplace } from './tiny-model.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let place: Workplace;
const commands = [
  ...[addClassify, addDecode, addEncode, addInspect, addLearn, addPrior, addQuery, addSample, addStore],
];
const run = (...argv: string[]) => printed(commands, argv);
const model = () => ['-m', place.model];

beforeAll(async () => {
  place = await makeWorkplace();
  const pictures = ['0.png', '1.png', '2.png'].map((name) => place.at(name));
  mkdirSync(place.at('other'));
  copyFileSync(place.at('0.png'), place.at('other/0.png'));
  const inputs = [...pictures, place.at('other/0.png')];
  // A prior asked for by name: files are then of the quality asked for, and not of the steps that serve it best.
  const asked = ['--prior', 'factorized'];
  const all = await run('encode', ...inputs, ...asked, '-o', place.at('all.functa'), ...model());
  expect(all.status).toBe(0);
  const drawn = await run('sample', '-n', '3', '--seed', '5', '-o', place.at('drawn.functa'), ...model());
  expect(drawn.status).toBe(0);
});
afterAll(() => place.remove());

describe('the items of an archive', () => {
  it('have ids, those of the same name told apart, and inspect lists them', async () => {
    const { json } = await run('inspect', place.at('all.functa'), ...model());
    expect(json.items.map(({ id }: { id: string }) => id)).toEqual(['0.png', '1.png', '2.png', '0.png (2)']);
    expect(json.items[0]).toMatchObject({ shape: [28, 28], quality: 50, prior: expect.any(String) });
    const drawn = await run('inspect', place.at('drawn.functa'), ...model());
    expect(drawn.json.items.map(({ id }: { id: string }) => id)).toEqual([
      'sample-5-0',
      'sample-5-1',
      'sample-5-2',
    ]);
    const { stdout } = await functa(['inspect', place.at('all.functa'), ...model()]);
    expect(stdout.toString()).toMatch(
      /\nitem +id +size +stream +coded by\n0 +0\.png +28 x 28 +[\d.]+ bytes /,
    );
  });

  it('are decoded by id as by number', async () => {
    const [byId, byNumber] = [place.at('id.png'), place.at('number.png')];
    const archive = place.at('all.functa');
    const { json } = await run('decode', archive, '--id', '1.png', '-o', byId, ...model());
    expect(json).toMatchObject({ output: byId, shape: [28, 28] });
    await run('decode', archive, '--item', '1', '-o', byNumber, ...model());
    expect(readFileSync(byId)).toEqual(readFileSync(byNumber));
    const both = await run(
      'decode',
      archive,
      '--id',
      '1.png',
      '--item',
      '1',
      '-o',
      place.at('x.png'),
      ...model(),
    );
    expect(both.json.error).toMatchObject({ exitCode: 2 });
    const absent = await run('decode', archive, '--id', '7.png', '-o', place.at('x.png'), ...model());
    expect(absent.json.error).toMatchObject({ kind: 'notFound', code: 'item' });
    expect(absent.json.error.message).toContain('no item is called 7.png; there are 0.png, 1.png');
    await run('encode', place.at('0.png'), '-o', place.at('one.functa'), ...model());
    const single = await run(
      'decode',
      place.at('one.functa'),
      '--id',
      '0.png',
      '-o',
      place.at('x.png'),
      ...model(),
    );
    expect(single.json.error.message).toContain('a single file has no ids');
  });
});

describe('a store', () => {
  it('is made of archives of encode and sample, with their ids, and pack writes to stdout the archive alone', async () => {
    const store = place.at('set');
    const unpack = (archive: string) => run('store', 'unpack', place.at(archive), store, ...model());
    expect((await unpack('all.functa')).json).toMatchObject({ added: 4, there: 0, total: 4 });
    expect((await unpack('drawn.functa')).json).toMatchObject({ added: 3, there: 0, total: 7 });
    expect((await unpack('drawn.functa')).json).toMatchObject({ added: 0, there: 3, total: 7 });
    const { status, stdout, stderr } = await functaProcess(['store', 'pack', store, '-o', '-', ...model()], {
      cwd: place.directory,
    });
    expect(status).toBe(0);
    expect(stderr).toMatch(/^stdout: 7 functions, /);
    expect(readdirSync(place.directory).filter((name) => name.startsWith('-'))).toEqual([]);
    writeFileSync(place.at('packed.functa'), stdout);
    const { json } = await run('inspect', place.at('packed.functa'), ...model());
    expect(json.items.map(({ id }: { id: string }) => id)).toContain('sample-5-1');
    const again = await run('store', 'unpack', place.at('packed.functa'), place.at('again'), ...model());
    expect(again.json).toMatchObject({ added: 7, total: 7 });
    const refused = await functa(['store', 'pack', store, '-o', '-', '--json', ...model()]);
    expect(refused.status).toBe(2);
    // One that is coded otherwise: what is said of all is said of each.
    const other = ['--prior', 'histogram', '--quality', '40', '-o', place.at('other.functa')];
    await run('encode', place.at('1.png'), ...other, ...model());
    await run('store', 'put', store, place.at('other.functa'), ...model());
    await run('store', 'pack', store, '-o', place.at('mixed.functa'), ...model());
    const mixed = await functa(['inspect', place.at('mixed.functa'), ...model()]);
    expect(mixed.stdout.toString()).toMatch(
      /\nprior +factorized, histogram\nquality +40 to 50\nsize +28 x 28\n/,
    );
  });
});

describe('a model that stands beside', () => {
  it('a file or a store is found by what they say, without being named', async () => {
    writeFileSync(place.at('broken.safetensors'), 'damaged');
    const decoded = await run(
      'decode',
      place.at('all.functa'),
      '--id',
      '0.png',
      '-o',
      place.at('beside.png'),
    );
    expect(decoded.json).toMatchObject({ model: 'tiny' });
    const unpacked = await run('store', 'unpack', place.at('all.functa'), place.at('found'));
    expect(unpacked.json).toMatchObject({ added: 4 });
    const packed = await run('store', 'pack', place.at('found'), '-o', place.at('found.functa'));
    expect(packed.json).toMatchObject({ functions: 4 });
    const asked = await run('query', 'where', place.at('found'));
    expect(asked.json.items).toHaveLength(4);
  });
});

describe('an output that is no stream', () => {
  it.each([
    ['learn', '-d', 'fixture-fashion', '--recipe', 'fashion-mnist'],
    ['prior', 'train', '-d', 'fixture-fashion'],
    ['classify', 'train', 'no-store'],
  ])('of %s is refused as -, and no file of that name is left', async (...argv) => {
    const more = argv[0] === 'prior' ? model() : [];
    const { status, json } = await run(...argv, '-o', '-', ...more);
    expect(status).toBe(2);
    expect(json.error.code).toBe('output-file');
    expect(existsSync('-')).toBe(false);
    expect(readdirSync('.').filter((name) => name.startsWith('-'))).toEqual([]);
  });
});
