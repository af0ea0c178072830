/**
 * What every engine promises, as one suite of tests: `engineContract('native', openNative)` in a test file runs it.
 *
 * The environment widens it: FUNCTA_CONTRACT_CASES (random networks; 4, in `npm run test:all` 24) and FUNCTA_CONTRACT_CALLS (calls that must not leak, 100).
 */
import { afterAll, beforeAll, describe } from 'vitest';
import { rounds } from '../../test/rounds.ts';
import { describeAgreement, describeLearning } from './contract/agreement.ts';
import { describeFaults } from './contract/faults.ts';
import { describeLifetime } from './contract/lifetime.ts';
import { describeProducts } from './contract/products.ts';
import { describeSameness } from './contract/sameness.ts';
import type { Engine } from './engine.ts';

export interface ContractOptions {
  /** Largest error: of values, absolute or relative to the largest value; of gradients, relative in the 2-norm. */
  readonly tolerances?: {
    readonly values?: number;
    readonly firstOrder?: number;
    readonly secondOrder?: number;
  };
  /** Does a value depend on nothing but its position, to the bit? Else positions that overlap agree to 1e-6. */
  readonly exactOverlap?: boolean;
  /** Do calls leave the event loop free? */
  readonly asynchronous?: boolean;
  /** Can it be opened with any number of threads? */
  readonly threaded?: boolean;
  /** Is it what others are held against? */
  readonly isReference?: boolean;
}

export type OpenEngine = (options?: { threads?: number }) => Promise<Engine>;

/** What the parts of the suite share; `engine` is open while tests run. */
export interface Subject {
  readonly engine: () => Engine;
  readonly open: OpenEngine;
  readonly tolerances: { readonly values: number; readonly firstOrder: number; readonly secondOrder: number };
  readonly exactOverlap: boolean;
  readonly asynchronous: boolean;
  readonly threaded: boolean;
  readonly cases: number;
}

export function engineContract(name: string, open: OpenEngine, options: ContractOptions = {}): void {
  describe(`the ${name} engine`, () => {
    let engine: Engine | undefined;
    beforeAll(async () => {
      engine = await open();
    }, 60_000);
    afterAll(async () => {
      await engine?.close();
    });
    const subject: Subject = {
      engine: () => engine!,
      open,
      tolerances: { values: 1e-5, firstOrder: 1e-4, secondOrder: 1e-3, ...options.tolerances },
      exactOverlap: options.exactOverlap ?? true,
      asynchronous: options.asynchronous ?? false,
      threaded: options.threaded ?? true,
      cases: Number(process.env.FUNCTA_CONTRACT_CASES ?? rounds(4, 24)),
    };
    if (options.isReference !== true) describeAgreement(subject);
    describeLearning(subject);
    describeProducts(subject);
    describeSameness(subject);
    describeFaults(subject);
    describeLifetime(subject);
  });
}
