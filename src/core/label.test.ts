import { expect, test } from 'vitest';
import { labelForms, labelText, plainLabel } from './label.ts';

test.each<[string | number, (string | number)[]]>([
  [7, [7, '7']],
  ['7', [7, '7']],
  ['007', ['007']],
  ['1e3', ['1e3']],
  [1e3, [1000, '1000']],
  ['1e+21', [1e21, '1e+21']],
  [0.1, [0.1, '0.1']],
  ['0.10', ['0.10']],
  ['-3.5', [-3.5, '-3.5']],
  [-0, [0, '0']],
  ['-0', ['-0']],
  ['', ['']],
  [' 7', [' 7']],
  ['Infinity', ['Infinity']],
  ['NaN', ['NaN']],
  ['"7"', ['"7"']],
  ['shoe', ['shoe']],
])('%j stands for the labels %j', (label, forms) => {
  expect(labelForms(label)).toEqual(forms);
  for (const form of forms) expect(labelText(form)).toBe(labelText(label));
});

test('there is one zero', () => {
  expect(Object.is(plainLabel(-0), 0)).toBe(true);
});
