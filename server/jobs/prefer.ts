/** `Prefer: respond-async` (RFC 7240, section 4.1): a job for what a request would wait for. */
import { createHash } from 'node:crypto';
import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { allows } from '../access/access.ts';
import type { ServerContext } from '../context.ts';
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

/** Answers with a job that does to the bytes of a body what `specOf` says of their upload. Throws what keeping the bytes and taking the job in throw. */
export async function answeredByJob(
  c: Context<ServerEnv>,
  context: ServerContext,
  {
    bytes,
    key,
    specOf,
  }: {
    readonly bytes: Uint8Array;
    /** The same request under the same key is the same job. */
    readonly key?: string | undefined;
    readonly specOf: (data: { readonly upload: string }) => JobSpec;
  },
): Promise<Response> {
  const room = jobsOf(context);
  const access = c.get('access');
  const asked = createHash('sha256').update(bytes);
  const { id: upload } = await room.uploads.keep(access.namespace, once(bytes));
  // the upload has another name each time: what the request says is its bytes
  const digest = asked.update(JSON.stringify(specOf({ upload: '' }))).digest('hex');
  const record = await addJob(
    context,
    specOf({ upload }),
    access,
    key === undefined ? undefined : { key, digest },
  );
  await room.uploads.remove(access.namespace, upload);
  const view = jobView(record, undefined);
  return c.json(view, 202, { location: view.links.self, 'preference-applied': 'respond-async' });
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
