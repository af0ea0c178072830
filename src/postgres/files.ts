/**
 * Files in a database, for machines that share no disk: uploads, results and models. Each comes in parts, so that neither side has it whole
 * in memory; one that has not come whole is not there.
 */
import { createHash } from 'node:crypto';
import type { PoolClient } from 'pg';
import { EnvironmentError, NotFoundError } from '../core/errors.ts';
import { bytesOf } from './changes.ts';
import type { Database } from './database.ts';

export interface FileHead {
  readonly id: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Whose it is, and what for. */
export interface FileOwner {
  readonly id: string;
  readonly namespace: string;
  readonly kind: 'upload' | 'result' | 'model' | 'checkpoint';
}

/** Bytes of one part: what either side has in memory. */
const partBytes = 2 ** 18;

export class SharedFiles {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Keeps bytes as they come, in transactions of their own. What `pieces` throws leaves nothing. Throws what the database says. */
  async keep(owner: FileOwner, pieces: AsyncIterable<Uint8Array>): Promise<FileHead> {
    // each statement may be given again: what it does it does once
    const ask: Ask = (text, values) => this.#database.query((client) => client.query(text, values));
    try {
      return await write(ask, owner, pieces);
    } catch (error) {
      await this.remove(owner.id).catch(() => undefined);
      throw error;
    }
  }

  /** Keeps bytes within a transaction, which may be begun again: `pieces` is called each time. */
  keepIn(client: PoolClient, owner: FileOwner, pieces: () => AsyncIterable<Uint8Array>): Promise<FileHead> {
    return write((text, values) => client.query(text, values), owner, pieces());
  }

  /** Undefined: it is not there, or not whole. */
  async find(id: string): Promise<FileHead | undefined> {
    const { rows } = await this.#database.query((client) =>
      client.query('SELECT id, bytes, sha256 FROM functa.files WHERE id = $1 AND sha256 IS NOT NULL', [id]),
    );
    return rows[0];
  }

  /** The bytes of a file, part by part. Throws NotFoundError `no-file`, EnvironmentError `store-damaged` where they are not those that came. */
  async *read(id: string): AsyncGenerator<Uint8Array> {
    const head = await this.find(id);
    if (head === undefined)
      throw new NotFoundError('no-file', `file ${id} is not in the shared store any more`);
    const hash = createHash('sha256');
    for (let part = 0, left = head.bytes; left > 0; part++) {
      const { rows } = await this.#database.query((client) =>
        client.query<{ bytes: Buffer }>({
          name: 'part of a file',
          text: 'SELECT bytes FROM functa.file_parts WHERE file = $1 AND part = $2',
          values: [id, part],
        }),
      );
      const { bytes } = rows[0] ?? {};
      if (bytes === undefined || bytes.length > left) throw damaged(id);
      hash.update(bytes);
      left -= bytes.length;
      yield bytes;
    }
    if (hash.digest('hex') !== head.sha256) throw damaged(id);
  }

  async remove(id: string): Promise<void> {
    await this.#database.query((client) => client.query('DELETE FROM functa.files WHERE id = $1', [id]));
  }
}

type Ask = (text: string, values: unknown[]) => Promise<unknown>;

/** A file with its first part, if it has one; without a sum it has not come whole. What is given again changes nothing. */
const begin = `
  WITH head AS (
    INSERT INTO functa.files (id, namespace, kind, bytes, sha256) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (id) DO NOTHING
  )
  INSERT INTO functa.file_parts (file, part, bytes) SELECT $1, 0, $6::bytea WHERE $6::bytea IS NOT NULL
  ON CONFLICT (file, part) DO NOTHING`;
const goOn = `
  INSERT INTO functa.file_parts (file, part, bytes) VALUES ($1, $2, $3) ON CONFLICT (file, part) DO NOTHING`;

async function write(
  ask: Ask,
  { id, namespace, kind }: FileOwner,
  pieces: AsyncIterable<Uint8Array>,
): Promise<FileHead> {
  const hash = createHash('sha256');
  let [part, all] = [0, 0];
  let first: Buffer | null = null;
  for await (const bytes of inParts(pieces)) {
    if (part === 0) first = bytesOf(bytes);
    if (part === 1) await ask(begin, [id, namespace, kind, 0, null, first]);
    if (part > 0) await ask(goOn, [id, part, bytesOf(bytes)]);
    part++;
    hash.update(bytes);
    all += bytes.length;
  }
  const sha256 = hash.digest('hex');
  // most files are of one part, and written by one statement
  if (part < 2) await ask(begin, [id, namespace, kind, all, sha256, first]);
  else await ask('UPDATE functa.files SET bytes = $2, sha256 = $3 WHERE id = $1', [id, all, sha256]);
  return { id, bytes: all, sha256 };
}

/** Pieces of any length as parts that are full, but for the last. */
async function* inParts(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = [];
  let length = 0;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      const some = piece.subarray(at, at + partBytes - length);
      waiting.push(some);
      length += some.length;
      at += some.length;
      if (length < partBytes) continue;
      yield Buffer.concat(waiting);
      [waiting, length] = [[], 0];
    }
  }
  if (length > 0) yield Buffer.concat(waiting);
}

function damaged(id: string): EnvironmentError {
  return new EnvironmentError(
    'store-damaged',
    `file ${id} of the shared store is not what was kept; ask for the job again, or send it again`,
  );
}
