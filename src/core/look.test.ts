import { describe, expect, it } from 'vitest';
import { AbortedError } from './errors.ts';
import { look, stoppable } from './look.ts';

const stopped = AbortSignal.abort();
const running = new AbortController().signal;

describe('look', () => {
  it('throws once the signal of the work around it is aborted, and nowhere else', () => {
    expect(() => look()).not.toThrow();
    expect(() => stoppable(running, look)).not.toThrow();
    expect(() => stoppable(stopped, look)).toThrow(AbortedError);
    expect(() => look()).not.toThrow();
  });

  it('looks at the innermost signal, and at that around it where there is none', () => {
    expect(stoppable(stopped, () => stoppable(running, () => 'done'))).toBe('done');
    expect(() => stoppable(stopped, () => stoppable(undefined, look))).toThrow(AbortedError);
    expect(() => stoppable(running, () => stoppable(stopped, look))).toThrow(AbortedError);
  });

  it('looks at the outer signal again after the inner work', () => {
    const work = () => {
      stoppable(running, () => undefined);
      look();
    };
    expect(() => stoppable(stopped, work)).toThrow(AbortedError);
  });
});
