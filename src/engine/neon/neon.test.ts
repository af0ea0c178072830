/** `npm run test:neon`: the kernel's NEON code, emulated, against the reference. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeAgreement } from '../contract/agreement.ts';
import { describeSameness } from '../contract/sameness.ts';
import type { Engine } from '../engine.ts';
import { neonAbsent, openNeon } from './neon.ts';

const asked = process.env.FUNCTA_NEON !== undefined;
const absent = asked ? neonAbsent() : undefined;

it.runIf(asked)('a compiler and an emulator of aarch64 are installed', () => {
  expect(absent).toBeUndefined();
});

describe.runIf(asked && absent === undefined)('the kernel on NEON', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openNeon();
  }, 120_000);
  afterAll(() => engine?.close());
  const subject = {
    engine: () => engine,
    open: openNeon,
    tolerances: { values: 1e-5, firstOrder: 1e-4, secondOrder: 1e-3 },
    exactOverlap: true,
    asynchronous: false,
    threaded: false,
    cases: 4,
  };
  describeAgreement(subject);
  describeSameness(subject);
});
