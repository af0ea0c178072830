import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { functa, functaJson } from '../../test/cli/in-process.ts';
import { type PgliteServer, serve } from '../../test/pglite-server.ts';
import { withPostgres } from '../../test/postgres.ts';
import { Rng } from '../core/rng.ts';
import { modulationLength } from '../field/spec.ts';
import type { Functaset } from '../functaset/index.ts';
import { loadModel } from '../models/index.ts';
import { openFunctasetOf } from '../session/store.ts';
import { IdTable } from './index-file.ts';
import type { NearIndexes } from './indexes.ts';
import { exportVectors } from './pgvector.ts';
import { squaredDistance, Vectors } from './vectors.ts';

const count = 1500;
const dimensions = 16;
const idOf = (row: number) => `f${String(row).padStart(4, '0')}`;
/** One in a hundred is rare. */
const labelOf = (row: number) => (row % 100 === 7 ? 'rare' : row % 3 === 0 ? 7 : undefined);
const rng = new Rng(3);
const vectors = new Vectors(count, dimensions);
for (let row = 0; row < count; row++)
  vectors.row(row).set(Float32Array.from({ length: dimensions }, () => rng.normal()));
const ids = IdTable.of(Array.from({ length: count }, (_, row) => (row === 5 ? '' : idOf(row))));
const indexes = { get: async () => ({ ids, vectors, embedding: { dimensions } }) } as unknown as NearIndexes;
const store = {
  getMany: (asked: readonly string[]) => asked.map((id) => ({ id, label: labelOf(Number(id.slice(1))) })),
} as unknown as Functaset;
let db: PGlite;

beforeAll(async () => {
  db = await PGlite.create({ extensions: { vector } });
}, 120_000);
afterAll(() => db.close());

