import { expect, it } from 'vitest';
import * as door from './index.ts';

it('exports what it promises: a change here is a change of the library', () => {
  expect(Object.keys(door).sort()).toMatchSnapshot();
});
