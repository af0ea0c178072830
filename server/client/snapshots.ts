/** Snapshots of functasets: taking them, having their files, and making functasets of them again. */
import type { z } from '@hono/zod-openapi';
import type { snapshotSchema } from '../routes/snapshots.ts';
import { type FunctasetSummaryJson, setPath } from './functasets.ts';
import { bytesOf, type Call, jsonBody, Transport } from './transport.ts';

export type SnapshotJson = z.infer<typeof snapshotSchema>;

/** Every method throws ProblemError when the server answers with a problem, and what `fetch` throws. */
export class SnapshotCalls extends Transport {
  /**
   * Takes a snapshot of a functaset as it is now; every function in it has been checked when this resolves.
   *
   * @example
   * const { id, functions } = await client.snapshots.take('thumbnails');
   */
  take(functaset: string, call: Call = {}): Promise<SnapshotJson> {
    return this.json(snapshotsPath(functaset), {}, call, { method: 'POST' });
  }

  /**
   * By age; they stay when the functaset is deleted.
   *
   * @example
   * const newest = (await client.snapshots.list('thumbnails')).at(-1);
   */
  async list(functaset: string, call: Call = {}): Promise<SnapshotJson[]> {
    return (await this.json<{ snapshots: SnapshotJson[] }>(snapshotsPath(functaset), {}, call)).snapshots;
  }

  /**
   * The file of a snapshot: a backup, of which `functa store restore` makes a store. `range` is of its bytes, the end not included.
   *
   * @example
   * const backup = await client.snapshots.file('thumbnails', snapshot.id);
   */
  async file(
    functaset: string,
    id: string,
    { range, ...call }: Call & { readonly range?: readonly [start: number, end: number] } = {},
  ): Promise<Uint8Array> {
    const headers = range === undefined ? {} : { range: `bytes=${range[0]}-${range[1] - 1}` };
    return bytesOf(await this.call(snapshotPath(functaset, id), {}, call, { headers }));
  }

  /**
   * Makes a new functaset of a snapshot. Throws ProblemError `functaset-exists`.
   *
   * @example
   * const again = await client.snapshots.restore('thumbnails', snapshot.id, { name: 'thumbnails-again' });
   */
  restore(
    functaset: string,
    id: string,
    { name, ...call }: Call & { readonly name: string },
  ): Promise<FunctasetSummaryJson> {
    return this.json(`${snapshotPath(functaset, id)}/restore`, {}, call, jsonBody('POST', { name }));
  }

  /**
   * Takes a snapshot away.
   *
   * @example
   * await client.snapshots.remove('thumbnails', snapshot.id);
   */
  async remove(functaset: string, id: string, call: Call = {}): Promise<void> {
    await this.call(snapshotPath(functaset, id), {}, call, { method: 'DELETE' });
  }
}

function snapshotsPath(functaset: string): string {
  return `${setPath(functaset)}/snapshots`;
}

function snapshotPath(functaset: string, id: string): string {
  return `${snapshotsPath(functaset)}/${encodeURIComponent(id)}`;
}
