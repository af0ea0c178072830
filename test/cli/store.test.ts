import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSafetensors } from '../../src/field/safetensors.ts';
import { readNpy, writeNpy } from '../../src/formats/npy.ts';
import { type Functaset, openFunctaset } from '../../src/functaset/index.ts';
import { functa, functaJson } from './in-process.ts';
import { functa as functaProcess } from './run.ts';
import { makeWorkplace, type Workplace } from './tiny-model.ts';

let place: Workplace;
let store: string;

beforeAll(async () => {
  place = await makeWorkplace();
  store = place.at('store');
});
afterAll(() => place.remove());

const build = (...more: string[]) =>
  functaJson(['build', store, '-d', 'fixture-fashion', '-m', place.model, ...more]);

describe('functa build', () => {
  it('codes the signals of a data set into a store', async () => {
    const { status, json } = await build('--limit', '10');
    expect(status).toBe(0);
    expect(json).toMatchObject({ path: store, added: 10, total: 10, model: 'tiny', split: 'all' });
    expect(json.bitsPerPoint).toBeGreaterThan(0);
  });

  it('does not touch a store that holds functions, unless it is to go on', async () => {
    const refused = await build('--limit', '12');
    expect(refused.status).toBe(1);
    expect(refused.json.error.code).toBe('functaset-not-empty');
    const resumed = await build('--limit', '12', '--resume');
    expect(resumed.json).toMatchObject({ added: 2, total: 12 });
  });

  it('has to wait while another process writes', async () => {
    const open = await openFunctaset(store);
    try {
      const { status, json } = await build('--resume');
      expect(status).toBe(1);
      expect(json.error).toMatchObject({ kind: 'conflict', code: 'functaset-busy' });
      const reader = await functaProcess(['store', 'stats', store]);
      expect(reader.status).toBe(0);
    } finally {
      await open.close();
    }
  });
});

