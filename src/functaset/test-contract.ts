/** What every store of functions does: written once, run over each. */
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { temporary } from '../../test/temporary.ts';
import { restoreFunctaset } from './backup.ts';
import type { FunctionStore } from './function-store.ts';
import { recordOf } from './record.ts';
import { openFunctaset } from './store.ts';
import { testFunction, testModulation, testNetwork } from './testing.ts';
import type { Label, StoredFunction } from './types.ts';

/** A store that was made for one test. */
export interface ContractPlace {
  /** Another opening of the same one; what is put by one is there for the other. */
  open(options?: { readonly readOnly?: boolean }): Promise<FunctionStore>;
  /** Flips a bit in a record, behind the store's back. */
  damage(id: string): Promise<void>;
}

const series = (n: number, from = 0) => Array.from({ length: n }, (_, i) => testFunction(from + i));
const idsOf = (fns: readonly { readonly id: string }[]) => fns.map(({ id }) => id);

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

export function functasetContract(name: string, place: () => Promise<ContractPlace>): void {
  describe(`functaset contract: ${name}`, () => {
    const made = async () => {
      const at = await place();
      const set = await at.open();
      onTestFinished(() => set.close());
      return { set, at };
    };

    test('what was acknowledged is there for everybody who asks after that, and after opening again', async () => {
      const { set, at } = await made();
      expect(set.info).toMatchObject(testNetwork());
      await set.put(testFunction(3));
      const reader = await at.open({ readOnly: true });
      expect(await reader.get('item-000003')).toEqual(testFunction(3));
      await set.putMany(series(3));
      expect(await reader.count()).toBe(4);
      expect(await reader.get('nobody')).toBeUndefined();
      await expect(reader.put(testFunction(9))).rejects.toMatchObject({ code: 'functaset-read-only' });
      await reader.close();
      await reader.close();
      await expect(reader.get('item-000003')).rejects.toMatchObject({ code: 'functaset-closed' });
    });

    test('functions of every size, label and kind come back as they were put', async () => {
      const { set } = await made();
      const sizes = [1, 500, 1020, 4000, 8192, 50_000];
      const labels: Label[] = [0, -1, 1.5, 1e21, '0', 'a b', 'ä', '🙂', 'a'.repeat(255)];
      const fns: StoredFunction[] = [
        ...sizes.map((n, i) =>
          testFunction(i, {
            shape: [n, 1],
            content: i % 2 === 0 ? testModulation(n) : { kind: 'file', bytes: new Uint8Array(n).fill(i) },
          }),
        ),
        ...labels.map((label, i) => testFunction(100 + i, { label, metadata: { of: [i, null, '\\x\t'] } })),
        testFunction(200, { psnrDb: Number.POSITIVE_INFINITY, bits: 0 }),
      ];
      await set.putMany(fns);
      expect(await all(set.iterate())).toEqual(fns);
      expect(await set.verify()).toMatchObject({ ok: true, functions: fns.length });
    });

    test('iteration goes in the order of the bytes of ids, from any place and to any length', async () => {
      const { set } = await made();
      const ids = ['!', '-a', 'A', 'Z', 'a', 'a b', 'b', 'z', '\u00e4', '\ud7ff', '\uffee', '\u{1f600}'];
      await set.putMany([...ids].reverse().map((id) => testFunction(1, { id, label: 'x' })));
      expect(idsOf(await all(set.iterate()))).toEqual(ids);
      expect(idsOf(await all(set.records({ after: 'Z', limit: 3 })))).toEqual(['a', 'a b', 'b']);
      expect(idsOf(await all(set.iterate({ after: 'a', limit: 2 })))).toEqual(['a b', 'b']);
      expect(idsOf(await all(set.summaries({ after: 'aa' })))).toEqual(ids.slice(6));
      expect(idsOf(await all(set.byLabel('x', { after: 'b', limit: 1 })))).toEqual(['z']);
      expect(await all(set.iterate({ limit: 0 }))).toEqual([]);
      expect((await all(set.summaries({ limit: 1 })))[0]).toMatchObject({ id: '!', codedBytes: 6 });
    });

    test('a label finds what prints as it does, and no others', async () => {
      const { set } = await made();
      const labels: Label[] = [7, '7', '007', -0, '0', 'a', 'ab'];
      await set.putMany(labels.map((label, i) => testFunction(i, { label })));
      for (const [label, found] of [
        [7, 2],
        ['7', 2],
        ['007', 1],
        [0, 2],
        ['ab', 1],
        ['b', 0],
      ] as const) {
        expect(await all(set.byLabel(label))).toHaveLength(found);
        expect(await all(set.summaries({ label }))).toHaveLength(found);
      }
    });

    test('an id is put once, unless it is to replace; many are put all or none', async () => {
      const { set } = await made();
      await set.put(testFunction(5, { label: 'old' }));
      await expect(set.putMany(series(10))).rejects.toMatchObject({ code: 'function-exists' });
      await expect(set.putRecords([recordOf(testFunction(5))])).rejects.toMatchObject({
        code: 'function-exists',
      });
      await expect(set.putMany([testFunction(1), testFunction(1)])).rejects.toMatchObject({
        code: 'function-exists',
      });
      await expect(set.putMany([testFunction(1), testFunction(2, { bits: -1 })])).rejects.toMatchObject({
        code: 'bad-function',
      });
      await expect(set.put(testFunction(1, { content: testModulation(19) }))).rejects.toMatchObject({
        code: 'bad-function',
      });
      expect(await set.count()).toBe(1);
      await set.putMany([testFunction(5), testFunction(5, { label: 'new' })], { replace: true });
      expect(await all(set.byLabel('old'))).toEqual([]);
      expect((await set.get('item-000005'))!.label).toBe('new');
      await set.putMany(series(600), { replace: true });
      await set.putMany(series(600, 600));
      expect(await set.count()).toBe(1200);
      expect(idsOf(await all(set.iterate()))).toEqual(idsOf(series(1200)));
      expect(await set.getMany(['item-000007', 'nobody', 'item-000005'])).toEqual([
        testFunction(7),
        undefined,
        testFunction(5),
      ]);
    });

    test('what was deleted is gone, and may be put again', async () => {
      const { set } = await made();
      await set.putMany(series(20));
      expect(await set.delete('item-000001')).toBe(true);
      expect(await set.delete('item-000001')).toBe(false);
      expect(await set.deleteMany(['item-000002', 'nobody', 'item-000003'])).toBe(2);
      expect(await set.count()).toBe(17);
      await set.put(testFunction(2));
      expect(await set.verify()).toMatchObject({ ok: true, functions: 18 });
    });

    test('a transaction reads what is there, and does all of its work or nothing', async () => {
      const { set } = await made();
      await set.putMany(series(3));
      const ids = idsOf(series(5));
      const answer = { at: Date.now(), digest: 'd', bytes: Uint8Array.of(1, 2) };
      const seen = await set.transact({ ids, answers: ['key', 'other'] }, (transaction) => {
        const there = ids.map((id) => transaction.record(id) !== undefined);
        transaction.put(recordOf(testFunction(3)));
        transaction.put(recordOf(testFunction(0, { label: 'new' })));
        expect(transaction.delete(ids[1]!)).toBe(true);
        expect(transaction.delete(ids[4]!)).toBe(false);
        transaction.answers.keep('key', answer);
        return there;
      });
      expect(seen).toEqual([true, true, true, false, false]);
      expect(idsOf(await all(set.iterate()))).toEqual([ids[0], ids[2], ids[3]]);
      await expect(
        set.transact({ ids, answers: ['key'] }, (transaction) => {
          transaction.delete(ids[0]!);
          throw new RangeError('no');
        }),
      ).rejects.toThrow('no');
      expect((await set.get(ids[0]!))!.label).toBe('new');
      const kept = await set.transact({ ids: [], answers: ['key', 'other'] }, ({ answers }) => [
        answers.get('key'),
        answers.get('other'),
      ]);
      expect(kept).toEqual([answer, undefined]);
    });

    test('figures are those of the functions, and verify names what is damaged', async () => {
      const { set, at } = await made();
      await set.putMany(series(8));
      expect(await set.stats()).toMatchObject({
        functions: 8,
        labels: [0, 1, 2].map((label) => ({ label, functions: 2 })),
        codedBytes: 52,
        meanBits: 67.5,
        meanPsnrDb: 20.4375,
      });
      await at.damage('item-000004');
      const report = await set.verify();
      expect(report).toMatchObject({ ok: false, functions: 8 });
      expect(report.faults).toContainEqual(
        expect.objectContaining({ id: 'item-000004', code: 'record-checksum' }),
      );
      await expect(set.get('item-000004')).rejects.toMatchObject({ code: 'function-damaged' });
      const left: string[] = [];
      const found = await all(set.iterate({ onDamaged: ({ id }) => left.push(id) }));
      expect([found.length, left]).toEqual([7, ['item-000004']]);
      await expect(set.verify({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
    });

    test('a backup is a functaset again', async () => {
      const { set } = await made();
      await set.putMany(series(50));
      const directory = temporary();
      const file = join(directory, 'backup');
      expect(await set.backup(file)).toMatchObject({ functions: 50, networkId: testNetwork().networkId });
      await expect(set.backup(file)).rejects.toMatchObject({ code: 'output-exists' });
      await restoreFunctaset(file, join(directory, 'again'));
      const again = await openFunctaset(join(directory, 'again'));
      expect([...again.iterate()]).toEqual(series(50));
      await again.close();
    });

    test('two who write at once: every id is put by one of them', async () => {
      const { set, at } = await made();
      const other = name === 'lmdb' ? set : await at.open();
      const tries = Array.from({ length: 40 }, (_, i) =>
        (i % 2 === 0 ? set : other).putMany(series(3, i >> 1)),
      );
      const outcomes = await Promise.allSettled(tries);
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'function-exists' });
      const done = outcomes.filter(({ status }) => status === 'fulfilled').length;
      expect(await set.count()).toBe(3 * done);
      expect(await set.verify()).toMatchObject({ ok: true, functions: 3 * done });
      if (other !== set) await other.close();
    });
  });
}
