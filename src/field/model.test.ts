import { expect, test } from 'vitest';
import { FunctaError } from '../core/errors.ts';
import { sha256Hex } from '../core/hash.ts';
import { withLimits } from '../core/limits.ts';
import { type Tensor, tensor } from '../core/tensor.ts';
import { canonicalJson, specDigest } from './canonical.ts';
import { outputsOfKind } from './kinds.ts';
import { type ModelParts, networkId, readModel, writeModel } from './model.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';
import { totalChannels, weightLayout } from './spec.ts';
import { tinyCard } from './testing.ts';

const card = tinyCard;

function parts(changes: Partial<ModelParts> = {}): ModelParts {
  const channels = totalChannels(card.spec);
  const weights = Float32Array.from({ length: weightLayout(card.spec).length }, (_, i) => i / 64 - 1);
  return {
    card,
    network: { spec: card.spec, weights, rates: new Float32Array(channels).fill(0.25) },
    steps: new Float32Array(channels).fill(0.125),
    tensors: new Map([['prior.factorized.table', tensor(Uint16Array.of(1, 2, 3))]]),
    ...changes,
  };
}

/** A model file with its card, or its tensors, changed by hand. */
function forged(edit: (card: Record<string, unknown>, tensors: Map<string, Tensor>) => void): Uint8Array {
  const { tensors, metadata } = readSafetensors(writeModel(parts()));
  const changed = JSON.parse(metadata.card!) as Record<string, unknown>;
  edit(changed, tensors);
  return writeSafetensors(tensors, { ...metadata, card: JSON.stringify(changed) });
}

test('a model reads back as it was written, and writes the same bytes again', () => {
  const bytes = writeModel(parts());
  const model = readModel(bytes);
  expect(model.card).toEqual(card);
  expect(model.network).toEqual(parts().network);
  expect(model.steps).toEqual(parts().steps);
  expect(model.tensors.get('prior.factorized.table')!.data).toEqual(Uint16Array.of(1, 2, 3));
  expect(model.id).toBe(sha256Hex(bytes));
  expect(writeModel(model)).toEqual(bytes);
});

test('the network id follows the values of the field alone', () => {
  const { networkId: id } = readModel(writeModel(parts()));
  const other = readModel(
    writeModel(parts({ card: { ...card, name: 'x', notes: 'y' }, tensors: new Map() })),
  );
  expect(other.networkId).toBe(id);
  const { network } = parts();
  expect(networkId(network, card.outputs)).toBe(id);
  expect(networkId(network, outputsOfKind('rgb', { offset: 0.5, scale: 1 }))).not.toBe(id);
  expect(networkId({ ...network, weights: network.weights.with(3, 9) }, card.outputs)).not.toBe(id);
  expect(networkId({ ...network, rates: network.rates.with(0, 9) }, card.outputs)).not.toBe(id);
});

test('digests do not depend on the order in which members were written', () => {
  expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: true, e: undefined })).toBe(
    '{"a":true,"b":[1,{"c":"x","d":null}]}',
  );
  const reordered = Object.fromEntries(Object.entries(card.spec).reverse()) as unknown as typeof card.spec;
  expect(specDigest(reordered)).toBe(specDigest(card.spec));
});

type Json = Record<string, never>;
const set = (path: string, value: unknown) =>
  forged((root) => {
    const keys = path.split('.');
    const last = keys.pop()!;
    (keys.reduce<Json>((at, key) => at[key]!, root as Json) as Record<string, unknown>)[last] = value;
  });

const badCards: [path: string, value: unknown][] = [
  ['name', '../etc/passwd'],
  ['name', 'two\nlines'],
  ['family', 'toString'],
  ['shape', [8]],
  ['shape', [8, 0]],
  ['shape', [8, 2.5]],
  ['anySize', 1],
  ['values.scale', 0],
  ['values.offset', null],
  ['channels', 'grey'],
  ['spec', null],
  ['spec.axes', 4],
  ['spec.outputs', 0],
  ['spec.width', 2 ** 13],
  ['spec.width', '4'],
  ['spec.layers', 33],
  ['spec.layers', 0],
  ['spec.w0', -1],
  ['spec.features', []],
  ['spec.features.harmonics', 65],
  ['spec.features.global', 0],
  ['spec.features.period', [8]],
  ['spec.features.period', 8],
  ['spec.levels', {}],
  ['spec.levels', Array(17).fill({ cell: null, channels: 1, interpolation: 'linear' })],
  ['spec.levels.0.channels', 16384],
  ['spec.levels.0.channels', 1e300],
  ['spec.levels.1.cell', [4]],
  ['spec.levels.1.cell', [4, 0]],
  ['spec.levels.1.interpolation', 'quadratic'],
  ['spec.surprise', 1],
  ['surprise', 1],
  ['training', undefined],
  ['training.steps', 'many'],
  ['training.nested', {}],
  ['figures.psnrDb', null],
  ['licence', 3],
];

