/** Uploads: bytes sent ahead for a job. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { needs } from '../access/access.ts';
import { bodyPieces } from '../body.ts';
import type { ServerContext } from '../context.ts';
import { jobsOf } from '../jobs/room.ts';
import type { ServerEnv } from '../operations/log.ts';
import { binaryContent, problems } from '../schemas.ts';

const uploadSchema = z
  .object({
    id: z.string(),
    bytes: z.number().int(),
    sha256: z.string(),
    links: z.object({ self: z.string() }),
  })
  .openapi('Upload');

export type UploadJson = z.infer<typeof uploadSchema>;

const addRoute = createRoute({
  method: 'post',
  path: '/v1/uploads',
  operationId: 'addUpload',
  tags: ['jobs'],
  security: needs('write'),
  summary: 'Send bytes for a job: a tar archive of files, or one file of a signal',
  request: {
    body: { required: true, content: binaryContent('application/octet-stream', 'application/x-tar') },
  },
  responses: {
    201: {
      description: 'All bytes are on the disk, where they stay for a day.',
      content: { 'application/json': { schema: uploadSchema } },
    },
    ...problems(400, 409, 413, 503, 507),
  },
});

const removeRoute = createRoute({
  method: 'delete',
  path: '/v1/uploads/{u}',
  operationId: 'removeUpload',
  tags: ['jobs'],
  security: needs('write'),
  summary: 'Remove an upload; jobs that were asked for with it keep it',
  request: {
    params: z.object({
      u: z
        .string()
        .max(64)
        .openapi({ param: { name: 'u', in: 'path' } }),
    }),
  },
  responses: { 204: { description: 'It is gone.' }, ...problems(404, 409) },
});

export function uploadRoutes(app: OpenAPIHono<ServerEnv>, context: ServerContext): void {
  app.openapi(addRoute, async (c) => {
    const { uploads, limits } = jobsOf(context);
    const kept = await uploads.keep(c.get('access').namespace, bodyPieces(c, limits.uploadBytes));
    return c.json({ ...kept, links: { self: `/v1/uploads/${kept.id}` } }, 201);
  });

  app.openapi(removeRoute, async (c) => {
    await jobsOf(context).uploads.remove(c.get('access').namespace, c.req.valid('param').u);
    return c.body(null, 204);
  });
}
