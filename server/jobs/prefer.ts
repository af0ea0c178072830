/** `Prefer: respond-async` (RFC 7240, section 4.1): a job for what a request would wait for. */
import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { allows } from '../access/access.ts';
import type { ServedModel } from '../catalogue.ts';
import type { ServerContext } from '../context.ts';
import type { ServerEnv } from '../operations/log.ts';
import { addJob } from './add.ts';
import { jobsOf } from './room.ts';
import type { SpecOf } from './specs.ts';
import { viewOf } from './view.ts';

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

export interface EncodeRequest {
  readonly served: ServedModel;
  readonly bytes: Uint8Array;
  readonly type: string;
  readonly query: Omit<SpecOf<'encode'>, 'kind' | 'model' | 'data' | 'type'>;
}

/** Throws what keeping the bytes and taking the job in throw. */
export async function encodedByJob(
  c: Context<ServerEnv>,
  context: ServerContext,
  { served, bytes, type, query }: EncodeRequest,
): Promise<Response> {
  const room = jobsOf(context);
  const access = c.get('access');
  const { id: upload } = await room.uploads.keep(access.namespace, once(bytes));
  const spec = { kind: 'encode', model: served.id, data: { upload }, type, ...query } as const;
  const record = await addJob(context, spec, access);
  await room.uploads.remove(access.namespace, upload);
  const view = viewOf(room, record);
  return c.json(view, 202, { location: view.links.self, 'preference-applied': 'respond-async' });
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