test.each(badCards)('a card with %s = %j is refused', (path, value) => {
  const refused = expect.objectContaining({ code: 'model-card', kind: 'stream' });
  expect(() => readModel(set(path, value))).toThrow(refused);
});

test('a card of signals above the limits is a limit, not a fault of the stream', () => {
  expect(() => readModel(set('shape', [2 ** 20, 2 ** 20]))).toThrow(
    expect.objectContaining({ code: 'limit-samples' }),
  );
  const few = withLimits({ maxSymbols: 3 });
  expect(() => readModel(writeModel(parts()), few)).toThrow(
    expect.objectContaining({ code: 'limit-symbols' }),
  );
});

const withTensor = (name: string, value: Tensor | undefined) =>
  forged((_, tensors) => (value === undefined ? tensors.delete(name) : tensors.set(name, value)));

test('a file holds the rates of as many inner steps as it has', () => {
  const { network } = parts();
  const rates = Float32Array.from({ length: 2 * network.rates.length }, (_, i) => 1 + i);
  expect(readModel(writeModel(parts({ network: { ...network, rates } }))).network.rates).toEqual(rates);
});

const badTensors: [what: string, code: string, bytes: () => Uint8Array][] = [
  ['without weights', 'model-tensor', () => withTensor('field.weights', undefined)],
  ['with too few weights', 'model-tensor', () => withTensor('field.weights', tensor(new Float32Array(5)))],
  [
    'with weights of another dtype',
    'model-tensor',
    () => withTensor('field.rates', tensor(new Float64Array(5))),
  ],
  [
    'with rates of a step and a half',
    'model-tensor',
    () => withTensor('field.rates', tensor(new Float32Array(7))),
  ],
  ['without rates', 'model-tensor', () => withTensor('field.rates', tensor(new Float32Array(0)))],
  [
    'with a NaN rate',
    'model-not-finite',
    () => withTensor('field.rates', tensor(Float32Array.of(1, 1, Number.NaN, 1, 1))),
  ],
  [
    'with an infinite tensor of a prior',
    'model-not-finite',
    () => withTensor('prior.x', tensor(Float64Array.of(Infinity))),
  ],
  [
    'with a step of zero',
    'model-tensor',
    () => withTensor('field.steps', tensor(Float32Array.of(1, 1, 1, 1, 0))),
  ],
];

test.each(badTensors)('a file %s is refused: %s', (_what, code, bytes) => {
  expect(() => readModel(bytes())).toThrow(expect.objectContaining({ code, kind: 'stream' }));
});

test('a safetensors file of something else is told apart from a broken model', () => {
  const foreign = writeSafetensors(new Map([['w', tensor(Float32Array.of(1))]]), {});
  expect(() => readModel(foreign)).toThrow(expect.objectContaining({ code: 'model-format' }));
  const noCard = writeSafetensors(new Map(), { format: 'functa-model/1' });
  expect(() => readModel(noCard)).toThrow(expect.objectContaining({ code: 'model-card' }));
});

test('what a reader would refuse is not written', () => {
  const refuses = (changes: Partial<ModelParts>, code: string) =>
    expect(() => writeModel(parts(changes))).toThrow(expect.objectContaining({ code, kind: 'input' }));
  refuses({ card: { ...card, figures: { psnrDb: Infinity } } }, 'bad-card');
  refuses({ steps: new Float32Array(4).fill(1) }, 'tensor-shape');
  refuses({ steps: new Float32Array(5).fill(Number.NaN) }, 'model-not-finite');
  refuses({ network: { ...parts().network, weights: new Float32Array(3) } }, 'tensor-shape');
});

test('every truncation is a tagged error', () => {
  const bytes = writeModel(parts());
  for (let n = 0; n < bytes.length; n += 7) expect(() => readModel(bytes.slice(0, n))).toThrow(FunctaError);
});
