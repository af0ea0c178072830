/** `functa query` on a tiny functaset: every kind, and what each refuses. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { addQuery } from '../../src/cli/commands/query.ts';
import { openEngine } from '../../src/engine/index.ts';
import { writeModel } from '../../src/field/model.ts';
import { readNpy, writeNpy } from '../../src/formats/npy.ts';
import { openFunctaset, type StoredFunction } from '../../src/functaset/index.ts';
import { buildFunctaset } from '../../src/jobs/index.ts';
import { loadModel } from '../../src/models/index.ts';
import { printed } from './in-process.ts';
import { makeWorkplace, type Workplace } from './tiny-model.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let place: Workplace;
let functions: StoredFunction[];

beforeAll(async () => {
  place = await makeWorkplace();
  const engine = await openEngine();
  const model = await loadModel(place.model);
  await buildFunctaset({
    ...{ data: 'fixture-fashion', split: 'train', path: place.at('set'), model, engine },
  });
  const store = await openFunctaset(place.at('set'), { readOnly: true });
  functions = [...store.iterate()];
  await store.close();
  const outputs = model.card.outputs.map((output) => ({ ...output, offset: 0.25 }));
  const card = { ...model.card, outputs };
  writeFileSync(place.at('other.safetensors'), writeModel({ ...model, card }));
  await engine.close();
  const npy = (name: string, shape: number[], value: (p: number) => number) => {
    const data = Float32Array.from({ length: shape.reduce((n, k) => n * k, 1) }, (_, p) => value(p));
    writeFileSync(place.at(name), writeNpy({ dtype: 'F32', shape, data }));
  };
  npy('lower.npy', [28, 28], (p) => Number(p >= 392));
  npy('small.npy', [14, 14], () => 1);
  npy('nothing.npy', [28, 28], () => 0);
  npy('holes.npy', [28, 28], () => Number.NaN);
});
afterAll(() => place.remove());

/** By the tiny model, unless the arguments name another. */
const ask = (kind: string, ...args: string[]) =>
  printed(
    [addQuery],
    ['query', kind, place.at('set'), ...(args.includes('--model') ? [] : ['--model', place.model]), ...args],
  );

const first = () => functions[0]!.id;
const idsOf = (items: readonly { readonly id: string }[]) => items.map(({ id }) => id);

