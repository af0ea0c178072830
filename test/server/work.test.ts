import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { pieces } from '../../server/work/pieces.ts';
import { type JobAnswer, Pool } from '../../server/work/pool.ts';
import type { VerbName } from '../../server/work/verbs/index.ts';
import { defaultLimits } from '../../src/core/limits.ts';
import { bundledModels, loadModel } from '../../src/models/index.ts';
import { openSession } from '../../src/session/index.ts';
import { rounds } from '../rounds.ts';
import { prepare, type Serving } from './serving.ts';

let serving: Serving;
let model: { name: string; path: string; id: string };
let file: Uint8Array;
/** One that has what completing takes. */
let completing: typeof model;

// Threads start slowly on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

beforeAll(async () => {
  serving = await prepare();
  model = { name: 'tiny', path: `${serving.directory}/tiny.safetensors`, id: serving.model.id };
  const path = join(bundledModels(), 'fashion-mnist', 'model.safetensors');
  completing = { name: 'fashion-mnist', path, id: (await loadModel(path)).id };
  const session = openSession({ model: serving.model, engine: serving.engine });
  const values = Float32Array.from({ length: 784 }, (_, i) => i / 784);
  file = (await session.encode({ id: 'ramp', shape: [28, 28], channels: 1, values })).bytes;
}, 120_000);

afterAll(() => serving.stop());

const open = async (threads: number, patienceMs?: number) =>
  (await Pool.open({ threads, limits: defaultLimits, patienceMs })).pool;

/** CPU seconds of this process, all its threads. */
const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Reads an answer to its end. */
async function whole(asked: Promise<JobAnswer<unknown>>): Promise<void> {
  const { rest } = await asked;
  if (rest !== undefined) for await (const _ of rest);
}

type LongJob = readonly [
  what: string,
  verb: VerbName,
  input: () => object,
  /** Of a short one that is done before. */
  first?: object,
];

const longJobs: readonly LongJob[] = [
  ['encoding at effort 9', 'encode', () => ({ bytes: npyOf(256), effort: 9 })],
  ['decoding', 'decode', () => ({ bytes: file.slice(), as: 'image/png', size: '8000x8000' })],
  ['sampling', 'sample', () => ({ count: 40, seed: 1, as: 'image/png', size: '20x' })],
  [
    'completing',
    'complete',
    () => ({
      model: completing,
      known: { signal: Buffer.from(npyOf(28)).toString('base64'), hide: '0,0,14,28', coarse: false },
      ...{ draws: 16, seed: 1, as: 'image/png', size: '20x' },
    }),
    { draws: 1, size: '28x28' },
  ],
  [
    'taking a function in',
    'intake',
    () => ({
      functaset: { name: 'shoes', path: `${serving.directory}/shoes` },
      ...{ bytes: npyOf(256), contentType: 'application/x-npy', effort: 9, as: 'signals' },
      ...{ named: {}, fresh: 'fresh' },
    }),
  ],
];

/** Seconds of work after which a client leaves. */
const leaveAfter = [0.03, 0.3, ...rounds<number[]>([], [0.1, 0.6, 1.2])];

function npyOf(side: number): Uint8Array {
  const head = `{'descr': '<f4', 'fortran_order': False, 'shape': (${side}, ${side}), }`.padEnd(117);
  const bytes = new Uint8Array(128 + 4 * side * side);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0]);
  bytes.set(Buffer.from(`${head}\n`), 10);
  const values = new Float32Array(side * side).map((_, i) => 0.5 + 0.5 * Math.sin(i * i));
  bytes.set(new Uint8Array(values.buffer), 128);
  return bytes;
}

