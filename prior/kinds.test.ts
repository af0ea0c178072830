import { expect, test } from 'vitest';
import { generativePriors } from './generative/index.ts';
import {
  anyPrior,
  codingKinds,
  codingKindsByNumber,
  generativeKinds,
  kindsThat,
  kindsThatTake,
  priorDescriptor,
  priorTable,
} from './kinds.ts';

test('the kinds that code have the numbers that files have carried since format 1', () => {
  expect(codingKindsByNumber).toEqual(['histogram', 'factorized', 'autoregressive']);
  for (const [number, kind] of codingKindsByNumber.entries()) {
    expect(priorDescriptor(kind).number).toBe(number);
  }
  expect(kindsThat('code')).toEqual(codingKinds);
});

test('a kind stands once, and either codes or has a file of its own that can be opened and trained', () => {
  const kinds = priorTable.map(({ kind }) => kind);
  expect(new Set(kinds).size).toBe(kinds.length);
  expect([...codingKinds, ...generativeKinds]).toEqual(kinds);
  expect(Object.keys(generativePriors)).toEqual(generativeKinds);
});

test('only those that sample can be asked for something of a sample', () => {
  for (const wish of ['temperature', 'label', 'guidance', 'steps'] as const) {
    for (const kind of kindsThatTake(wish)) expect(kindsThat('sample')).toContain(kind);
  }
  expect(anyPrior('temperature')).toBeUndefined();
  expect(anyPrior('constructor')).toBeUndefined();
});