describe('functa query', () => {
  it('near: by id a page at a time, by a picture, by what a mask or a region shows of it', async () => {
    const page = await ask('near', '--id', first(), '-k', '3');
    expect(page.json).toMatchObject({ kind: 'near', method: 'exact', searched: 48, metric: 'values' });
    const next = await ask('near', '--id', first(), '-k', '3', '--cursor', page.json.next);
    const both = await ask('near', '--id', first(), '-k', '6');
    expect([...page.json.items, ...next.json.items]).toEqual(both.json.items);
    const gram = await ask('near', '--id', first(), '-k', '6', '--metric', 'gram', '--method', 'hnsw');
    expect(idsOf(gram.json.items)).toEqual(idsOf(both.json.items));
    const picture = ['--signal', place.at('0.png'), '-k', '2'];
    for (const part of [[], ['--mask', place.at('lower.npy')], ['--region', '0,14,28,14']]) {
      const found = await ask('near', ...picture, ...part);
      expect(found.status).toBe(0);
      expect(found.json.items).toHaveLength(2);
    }
  });

  it('near: by a fragment that lies anywhere, on another level too', async () => {
    const cut = await ask('near', '--id', first(), '--region', 'y=4:20,x=6:16', '--anywhere', '-k', '3');
    expect(cut.json).toMatchObject({ method: 'exact', fragment: [16, 10], searched: 47, smaller: 0 });
    for (const { start } of cut.json.items) expect(start).toHaveLength(2);
    const args = ['--signal', place.at('0.png'), '--region', 'y=4:20,x=6:16', '--anywhere'];
    for (const metric of ['values', 'correlation']) {
      const found = await ask('near', ...args, '--metric', metric, '-k', '1');
      expect(found.json).toMatchObject({ metric, fragment: [16, 10], searched: 48 });
      expect(found.json.items[0].start).toHaveLength(2);
    }
    const alone = await ask('near', '--id', first(), '--metric', 'correlation');
    expect(alone.json.error).toMatchObject({ code: 'bad-query' });
    const silent = await ask('near', ...args, '--metric', 'pitch');
    expect(silent.json.error.message).toContain('pitch is of sounds');
  });

  it('similar-region: a page at a time', async () => {
    const region = ['--id', first(), '--region', '0,14,28,14'];
    const page = await ask('similar-region', ...region, '-k', '2');
    const next = await ask('similar-region', ...region, '-k', '2', '--cursor', page.json.next);
    const both = await ask('similar-region', ...region, '-k', '4');
    expect([...page.json.items, ...next.json.items]).toEqual(both.json.items);
    const named = await ask('similar-region', '--id', first(), '--region', 'y=14:28', '-k', '4');
    expect(named.json.items).toEqual(both.json.items);
  });

  it('evaluate: values and derivatives of functions at points', async () => {
    const { json } = await ask(
      'evaluate',
      ...['--at', '14,14', '--at', '3.5,20', '--derivatives', '--ids', first()],
    );
    expect(json).toMatchObject({ points: 2, channels: 1 });
    expect(json.items[0].values).toHaveLength(2);
    expect(json.items[0].derivatives[0][0]).toHaveLength(2);
    expect((await ask('evaluate', '--at', '1,1', '--limit', '5')).json.next).not.toBeNull();
  });

  it('aggregate: fields of a set at its own size, at a factor or at another size, and an integral', async () => {
    const { json } = await ask('aggregate', '--label', String(functions[0]!.label));
    expect(json.shape).toEqual([28, 28]);
    expect((await ask('aggregate', '--size', '2x')).json.shape).toEqual([56, 56]);
    const wide = await ask('aggregate', '--size', '20x10', '--region', '0,0,14,28');
    expect(wide.json.shape).toEqual([10, 20]);
    expect(JSON.stringify(wide.json)).toContain('integral');
    const named = await ask('aggregate', '--size', '20x10', '--region', 'x=0:14');
    expect(named.json.integral).toEqual(wide.json.integral);
    expect(named.json.integral.region).toEqual({ start: [0, 0], count: [28, 14] });
  });

  it('aggregate: a field of it as a signal, replaced only where that is asked for', async () => {
    const output = place.at('mean.npy');
    const { json } = await ask('aggregate', '-o', output);
    const fields = (await ask('aggregate')).json.items as { statistic: string; values: number[] }[];
    expect(json).toMatchObject({
      kind: 'aggregate',
      functions: 48,
      statistic: 'mean',
      format: 'npy',
      output,
    });
    expect(json.items).toBeUndefined();
    const fieldOf = (name: string) => fields.find(({ statistic }) => statistic === name)!.values;
    const written = () => [...readNpy(readFileSync(output)).data];
    written().forEach((v, i) => void expect(v).toBeCloseTo(fieldOf('mean')[i]!, 2));
    expect((await ask('aggregate', '-o', output)).json.error.code).toBe('output-exists');
    await ask('aggregate', '-o', output, '-f', '--statistic', 'variance');
    written().forEach((v, i) => void expect(v).toBeCloseTo(fieldOf('variance')[i]!, 5));
    const other = await ask('aggregate', '-o', place.at('mean.wav'));
    expect(other.json.error.code).toBe('format-of-model');
  });

  it('where: labels, facts and conditions on the field', async () => {
    const label = functions[0]!.label;
    const { json } = await ask('where', '--label', String(label), '--bits', '1:');
    expect(idsOf(json.items)).toEqual(functions.filter((fn) => fn.label === label).map(({ id }) => id));
    const bright = await ask('where', '--mean-above', '0.3', '--over', '0,0,28,14');
    const dark = await ask('where', '--mean-below', '0.3', '--over', '0,0,28,14');
    expect(bright.json.items.length + dark.json.items.length).toBe(48);
  });

  it('where: each statistic, over all samples or over some', async () => {
    const all = (await ask('where', '--max-above', '0.9', '--min-below', '0.1')).json;
    expect(all.sampled).toEqual({ points: 1568, of: 1568 });
    const some = (await ask('where', '--deviation-above', '0', '--points', '50')).json;
    expect(some.sampled).toEqual({ points: 50, of: 784 });
    expect(some.items).toHaveLength(48);
  });

  it('near: with filters that leave k, and a largest distance', async () => {
    const label = functions[0]!.label;
    const same = functions.filter((fn) => fn.label === label).length - 1;
    const { json } = await ask('near', '--id', first(), '-k', '2', '--label', String(label));
    expect(json.items).toHaveLength(Math.min(2, same));
    for (const item of json.items) expect(item.label).toBe(label);
    const bright = await ask(
      'near',
      '--id',
      first(),
      '-k',
      '5',
      '--mean-above',
      '0.2',
      '--region',
      '0,0,28,14',
    );
    expect(bright.json.items).toHaveLength(5);
    expect((await ask('near', '--id', first(), '--max-distance', '0')).json.items).toEqual([]);
    const region = ['--id', first(), '--region', '0,14,28,14', '--max-distance', '0.1', '--points', '40'];
    const part = await ask('similar-region', ...region);
    expect(part.json.sampled).toEqual({ points: 40, of: 392 });
  });

  it('unlikely: by the stored bits, and by a prior of the model', async () => {
    const { json } = await ask('unlikely', '-k', '3');
    const ranked = [...functions].sort((a, b) => b.bits - a.bits).slice(0, 3);
    expect(idsOf(json.items)).toEqual(ranked.map(({ id }) => id));
    const again = await ask('unlikely', '-k', '3', '--prior', 'factorized');
    expect(again.json).toMatchObject({ prior: 'factorized' });
  });

  it('duplicates: none at no distance, all but one at a great one', async () => {
    expect((await ask('duplicates', '--max-distance', '0')).json.items).toEqual([]);
    const all = (await ask('duplicates', '--max-distance', '10', '--limit', '20')).json;
    expect(all).toMatchObject({ searched: expect.any(Number), sampled: { points: 784, of: 784 } });
    expect(all.items).toHaveLength(20);
    for (const { of } of all.items) expect(of).toBe(first());
    const rest = (await ask('duplicates', '--max-distance', '10', '--cursor', all.next)).json;
    expect(rest.items).toHaveLength(27);
    expect((await ask('duplicates')).status).toBe(2);
  });

  it('run: any query as JSON', async () => {
    const argv = ['query', 'run', place.at('set'), '--model', place.model, '--request', '-'];
    const found = await printed([addQuery], argv, '{"kind": "where", "limit": 2}');
    expect(found.json.items).toHaveLength(2);
    const bad = await printed([addQuery], argv, '{"kind": "where"');
    expect(bad).toMatchObject({ status: 2, json: { error: { code: 'malformed-json' } } });
  });
});

