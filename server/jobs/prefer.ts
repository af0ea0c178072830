/** `Prefer: respond-async` (RFC 7240, section 4.1): a job for what a request would wait for. */
import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { allows } from '../access/access.ts';
import type { ServerContext } from '../context.ts';
import { digestOfBody } from '../form.ts';
import type { ServerEnv } from '../operations/log.ts';
import { addJob } from './add.ts';
import { jobsOf } from './room.ts';
import type { JobSpec } from './specs.ts';
import { jobView } from './view.ts';

export const preferHeader = z.object({
  prefer: z
    .string()
    .max(256)
    .optional()
    .openapi({ description: '`respond-async`: answer at once with a job.' }),
});

/** Whether a job is wanted and may be had; a preference that cannot be met is passed over. */
export function prefersJob(c: Context<ServerEnv>, { room }: ServerContext): boolean {
  const asked = (c.req.header('prefer') ?? '').split(',').map((part) => part.trim().toLowerCase());
  return asked.includes('respond-async') && room !== undefined && allows(c.get('access'), 'write');
}

/**
 * Answers with a job that does to a body what `specOf` says of the upload of it. Throws what `pieces`, keeping them and taking the job in
 * throw.
 */
export async function answeredByJob(
  c: Context<ServerEnv>,
  context: ServerContext,
  {
    pieces,
    contentType,
    key,
    specOf,
  }: {
    /** The body as it comes. */
    readonly pieces: AsyncIterable<Uint8Array>;
    readonly contentType: string;
    /** The same request under the same key is the same job. */
    readonly key?: string | undefined;
    readonly specOf: (data: { readonly upload: string }) => JobSpec;
  },
): Promise<Response> {
  const room = jobsOf(context);
  const access = c.get('access');
  const asked = digestOfBody(contentType);
  // the upload has another name each time: what the request says is its bytes
  asked.update(JSON.stringify(specOf({ upload: '' })));
  async function* digested() {
    for await (const piece of pieces) {
      asked.update(piece);
      yield piece;
    }
  }
  const { id: upload } = await room.uploads.keep(access.namespace, digested());
  try {
    const same = key === undefined ? undefined : { key, digest: asked.digest() };
    const view = jobView(await addJob(context, specOf({ upload }), access, same), undefined);
    return c.json(view, 202, { location: view.links.self, 'preference-applied': 'respond-async' });
  } finally {
    // one that stays all the same is forgotten within a day
    await room.uploads.remove(access.namespace, upload).catch(() => undefined);
  }
}

/** Bytes of a piece: a digest of it holds the event loop for a millisecond. */
const pieceBytes = 2 ** 20;

/** A body that is in memory, in pieces. */
export async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}
