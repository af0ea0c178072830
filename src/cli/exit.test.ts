import { expect, it } from 'vitest';
import { AbortedError, BadInputError, BadStreamError, LimitError, NotFoundError } from '../core/errors.ts';
import { errorLine, errorObject, exitCodeOf, toFunctaError, UsageError } from './exit.ts';

it('every kind of fault has its exit code', () => {
  const codes = [
    new UsageError('bad-query', 'm'),
    new BadStreamError('bad-query', 0, 'm'),
    new LimitError('bad-query', 1, 2, 'h'),
    new AbortedError(),
    new BadInputError('bad-query', 'm'),
    new NotFoundError('bad-query', 'm'),
  ].map(exitCodeOf);
  expect(codes).toEqual([2, 3, 4, 130, 1, 1]);
});

it('what an option has to choose ends alike, whoever finds it out', () => {
  const codes = [
    new UsageError('which-model', 'm'),
    new BadInputError('which-variable', 'm'),
    new BadInputError('which-part', 'm'),
  ];
  expect(codes.map(exitCodeOf)).toEqual([2, 2, 2]);
});

it('an error is one line that ends in its code', () => {
  expect(errorLine(new BadInputError('bad-query', 'first\n  second'))).toBe(
    'functa: first second [bad-query]',
  );
});

it('an error object carries the fields of its kind', () => {
  expect(errorObject(new LimitError('samples', 10, 11, 'ask for less'))).toEqual({
    error: {
      code: 'limit-samples',
      kind: 'limit',
      message: 'samples: 11 asked, 10 allowed; ask for less',
      exitCode: 4,
      limit: 'samples',
      allowed: 10,
      asked: 11,
    },
  });
});

it('what the system says becomes an error of ours, and what nobody foresaw is called a bug', () => {
  const system = Object.assign(new Error('ENOSPC: no space left'), {
    code: 'ENOSPC',
    syscall: 'write',
    path: 'a.png',
  });
  expect(toFunctaError(system)).toMatchObject({ kind: 'environment', code: 'disk-full' });
  expect(toFunctaError(new TypeError('x is undefined'))).toMatchObject({ kind: 'bug' });
  expect(toFunctaError('thrown text')).toMatchObject({ kind: 'bug' });
  expect(toFunctaError(new DOMException('stop', 'AbortError'))).toMatchObject({ kind: 'aborted' });
  const reason = new AbortedError('interrupted');
  const wrapped = Object.assign(new Error('aborted', { cause: reason }), {
    name: 'AbortError',
    code: 'ABORT_ERR',
  });
  expect(toFunctaError(wrapped)).toBe(reason);
});