describe('a pool of workers', () => {
  it('passes on tagged errors with their fields', async () => {
    const pool = await open(1);
    const asked = pool.ask('decode', { model, bytes: Uint8Array.of(1, 2, 3), as: 'image/png' });
    await expect(asked).rejects.toMatchObject({ kind: 'stream', code: 'magic', at: 0 });
    await pool.close();
  });

  it.each(longJobs.map((job) => [job[0], job] as const))(
    '%s rests within 200 ms of CPU of its client leaving, whenever that is',
    async (_, [, verb, input, first]) => {
      // So patient that no thread is ever replaced: what starting another takes is not the job's.
      const pool = await open(1, 100_000);
      // The worker has read its model.
      const { model: own = model } = input() as { readonly model?: typeof model };
      await pool.ask('describeModel', own);
      // ... and what beside it is opened at the first time
      if (first !== undefined) await whole(pool.ask(verb, { model, ...input(), ...first } as never));
      for (const seconds of leaveAfter) {
        const client = new AbortController();
        const asked = pool.ask(verb, { model, ...input() } as never, { signal: client.signal });
        const left = whole(asked).then(
          () => 'done',
          (error: { kind: string }) => error.kind,
        );
        // Of its own work, as far as one thread at work can be told: how soon that is depends on the machine.
        const begun = cpuSeconds();
        while (cpuSeconds() - begun < seconds) await later(5);
        const before = cpuSeconds();
        client.abort();
        expect(await left).toBe('aborted');
        // The one thread takes another job when it rests from this one.
        await pool.ask('stampOfModel', model);
        expect(cpuSeconds() - before, `left after ${seconds} s`).toBeLessThan(0.2);
      }
      expect(pool.threads).toBe(1);
      await pool.close();
    },
  );

  it('lets a thread do other work while a client does not read', async () => {
    const pool = await open(1);
    const input = { model, bytes: file.slice(), as: 'application/x-npy', size: '2000x2000' } as const;
    const { rest, bytes } = await pool.ask('decode', input);
    expect(rest).toBeDefined();
    await pool.ask('decode', { model, bytes: file.slice(), as: 'image/png' });
    let length = bytes.length;
    for await (const piece of rest!) length += piece.length;
    expect(length).toBe(128 + 4 * 2000 * 2000);
    expect(pool.jobs).toBe(0);
    await pool.close();
  });

  it('ends a thread that does not stop in time, tells whose work it held, and goes on', async () => {
    const pool = await open(1, 0);
    const [, verb, long] = longJobs[0]!;
    // A thread that hears of it at once is in time: it looks so often that some try has to meet it between two looks.
    let ended = false;
    for (let tries = 0; tries < 40 && !ended; tries++) {
      const input = { model, bytes: file.slice(), as: 'application/x-npy', size: '2000x2000' } as const;
      const { rest } = await pool.ask('decode', input);
      const client = new AbortController();
      const asked = pool.ask(verb, { model, ...long() } as never, { signal: client.signal });
      const left = expect(asked).rejects.toMatchObject({ kind: 'aborted' });
      await later(100 + 10 * tries);
      client.abort();
      await left;
      const end = async () => {
        while ((await rest!.next()).done !== true);
        return 'whole';
      };
      const found = await end().catch((error: { code: string }) => error.code);
      expect(['whole', 'worker-died']).toContain(found);
      ended = found === 'worker-died';
    }
    expect(ended).toBe(true);
    await pool.ask('describeModel', model);
    await pool.close();
  });

  it('says why it cannot start', async () => {
    const opening = Pool.open({ threads: 1, engine: 'none', limits: defaultLimits });
    await expect(opening).rejects.toMatchObject({ code: 'unknown-engine' });
  });
});

describe('pieces', () => {
  async function* chunks(...sizes: number[]) {
    for (const size of sizes) yield new Uint8Array(size).fill(size);
  }

  it('are one for a small answer, and know which is the last', async () => {
    const sizesOf = async (...sizes: number[]) => {
      const found: [number, boolean][] = [];
      for await (const { bytes, last } of pieces(chunks(...sizes), { first: 8, others: 4 }))
        found.push([bytes.length, last]);
      return found;
    };
    expect(await sizesOf()).toEqual([[0, true]]);
    expect(await sizesOf(3, 5)).toEqual([[8, true]]);
    expect(await sizesOf(3, 5, 1, 3, 2)).toEqual([
      [8, false],
      [4, false],
      [2, true],
    ]);
  });
});
