import { expect, it } from 'vitest';
import { parseQuery } from './request.ts';

it.each([
  [{ kind: 'near', signal: 'UklGRg==' }, 'signal: give {"file": the bytes of a file as base64}'],
  [{ kind: 'near', id: 'x', region: 7 }, 'region: give it as y=0:32,x=8:24'],
])('what may be said in two ways names both where it is neither', (query, told) => {
  expect(() => parseQuery(query)).toThrow(told);
});
