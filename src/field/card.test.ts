import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { ModelCard } from './card.ts';
import { channelKinds, outputsOfKind } from './kinds.ts';
import { networkId, readModel, writeModel } from './model.ts';
import { sampleTypeOf } from './outputs.ts';
import { readSafetensors } from './safetensors.ts';
import { weightLayout } from './spec.ts';
import { tinyCard } from './testing.ts';

const read = (path: string) => new Uint8Array(readFileSync(path));
const formatOf = (bytes: Uint8Array) => readSafetensors(bytes).metadata.format;

function fileOf(card: ModelCard): Uint8Array {
  const { spec } = card;
  return writeModel({
    card,
    network: {
      spec,
      weights: new Float32Array(weightLayout(spec).length).fill(0.25),
      rates: new Float32Array(5).fill(1),
    },
    steps: new Float32Array(5).fill(0.1),
  });
}

/** Ids of the models as they were released, which files name. */
const released = {
  cifar10: ['678796f9bdee', 'ff7c605f8876'],
  'cifar10-samples': ['ba3b525d4e92', 'cceb6a2b28e8'],
  emoji: ['559b10273731', '80a32a696ae3'],
  'emoji-samples': ['1b3b2ce16691', 'ec2d8c8aac8b'],
  'fashion-mnist': ['d8804c689b7f', '236fbb7bea8b'],
  'fashion-mnist-samples': ['d9bb59fdb969', '05aba59ff6bc'],
  photos: ['fa1ad62573e7', '65f6a95fe6f7'],
  'photos-low': ['487e368bd884', '5021a41d1afb'],
  speech: ['aaeb78b34f62', '17f3f7e7a797'],
  climate: ['40e82ca39b1a', '321e9f1edfe4'],
  elevation: ['dbcfcb274df9', '83a9d230d090'],
  volume: ['af60bf6c580e', 'dce314ce4331'],
  shapes: ['4252871b8ffd', '8c682ef9a2bd'],
};

/** Sample type, least value and length of the range; of pictures the usual one. */
const ranges: Readonly<Record<string, readonly unknown[]>> = {
  speech: ['int16', -1, 2],
  climate: ['float32', 0, 1],
  elevation: ['float32', 0, 1],
  volume: ['float32', 0, 1],
  shapes: ['float32', -3 / 32, 6 / 32],
};

test('logs beside models name no path of a machine', () => {
  const models = new URL('../../models/', import.meta.url);
  const logs = readdirSync(models, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.(log|jsonl)$/.test(name),
  );
  expect(logs.length).toBeGreaterThan(Object.keys(released).length);
  for (const name of logs)
    expect(readFileSync(new URL(name, models), 'utf8'), name).not.toMatch(/"path":"\/|^\/|\/tmp\//m);
});

test.each(Object.entries(released))(
  'the model %s keeps its ids, and its bytes when written again',
  (name, ids) => {
    expect(readdirSync('models')).toContain(name);
    const bytes = read(`models/${name}/model.safetensors`);
    const model = readModel(bytes);
    expect([model.id.slice(0, 12), model.networkId.slice(0, 12)]).toEqual(ids);
    expect(model.card.outputs.map(({ sample, low, peak }) => [sample, low, peak])).toEqual(
      model.card.outputs.map(() => ranges[name] ?? ['uint8', 0, 1]),
    );
    expect(Buffer.compare(writeModel(model), bytes)).toBe(0);
  },
);

test('every kind of channels is outputs, and what those say is written as that kind again', () => {
  for (const kind of channelKinds) {
    const outputs = outputsOfKind(kind, { offset: 0.5, scale: 2 }, { count: 3 });
    const spec = { ...tinyCard.spec, outputs: outputs.length };
    const bytes = fileOf({ ...tinyCard, outputs, spec });
    expect(formatOf(bytes)).toBe('functa-model/1');
    expect(readModel(bytes).card.outputs).toEqual(outputs);
    expect(sampleTypeOf(outputs)).toBe(
      { r: 'uint8', g: 'uint8', m: 'int16', s: 'int16', v: 'float32' }[kind[0]!],
    );
  }
});

const told: ModelCard = {
  ...tinyCard,
  outputs: [
    { name: 'temperature', unit: 'K', offset: 280, scale: 20, low: 220, peak: 100, sample: 'float32' },
    { name: 'pressure', unit: 'Pa', offset: 1e5, scale: 2e3, low: 9e4, peak: 2e4, sample: 'float32' },
    { name: 'cloud', offset: 0.5, scale: 1, low: 0, peak: 1, sample: 'uint8' },
  ],
  axes: [
    { name: 'latitude', unit: 'degrees', start: -88.75, step: 2.5, weight: 'cosine' },
    { name: 'longitude', unit: 'degrees', start: 0, step: 2.5, wraps: true },
  ],
};

test('what no kind says is written as format 2 and comes back', () => {
  const bytes = fileOf(told);
  expect(formatOf(bytes)).toBe('functa-model/2');
  const model = readModel(bytes);
  expect(model.card.outputs).toEqual(told.outputs);
  expect(model.card.axes).toEqual(told.axes);
  expect(writeModel(model)).toEqual(bytes);
});

test('the id of a network has the ranges of all outputs, and nothing else that is said of them', () => {
  const { network, networkId: id } = readModel(fileOf(told));
  const renamed = told.outputs.map((output) => ({ ...output, name: `${output.name}2`, peak: 7, low: 1 }));
  expect(networkId(network, renamed)).toBe(id);
  const moved = told.outputs.map((output, o) => (o === 1 ? { ...output, offset: 1 } : output));
  expect(networkId(network, moved)).not.toBe(id);
});

const [first, ...rest] = told.outputs as [(typeof told.outputs)[number]];
test.each<[string, Partial<ModelCard>]>([
  ['two outputs of one name', { outputs: [first, { ...first }, first] }],
  ['a scale of 0', { outputs: [{ ...first, scale: 0 }, ...rest] }],
  ['no peak', { outputs: [{ ...first, peak: 0 }, ...rest] }],
  ['an unknown sample type', { outputs: [{ ...first, sample: 'int8' as never }, ...rest] }],
  ['a name that is none', { outputs: [{ ...first, name: '../x' }, ...rest] }],
  ['fewer outputs than the field', { outputs: [first] }],
  ['fewer axes than the field', { axes: [{ name: 'x' }] }],
  ['a weight without coordinates', { axes: [{ name: 'y', weight: 'cosine' }, { name: 'x' }] }],
  ['a step of 0', { axes: [{ name: 'y', step: 0 }, { name: 'x' }] }],
])('a card with %s is refused', (_, wrong) => {
  expect(() => fileOf({ ...told, ...wrong })).toThrow(expect.objectContaining({ code: 'bad-card' }));
});
