import { describe, expect, it } from 'vitest';
import { linesOf } from './engines.ts';

describe('functa engines', () => {
  it('prints times for what is here, reasons for what is not, and what tfjs could run on', () => {
    const lines = linesOf(
      [
        { name: 'native', present: false, why: 'not built; install g++' },
        {
          name: 'tfjs',
          present: true,
          threads: 2,
          timing: { adaptMs: 12.345, pointsPerSecond: 1.5e6 },
          backend: { name: 'functa', absent: [{ backend: 'webgpu', why: 'not installed' }] },
        },
      ],
      3,
    );
    expect(lines).toEqual([
      'engine  threads  adapt    evaluate',
      'native  -        not here: not built; install g++',
      'tfjs    2        12.3 ms  1.50 Mpoint/s',
      expect.stringContaining('best of 3'),
      'tfjs runs on functa',
      '  webgpu is not used: not installed',
    ]);
  });
});
