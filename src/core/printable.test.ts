import { expect, it } from 'vitest';
import { printable, printableJson } from './printable.ts';

it.each([
  ['/v1/models', '/v1/models'],
  ['größer 日本 🙂', 'größer 日本 🙂'],
  ['a\nb\r\tc', 'a\\nb\\r\\tc'],
  ['\u001b[31mred\u009b0m', '\\u001b[31mred\\u009b0m'],
  ['a\\nb', 'a\\\\nb'],
  ['\u202egnp.exe\u2028', '\\u202egnp.exe\\u2028'],
  ['\u0000\u007f', '\\u0000\\u007f'],
  ['\ud800x', '\\ud800x'],
])('prints %j as %j', (text, printed) => expect(printable(text)).toBe(printed));

it('keeps the value of a line of JSON', () => {
  const value = { path: '/a\n\u001b[31m\u009b\u202e\\' };
  const line = printableJson(JSON.stringify(value));
  expect(line).toMatch(/^[ -~]*$/);
  expect(JSON.parse(line)).toEqual(value);
});
