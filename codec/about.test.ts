import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { fromHex, hex } from '../src/core/bytes.ts';
import { BadStreamError, FunctaError } from '../src/core/errors.ts';
import { Rng } from '../src/core/rng.ts';
import type { About } from '../src/field/about.ts';
import { rounds } from '../test/rounds.ts';
import { decodeAbout, encodeAbout } from './about.ts';
import { decodeText, encodeText, seen } from './text.ts';

const about: About = {
  attributes: [{ long_name: 'Surface pressure', cell_methods: 'time: mean' }, { range: [0, 1.5e-8] }],
  outputs: [{ name: 'PS', unit: 'Pa' }, { name: 'cloud' }],
  stored: { type: 'i2', slope: 0.01, intercept: 273.15 },
  affine: [1, 0.5, 0, -9, 0, 1, 0, 3, 0, 0, 2, 7.25],
};

it('what is said of a signal is read as it was written, words that such files have in few bytes', () => {
  expect(decodeAbout(encodeAbout(about, 2)!, 2)).toEqual(about);
  const one = { attributes: [{ long_name: '2 metre temperature', standard_name: 'air_temperature' }] };
  expect(encodeAbout(one, 1)!.length).toBeLessThan(28);
});

it('what is said of a signal is these bytes for good', () => {
  const said: About = {
    attributes: [{ long_name: '2 metre temperature', level: [2, 850] }],
    stored: { type: 'i2', slope: 0.01, intercept: 273.15 },
  };
  const bytes =
    '7ba50f988ed1d1d5906ca7aa9463bbb261a2195ff5bafdb6450c49038221a8538e66334d018cf7f483332035da62b5e190';
  expect(hex(encodeAbout(said, 1)!)).toBe(bytes);
  expect(decodeAbout(fromHex(bytes), 1)).toEqual(said);
});

it('nothing is written where nothing is said, or more than a section holds', () => {
  expect(encodeAbout({}, 1)).toBeUndefined();
  expect(encodeAbout({ attributes: [{}] }, 1)).toBeUndefined();
  expect(encodeAbout({ attributes: [{ comment: 'ab'.repeat(3000) }] }, 1)).toBeUndefined();
  expect(encodeAbout({ attributes: [{ comment: 'a\u001b[2J' }] }, 1)).toBeUndefined();
});

it('texts of any letters come back; the text that was seen is that of FORMAT.md', () => {
  for (const text of ['', 'a', 'Température à 2 m, ΔT', seen])
    expect(decodeText(encodeText(text), 4096)).toBe(text);
  const format = readFileSync(new URL('./FORMAT.md', import.meta.url), 'utf8');
  expect(/```seen\n([^`]*)\n```/.exec(format)![1]!.replaceAll('\n', '')).toBe(seen);
});

it.each([
  'null',
  '[]',
  '{"attributes":[]}',
  '{"attributes":[{"":"a"}]}',
  '{"attributes":[{"a":{}}]}',
  '{"attributes":[{"a":"\\u001b"}]}',
  '{"affine":[1,2,3]}',
  '{"affine":[1,0,0,0,0,1,0,0,0,0,1,null]}',
  '{"stored":{"type":"i2","slope":0,"intercept":0}}',
  '{"stored":{"type":"x","slope":1,"intercept":0}}',
  '{"stored":{"type":"u1","slope":1,"intercept":0,"fill":256}}',
  '{"stored":{"type":"f4","slope":1,"intercept":0,"fill":0}}',
  '{"stored":{"type":"i2","slope":1,"intercept":0,"fill":0.5}}',
  '{"outputs":[{"name":""}]}',
  '{',
])('%s is nothing that is said of a signal', (text) => {
  expect(() => decodeAbout(encodeText(text), 1)).toThrow(BadStreamError);
});

it('any bytes give what may be said or a tagged error; a text beyond its bound is refused first', () => {
  const rng = new Rng(8);
  const bytes = encodeAbout(about, 2)!;
  for (let n = 0; n < rounds(200, 20_000); n++) {
    const changed = bytes.slice(0, bytes.length - rng.below(3));
    for (let k = rng.below(4); k >= 0; k--) changed[rng.below(changed.length)] = rng.below(256);
    try {
      decodeAbout(changed, 2);
    } catch (error) {
      expect(error).toBeInstanceOf(FunctaError);
    }
  }
  expect(() => decodeText(Uint8Array.of(255, 255, 255, 255, 15), 4096)).toThrow('above 4096');
});
