import { expect, it } from 'vitest';
import { bytesText, columns, psnrText, secondsText, sizeText } from './text.ts';

it('columns line up, and the last cell of a row may run on', () => {
  expect(
    columns([
      ['engine', 'threads', 'rate'],
      ['native', '2', '10'],
      ['wasm', 'not here: a long reason'],
    ]),
  ).toEqual(['engine  threads  rate', 'native  2        10', 'wasm    not here: a long reason']);
});

it('bytes read in powers of 1000', () => {
  expect([0, 999, 1000, 12_345, 168_900_000, 2.5e9].map(bytesText)).toEqual([
    '0 B',
    '999 B',
    '1.00 kB',
    '12.3 kB',
    '169 MB',
    '2.50 GB',
  ]);
});

it('figures carry their unit', () => {
  expect([psnrText(31.234), psnrText(Number.POSITIVE_INFINITY)]).toEqual(['31.23 dB', 'exact']);
  expect([secondsText(0.00123), secondsText(12.345)]).toEqual(['1.23 ms', '12.3 s']);
});

it('a picture is spoken of width first, other signals in the order of their axes', () => {
  expect([sizeText([480, 640]), sizeText([16000]), sizeText([4, 5, 6])]).toEqual([
    '640 x 480',
    '16000',
    '4 x 5 x 6',
  ]);
});
