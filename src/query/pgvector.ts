/**
 * Vectors of a functaset in a table of pgvector: for programs that join them with other tables. Distances between them rank as those between
 * the signals do (`embedding.ts`); what needs the very distance asks the functaset.
 *
 * An HNSW index of pgvector looks at its nearest few (`hnsw.ef_search`, 40) and drops those that a WHERE leaves out. A rare label is then not found
 * at all, unless it goes on looking: `SET hnsw.iterative_scan = strict_order` (pgvector 0.8). Where many vectors are equal, the index cuts others off,
 * and no setting of the search finds those: it is kept only if it finds a sample of the table's own rows (`graph.ts` does the same).
 */
import { BadInputError, EnvironmentError } from '../core/errors.ts';
import { labelText } from '../core/label.ts';
import type { Functaset } from '../functaset/index.ts';
import type { Metric } from './embedding.ts';
import { leastFound, probesOf } from './graph.ts';
import type { NearIndexes } from './indexes.ts';

/** A connection: that of a transaction of `Database`, a client of pg, or PGlite. */
export interface SqlClient {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
}

export interface VectorTableOptions {
  /** `name` or `schema.name`; one that is there is replaced. */
  readonly table: string;
  /** Default `values`. */
  readonly metric?: Metric | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface VectorTable {
  readonly functions: number;
  readonly dimensions: number;
  /** Whether the table has an index: none is kept that does not find the table's own rows. A search without one looks at every row. */
  readonly indexed: boolean;
}

/** Rows of one statement. */
const pageRows = 500;
/** Ways to make the index, in turn until one finds the table's own rows. */
const recipes = ['', 'WITH (m = 32, ef_construction = 200)'] as const;

/**
 * Makes a table (id text, label text, embedding vector) with an HNSW index by Euclidean distance, in the order of ids; `indexed` is false where
 * no index was made that finds the table's own rows. Call it within a transaction, so that the table is there whole or as it was. Throws BadInputError `bad-name`, EnvironmentError `pgvector-absent`, what making
 * an index throws and what the client throws.
 *
 * @example
 * await database.transaction(({ client }) => exportVectors(client, { store, indexes }, { table: 'shoes' }));
 */
export async function exportVectors(
  client: SqlClient,
  { store, indexes }: { readonly store: Functaset; readonly indexes: NearIndexes },
  { table, metric = 'values', signal, onProgress }: VectorTableOptions,
): Promise<VectorTable> {
  const name = quoted(table);
  const known = await client.query("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'");
  if (known.rows.length === 0) {
    throw new EnvironmentError(
      'pgvector-absent',
      'the database has no extension vector; install pgvector there (Debian: postgresql-15-pgvector)',
    );
  }
  // last, since it may take long
  const { ids, vectors, embedding } = await indexes.get(metric, { signal });
  const { dimensions } = embedding;
  await client.query('CREATE EXTENSION IF NOT EXISTS vector');
  await client.query(`DROP TABLE IF EXISTS ${name}`);
  await client.query(
    `CREATE TABLE ${name} (id text PRIMARY KEY, label text, embedding vector(${dimensions}) NOT NULL)`,
  );
  let functions = 0;
  for (let from = 0; from < ids.count; from += pageRows) {
    const rows = Array.from({ length: Math.min(pageRows, ids.count - from) }, (_, i) => from + i);
    const there = rows.map((row) => ids.at(row)).filter((id) => id !== '');
    const labels = new Map(
      store.getMany(there).flatMap((fn) => (fn === undefined ? [] : [[fn.id, fn.label]])),
    );
    const put = rows.filter((row) => labels.has(ids.at(row)));
    await client.query(
      `INSERT INTO ${name} SELECT id, label, embedding::vector
       FROM unnest($1::text[], $2::text[], $3::text[]) AS n (id, label, embedding)`,
      [
        put.map((row) => ids.at(row)),
        put.map((row) => {
          const label = labels.get(ids.at(row));
          return label === undefined ? null : labelText(label);
        }),
        put.map((row) => `[${vectors.row(row).join(',')}]`),
      ],
    );
    functions += put.length;
    onProgress?.(from + rows.length, ids.count);
  }
  await client.query(`ANALYZE ${name}`);
  const probes = probesOf(vectors).map((row) => ids.at(row));
  return { functions, dimensions, indexed: await index(client, name, probes) };
}

/** Makes an index of the table and keeps it if it finds the rows `probes` again. */
async function index(client: SqlClient, name: string, probes: readonly string[]): Promise<boolean> {
  for (const recipe of recipes) {
    await client.query(`CREATE INDEX ON ${name} USING hnsw (embedding vector_l2_ops) ${recipe}`);
    if (await findsItself(client, name, probes)) return true;
    const { rows } = await client.query(
      `SELECT indexrelid::regclass::text AS made FROM pg_index WHERE indrelid = '${name}'::regclass AND NOT indisprimary`,
    );
    await client.query(`DROP INDEX ${(rows[0] as { made: string }).made}`);
  }
  return false;
}

/** Whether the nearest by the index to nearly each of the rows `probes` is as near as the row itself. */
async function findsItself(client: SqlClient, name: string, probes: readonly string[]): Promise<boolean> {
  const { rows: settings } = await client.query('SHOW enable_seqscan');
  await client.query('SET enable_seqscan = off');
  const { rows } = await client.query(
    `SELECT count(*)::int AS asked, count(*) FILTER (WHERE distance = 0)::int AS found
     FROM ${name} AS probe CROSS JOIN LATERAL (
       SELECT probe.embedding <-> other.embedding AS distance FROM ${name} AS other
       ORDER BY other.embedding <-> probe.embedding LIMIT 1) AS nearest
     WHERE probe.id = ANY ($1::text[])`,
    [probes],
  );
  await client.query(`SET enable_seqscan = ${(settings[0] as { enable_seqscan: string }).enable_seqscan}`);
  const { asked, found } = rows[0] as { asked: number; found: number };
  return found >= leastFound * asked;
}

/** Throws BadInputError `bad-name`. */
function quoted(table: string): string {
  const parts = table.split('.');
  if (parts.length <= 2 && parts.every((part) => /^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(part)))
    return parts.map((part) => `"${part}"`).join('.');
  throw new BadInputError(
    'bad-name',
    `${table.slice(0, 128)} is no name of a table; give letters, digits and _, with a schema and a dot before it where it is in one`,
  );
}
