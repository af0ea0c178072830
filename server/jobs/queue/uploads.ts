/** Uploads in a shared database: a job takes one on whatever machine it runs. */
import { checkLimit } from '../../../src/core/limits.ts';
import type { Database, SharedFiles } from '../../../src/postgres/index.ts';
import { newId } from '../ids.ts';
import type { JobLimits } from '../limits.ts';
import { type Upload, type UploadStore, unknownUpload } from '../uploads.ts';

export interface SharedUploadsOptions {
  readonly database: Database;
  readonly files: SharedFiles;
  readonly limits: Pick<JobLimits, 'uploadsBytes' | 'uploadAgeMs' | 'sharedBytes'>;
  readonly now: () => Date;
}

export class SharedUploads implements UploadStore {
  readonly #options: SharedUploadsOptions;

  constructor(options: SharedUploadsOptions) {
    this.#options = options;
  }

  /** Keeps bytes as they come; resolves when all are durable. Throws LimitError `limit-uploads-bytes`, `limit-shared-bytes`, what the database says. */
  async keep(namespace: string, pieces: AsyncIterable<Uint8Array>): Promise<Upload> {
    const { database, files, limits, now } = this.#options;
    const held = await database.query(async (client) => {
      await client.query(
        `UPDATE functa.files SET forgotten = true
         WHERE namespace = $1 AND kind = 'upload' AND made_at < now() - $2 * interval '1 ms'`,
        [namespace, limits.uploadAgeMs],
      );
      const { rows } = await client.query<{ bytes: number }>(
        `SELECT coalesce(sum(bytes), 0)::bigint AS bytes FROM functa.files
         WHERE namespace = $1 AND kind = 'upload' AND NOT forgotten`,
        [namespace],
      );
      return rows[0]!.bytes;
    });
    async function* counted() {
      let bytes = 0;
      for await (const piece of pieces) {
        bytes += piece.length;
        checkLimit('shared-bytes', bytes, limits.sharedBytes, 'send less at once');
        const hint = 'remove uploads that no job needs any more';
        checkLimit('uploads-bytes', held + bytes, limits.uploadsBytes, hint);
        yield piece;
      }
    }
    const { id, bytes, sha256 } = await files.keep(
      { id: newId(now()), namespace, kind: 'upload' },
      counted(),
    );
    return { id, bytes, sha256 };
  }

  /** Jobs that took it keep it. Throws NotFoundError `unknown-upload`. */
  async remove(namespace: string, id: string): Promise<void> {
    const found = await this.#options.database.query(async (client) => {
      const { rows } = await client.query(
        `UPDATE functa.files SET forgotten = true
         WHERE id = $1 AND namespace = $2 AND kind = 'upload' AND NOT forgotten RETURNING 1`,
        [id, namespace],
      );
      // at the end of a job those that are needed no more go as well
      await client.query(
        'DELETE FROM functa.files f WHERE id = $1 AND forgotten AND NOT EXISTS (SELECT 1 FROM functa.jobs WHERE upload = f.id)',
        [id],
      );
      return rows.length > 0;
    });
    if (!found) throw unknownUpload(id);
  }
}