describe('functa store', () => {
  it('stats counts functions, labels and bytes', async () => {
    const { json } = await functaJson(['store', 'stats', store]);
    expect(json).toMatchObject({ functions: 12, shape: [28, 28] });
    const counted = json.labels.reduce(
      (sum: number, label: { functions: number }) => sum + label.functions,
      0,
    );
    expect(counted).toBe(12);
  });

  it('verify reads every record', async () => {
    const { status, stdout } = await functa(['store', 'verify', store]);
    expect(status).toBe(0);
    expect(stdout.toString()).toMatch(/: 12 functions, all whole\n$/);
  });

  it('of a signal says that it is encoded first', async () => {
    const sound = join(import.meta.dirname, '../fixtures/signals/tone16.wav');
    const { status, stderr } = await functa(['store', 'put', store, sound, '-m', place.model]);
    expect(status).toBe(1);
    expect(stderr).toContain('tone16.wav is WAV, a signal and no modulations; encode it first');
  });

  it('put takes files and modulations from outside, and delete takes functions out', async () => {
    const file = place.at('mine.functa');
    const [first] = await withStore((set) => [...set.iterate({ limit: 1 })]);
    if (first?.content.kind !== 'file') throw new Error('a built function is a file');
    writeFileSync(file, first.content.bytes);
    const length = await withStore((set) => set.info.layout.length);
    const rows = new Float32Array(2 * length).fill(0.25);
    writeFileSync(place.at('rows.npy'), writeNpy({ dtype: 'F32', shape: [2, length], data: rows }));
    const args = ['store', 'put', store, file, place.at('rows.npy'), '-m', place.model];
    const { status, json } = await functaJson([...args, '--label', '7']);
    expect(status).toBe(0);
    expect(json).toMatchObject({ ids: ['mine', 'rows-0', 'rows-1'], total: 15 });
    const again = await functaJson(args);
    expect(again.json.error.code).toBe('function-exists');
    expect((await functaJson([...args, '--replace', '--label', '7'])).json.total).toBe(15);
    expect((await functaJson([...args, '--id', 'x'])).json.error.code).toBe('one-id');
    await withStore((set) => {
      expect([...set.summaries({ label: 7 })].filter(({ id }) => /mine|rows/.test(id))).toHaveLength(3);
      expect(set.get('mine')).toMatchObject({ content: first.content, psnrDb: Number.NaN });
      expect(set.get('rows-1')!.content).toMatchObject({ kind: 'modulation', quality: 50 });
    });
    const unknown = await functaJson(['store', 'delete', store, 'mine', 'nobody']);
    expect(unknown.json.error.code).toBe('unknown-function');
    const gone = await functaJson(['store', 'delete', store, 'mine', 'rows-0', 'rows-1']);
    expect(gone.json).toMatchObject({ deleted: 3, total: 12 });
    const compacted = await functaJson(['store', 'compact', store]);
    expect(compacted.json).toMatchObject({ functions: 12 });
    expect(compacted.json.after).toBeLessThanOrEqual(compacted.json.before);
  });

  it('pack and unpack give the same store, and stdout is the archive alone', async () => {
    const archive = place.at('packed.functa');
    const packed = await functaJson(['store', 'pack', store, '-m', place.model, '-o', archive]);
    expect(packed.json).toMatchObject({ functions: 12, output: archive });
    const streamed = await functa(['store', 'pack', store, '-m', place.model, '-o', '-']);
    expect(streamed.stdout.equals(readFileSync(archive))).toBe(true);
    const copy = place.at('copy');
    const { json } = await functaJson(['store', 'unpack', archive, copy, '-m', place.model]);
    expect(json.functions).toBe(12);
    const again = await functa(['store', 'pack', copy, '-m', place.model, '-o', '-']);
    expect(again.stdout.equals(streamed.stdout)).toBe(true);
    expect(readdirSync(place.at('.')).filter((name) => name.endsWith('.json'))).toEqual([]);
  });

  it('backup and restore give the same functions, and keep what is there', async () => {
    const [file, again] = [place.at('store.backup'), place.at('restored')];
    const made = await functaJson(['store', 'backup', store, file]);
    const { functions } = (await functaJson(['store', 'stats', store])).json;
    expect(made.json).toMatchObject({
      store,
      file,
      functions,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const restored = await functaJson(['store', 'restore', file, again]);
    expect(restored.json).toEqual({ ...made.json, store: again });
    expect((await functaJson(['store', 'verify', again])).json).toMatchObject({ ok: true, functions });
    const kept = [
      await functaJson(['store', 'backup', store, file]),
      await functaJson(['store', 'restore', file, again]),
    ];
    expect(kept.map(({ json }) => json.error.code)).toEqual(['output-exists', 'output-exists']);
    expect((await functaJson(['store', 'backup', store, file, '--force'])).status).toBe(0);
  });

  it('export writes modulations that put takes back, with ids, labels and qualities', async () => {
    const file = place.at('modulations.safetensors');
    const { json } = await functaJson(['store', 'export', store, '-m', place.model, '-o', file]);
    expect(json).toMatchObject({ functions: 12, output: file });
    const copy = place.at('imported');
    const archive = place.at('one.functa');
    await functa(['store', 'pack', store, '-m', place.model, '-o', archive]);
    await functa(['store', 'unpack', archive, copy, '-m', place.model]);
    await functa(['store', 'put', copy, file, '-m', place.model, '--replace']);
    const again = place.at('again.safetensors');
    await functa(['store', 'export', copy, '-m', place.model, '-o', again]);
    const [one, two] = [file, again].map((path) => readSafetensors(readFileSync(path)));
    expect(two!.metadata).toEqual(one!.metadata);
    expect(JSON.parse(one!.metadata.ids!)).toEqual(json.ids);
    // They are kept as half floats.
    const values = (of: typeof one) => of!.tensors.get('modulations')!.data as Float32Array;
    expect(values(one)).toHaveLength(12 * json.length);
    values(two).forEach((value, i) => {
      expect(Math.abs(value - values(one)[i]!)).toBeLessThanOrEqual(Math.abs(value) / 1024);
    });
    const npy = place.at('modulations.npy');
    await functa(['store', 'export', store, '-m', place.model, '-o', npy]);
    const { shape, data } = readNpy(readFileSync(npy));
    expect(shape).toEqual([12, json.length]);
    expect(data).toEqual(values(one));
    const refused = await functaJson(['store', 'export', store, '-m', place.model, '-o', place.at('m.csv')]);
    expect(refused).toMatchObject({ status: 2, json: { error: { code: 'output-format' } } });
  });

  it('upgrade makes a store of format 1 one of this format', async () => {
    const old = place.at('old');
    mkdirSync(old);
    const packed = join(import.meta.dirname, '../fixtures/functaset-format1/data.mdb.gz');
    writeFileSync(join(old, 'data.mdb'), gunzipSync(readFileSync(packed)));
    const refused = await functaJson(['store', 'stats', old]);
    expect(refused.json.error).toMatchObject({
      code: 'info-format',
      message: expect.stringContaining('functa store upgrade'),
    });
    expect((await functaJson(['store', 'upgrade', old])).json).toMatchObject({ functions: 12 });
    expect((await functaJson(['store', 'stats', old])).json).toMatchObject({ functions: 12, format: 2 });
  });

  it('verify of a damaged record exits 3 and names it', async () => {
    await damageOneFunction();
    const { status, json, stderr } = await functaJson(['store', 'verify', store]);
    expect(status).toBe(3);
    expect(json).toMatchObject({ ok: false, functions: 12 });
    expect(json.faults[0]).toMatchObject({ code: expect.stringMatching(/^record-/) });
    expect(stderr).toMatch(/^functa: .*\[store-damaged\]\n$/);
  });
});

describe('functa eval', () => {
  it('measures files, archives, both PSNRs, times, the histogram coder and other codecs', async () => {
    const args = ['eval', '-d', 'fixture-fashion', '-m', place.model, '--limit', '4'];
    const { status, json } = await functaJson([
      ...args,
      '--against',
      'jpeg,webp',
      '--qualities',
      '30,50,60,70',
    ]);
    expect(status).toBe(0);
    expect(json).toMatchObject({ model: 'tiny', dataset: 'fixture-fashion', split: 'test', n: 4 });
    expect(json.qualities.map(({ quality }: { quality: number }) => quality)).toEqual([30, 50, 60, 70]);
    const figures = ['fileBytes', 'archiveBytes', 'bitsPerPoint', 'psnrDbMeanOfItems', 'psnrDbOfMeanMse'];
    for (const row of json.qualities) {
      for (const name of [...figures, 'encodeMs', 'decodeMs', 'histogramBytes'])
        expect(row[name]).toBeGreaterThan(0);
      expect(row.peers.jpeg.bytes).toBeGreaterThan(0);
      expect(row.peers.webp.psnrDb).toBeGreaterThan(0);
    }
  });

  it('is a table without --json', async () => {
    const args = ['eval', '-d', 'fixture-fashion', '-m', place.model, '--limit', '2', '--qualities', '40,60'];
    const { status, stdout } = await functa(args);
    expect(status).toBe(0);
    const lines = stdout.toString().trimEnd().split('\n');
    expect(lines[0]).toMatch(/^tiny on 2 of fixture-fashion test: prior factorized, effort 1, engine /);
    expect(lines[1]).toMatch(/^quality +file +archive/);
    expect(lines).toHaveLength(4);
  });

  it('refuses a codec that it does not know', async () => {
    const args = ['eval', '-d', 'fixture-fashion', '-m', place.model, '--against', 'gif'];
    const { status, json } = await functaJson(args);
    expect(status).toBe(1);
    expect(json.error.code).toBe('unknown-peer');
  });
});

async function withStore<T>(work: (set: Functaset) => T): Promise<T> {
  const set = await openFunctaset(store, { readOnly: true });
  try {
    return work(set);
  } finally {
    await set.close();
  }
}

/** Flips a byte of a function's coded bytes wherever the file of the store holds them. */
async function damageOneFunction(): Promise<void> {
  const reader = await openFunctaset(store, { readOnly: true });
  const [first] = reader.iterate({ limit: 1 });
  await reader.close();
  if (first?.content.kind !== 'file') throw new Error('a built function is a file');
  const { bytes: coded } = first.content;
  const file = place.at('store/data.mdb');
  const bytes = readFileSync(file);
  for (let at = bytes.indexOf(coded); at >= 0; at = bytes.indexOf(coded, at + 1)) {
    bytes[at + 10]! ^= 255;
  }
  writeFileSync(file, bytes);
}