const nearest = async (to: number, where = '') => {
  const { rows } = await db.query<{ id: string }>(
    `SELECT id FROM shoes WHERE id <> $1 ${where} ORDER BY embedding <-> (SELECT embedding FROM shoes WHERE id = $1) LIMIT 10`,
    [idOf(to)],
  );
  return rows.map(({ id }) => id);
};
const truth = (to: number, wanted: (row: number) => boolean) =>
  Array.from({ length: count }, (_, row) => row)
    .filter((row) => row !== to && row !== 5 && wanted(row))
    .map((row) => ({ id: idOf(row), distance: squaredDistance(vectors.row(row), vectors.row(to)) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 10)
    .map(({ id }) => id);
const recall = async (where: string, wanted: (row: number) => boolean) => {
  let hits = 0;
  for (let to = 10; to < 30; to++) {
    const found = await nearest(to, where);
    hits += truth(to, wanted).filter((id) => found.includes(id)).length;
  }
  return hits / 200;
};

test('vectors, ids and labels are in a table of pgvector, and are searched there', async () => {
  const made = await exportVectors(db, { store, indexes }, { table: 'shoes' });
  expect(made).toEqual({ functions: count - 1, dimensions, indexed: true });
  // once more it is another table of the same name
  expect(await exportVectors(db, { store, indexes }, { table: 'public.shoes' })).toEqual(made);
  const { rows } = await db.query(
    "SELECT label, embedding::text FROM shoes WHERE id IN ('f0000', 'f0001') ORDER BY id",
  );
  expect(rows).toMatchObject([{ label: '7' }, { label: null }]);
  const told = JSON.parse((rows[0] as { embedding: string }).embedding) as number[];
  expect(Float32Array.from(told)).toEqual(vectors.row(0).slice());
  await db.query('SET enable_seqscan = off');
  expect(await recall('', () => true)).toBeGreaterThan(0.95);
});

test('a rare label is found by an index that goes on looking, and hardly by one that does not', async () => {
  await db.query('SET enable_seqscan = off; ');
  // the planner would take the few rows of the label and sort them: a table of millions is too large for that
  await db.query('SET enable_sort = off');
  const isRare = (row: number) => labelOf(row) === 'rare';
  const where = "AND label = 'rare'";
  expect(await recall(where, isRare)).toBeLessThan(0.5);
  await db.query('SET hnsw.iterative_scan = strict_order');
  expect(await recall(where, isRare)).toBeGreaterThan(0.95);
});

test('an index that many equal vectors keep from finding the others is made with more links, or not kept', async () => {
  // pgvector 0.8.7: of 500 rows, 311 found themselves beside 500 equal ones, and 14 beside 2,000, by whatever ef_search
  const distinct = 300;
  for (const [equal, indexed] of [
    [300, true],
    [2400, false],
  ] as const) {
    const many = new Vectors(equal + distinct, 8);
    for (let row = equal; row < many.count; row++)
      many.row(row).set(Float32Array.from({ length: 8 }, () => rng.normal()));
    const names = IdTable.of(Array.from({ length: many.count }, (_, row) => idOf(row)));
    const get = async () => ({ ids: names, vectors: many, embedding: { dimensions: 8 } });
    const made = await exportVectors(
      db,
      { store, indexes: { get } as unknown as NearIndexes },
      { table: 'equals' },
    );
    expect(made).toEqual({ functions: many.count, dimensions: 8, indexed });
    const { rows } = await db.query<{ found: number }>(
      `SELECT count(*)::int AS found FROM equals AS row CROSS JOIN LATERAL
         (SELECT id FROM equals ORDER BY embedding <-> row.embedding LIMIT 1) AS nearest
       WHERE nearest.id = row.id AND row.id >= $1`,
      [idOf(equal)],
    );
    expect(rows[0]!.found).toBeGreaterThan(0.95 * distinct);
  }
});

test('a name that is none, and a database without the extension, are tagged errors', async () => {
  const named = (table: string) => exportVectors(db, { store, indexes }, { table });
  for (const table of ['', 'a.b.c', 'x"; DROP TABLE shoes; --', '1st'])
    await expect(named(table)).rejects.toMatchObject({ code: 'bad-name' });
  const without = { query: async () => ({ rows: [] }) };
  await expect(exportVectors(without, { store, indexes }, { table: 'shoes' })).rejects.toMatchObject({
    code: 'pgvector-absent',
  });
});

describe('functa store vectors', () => {
  const directory = mkdtempSync(join(tmpdir(), 'functa-vectors-'));
  const path = join(directory, 'set');
  let server: PgliteServer;
  const given = (from: string, to: string) => ['store', 'vectors', from, to, '--table', 'garments'];
  const idsOf = (rows: readonly { readonly id: string }[]) => rows.map(({ id }) => id);

  beforeAll(async () => {
    const model = await loadModel('fashion-mnist');
    const { shape, spec } = model.card;
    const set = await openFunctasetOf(model, path);
    const length = modulationLength(spec, shape);
    const content = () => {
      const values = Float32Array.from({ length }, () => rng.normal());
      return { kind: 'modulation', quality: 50, values } as const;
    };
    const fns = Array.from({ length: 16 }, (_, row) => ({
      ...{ id: idOf(row), label: row % 4 === 0 ? 'rare' : row, shape, psnrDb: 30, bits: 100 },
      content: content(),
    }));
    await set.putMany(fns);
    await set.close();
    server = await serve(db, join(directory, 'socket'));
  });
  afterAll(() => {
    server?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  test('vectors of a store are searched in a table of pgvector as near searches the store', async () => {
    expect((await functaJson(given(path, server.url))).json).toMatchObject({
      table: 'garments',
      functions: 16,
    });
    const near = ['query', 'near', path, '--id', idOf(7), '-k', '3'];
    const rare = ['--label', 'rare'];
    for (const [flags, where] of [
      [[], ''],
      [rare, "AND label = 'rare'"],
    ] as const) {
      // as docs/scaling.md writes it
      const { rows } = await db.transaction(async (client) => {
        await client.exec('SET LOCAL hnsw.iterative_scan = strict_order');
        return client.query<{ id: string }>(
          `SELECT id, label FROM garments WHERE id <> $1 ${where}
           ORDER BY embedding <-> (SELECT embedding FROM garments WHERE id = $1) LIMIT 3`,
          [idOf(7)],
        );
      });
      expect(idsOf(rows)).toEqual(idsOf((await functaJson([...near, ...flags])).json.items));
    }
    const { rows } = await db.query(`SELECT nspname FROM pg_namespace WHERE nspname = 'functa'`);
    expect(rows).toEqual([]);
    const unnamed = await functaJson([...given(path, server.url), '--table', 'a b']);
    expect([unnamed.status, unnamed.json.error.code]).toEqual([1, 'bad-name']);
  });

  if (process.env.FUNCTA_TESTS === 'all')
    withPostgres('with PostgreSQL', {}, (cluster) => {
      test('from a functaset of a database; a database without the extension says what to install', async () => {
        const url = await cluster().database();
        await functa(['store', 'copy', path, `${url}#garments`]);
        const from = await functaJson(given(`${url}#garments`, server.url));
        expect(from.json.functions).toBe(16);
        const absent = await functaJson(given(path, url));
        expect([absent.status, absent.json.error.code]).toEqual([1, 'pgvector-absent']);
        const missing = await functaJson(given(`${url}#none`, server.url));
        expect(missing.json.error.code).toBe('functaset-missing');
      });
    });
});