describe('functa query refuses', () => {
  const picture = () => ['--signal', place.at('0.png')];
  it.each<[string, () => string[], string, RegExp?]>([
    [
      'near with a mask of another shape',
      () => [...picture(), '--mask', place.at('small.npy')],
      'mask-shape',
    ],
    [
      'near with no observed point',
      () => [...picture(), '--mask', place.at('nothing.npy')],
      'no-observed-points',
    ],
    ['near with a signal of holes', () => ['--signal', place.at('holes.npy')], 'no-observed-points'],
    ['near with k of a million', () => ['--id', first(), '-k', '1000000'], 'bad-query', /k/],
    ['near with neither id nor signal', () => [], 'bad-query'],
    ['near with a cursor of another query', () => ['--id', first(), '--cursor', 'YQ'], 'bad-cursor'],
    ['near with an unknown id', () => ['--id', 'nobody'], 'unknown-function', /list them/],
    ['near with a model of another network', () => ['--id', 'x', '--model', other()], 'functaset-network'],
    ['evaluate with a point of other axes', () => ['--at', '1,2,3'], 'bad-coordinates'],
    ['evaluate with a point outside', () => ['--at', '29,2'], 'outside-signal', /\[28,28\]/],
    ['evaluate with a point before the first', () => ['--at', '3,-0.1'], 'outside-signal'],
    [
      'near with a region and a graph',
      () => ['--id', first(), '--region', '0,0,9,9', '--method', 'hnsw'],
      'bad-query',
    ],
    [
      'near with a region and modulations',
      () => ['--id', first(), '--region', '0,0,9,9', '--metric', 'gram'],
      'bad-query',
    ],
    ['where with an unknown label', () => ['--label', 'hat'], 'unknown-label', /store stats/],
    ['aggregate with an unknown label', () => ['--label', '77'], 'unknown-label', /77/],
    ['aggregate with a size of other axes', () => ['--size', '28'], 'bad-size'],
    ['unlikely with a prior that cannot', () => ['--prior', 'diffusion'], 'prior-cannot', /factorized/],
    ['unlikely with a prior that is not there', () => ['--prior', 'flow'], 'no-prior', /factorized/],
    ['unlikely with a prior that is none', () => ['--prior', 'oracle'], 'unknown-prior', /factorized/],
    [
      'similar-region with a region outside',
      () => ['--id', first(), '--region', '20,20,9,9'],
      'bad-region',
      /28,28/,
    ],
  ])('%s', async (name, args, code, message) => {
    const { status, json, stderr } = await ask(name.split(' ', 1)[0]!, ...args());
    expect(json.error.code).toBe(code);
    expect(status).toBe(1);
    expect(stderr).toContain(`[${code}]`);
    if (message !== undefined) expect(json.error.message).toMatch(message);
  });

  it('k of 0, a size and a region that are none, with exit code 2', async () => {
    for (const [kind, ...args] of [
      ['near', '--id', 'x', '-k', '0'],
      ['aggregate', '--size', 'large'],
      ['similar-region', '--id', 'x', '--region', 'there'],
      ['where', '--bits', 'many'],
      ['where', '--over', '0,0,28,14'],
      ['where', '--points', '20'],
      ['evaluate', '--at', '1,1', '--over', '0,0,28,14'],
      ['aggregate', '--points', '20'],
      ['near', '--id', 'x', '--over', '0,0,28,14'],
      ['unlikely', '--over', '0,0,28,14'],
    ] as const) {
      expect((await ask(kind, ...args)).status).toBe(2);
    }
  });

  const other = () => place.at('other.safetensors');
});
