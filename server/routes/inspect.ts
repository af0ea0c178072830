/** What a file of functions says of itself. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { needs } from '../access/access.ts';
import { askerOf } from '../asker.ts';
import { readBody } from '../body.ts';
import { refOf } from '../catalogue.ts';
import { modelOfFile, type ServerContext } from '../context.ts';
import { checkContentType, functaType } from '../media.ts';
import type { ServerEnv } from '../operations/log.ts';
import { axisSchema, binaryContent, problems } from '../schemas.ts';
import { ask } from '../work/ask.ts';
import { decodingEstimate } from '../work/cost.ts';

export const inspectionSchema = z
  .object({
    kind: z.enum(['file', 'archive', 'network']),
    model: z
      .string()
      .nullable()
      .openapi({ description: 'That coded it; null: it brings a network of its own.' }),
    fileBytes: z.number(),
    headerBytes: z.number(),
    count: z.number().openapi({ description: 'Functions in it.' }),
    prior: z.string().nullable(),
    quality: z.number().nullable(),
    shape: z.array(z.number()).nullable(),
    bitsPerPoint: z.number().nullable(),
    values: z
      .array(z.object({ name: z.string(), unit: z.string().optional(), from: z.number(), to: z.number() }))
      .nullable()
      .openapi({
        description:
          'What the values of a single function are, and the range of its signal where the file says it, else of its model. Null for an archive, and for a network of its own.',
      }),
    axes: z
      .array(axisSchema.extend({ at: z.array(z.number()).optional() }))
      .nullable()
      .openapi({
        description:
          'Where samples stand, by `start` and `step` or each by `at`: as the file says, else as its model. Null where functions of an archive differ, and for a network of its own.',
      }),
    attributes: z
      .array(z.record(z.string(), z.union([z.string(), z.array(z.number())])))
      .nullable()
      .openapi({
        description:
          'What the file that a single function was made of says of each of its values, such as `long_name`; null where it keeps nothing.',
      }),
    fileAttributes: z
      .record(z.string(), z.union([z.string(), z.array(z.number())]))
      .nullable()
      .openapi({
        description: 'What that file says of itself, such as `title`; null where it keeps nothing.',
      }),
    spent: z
      .array(z.object({ on: z.string(), bits: z.number() }))
      .nullable()
      .openapi({
        description:
          'Where the bits of a single function went: `header`, what is said beside it, `level 1` and on from coarse to fine or `samples`, and the `rest`. Null for an archive, and for a network of its own.',
      }),
  })
  .openapi('Inspection');

const inspectRoute = createRoute({
  method: 'post',
  path: '/v1/inspect',
  operationId: 'inspect',
  tags: ['coding'],
  security: needs('read'),
  summary: 'What a file of functions says of itself, and where its bits went',
  request: { body: { required: true, content: binaryContent(functaType) } },
  responses: {
    200: {
      description: 'Of an archive what is common.',
      content: { 'application/json': { schema: inspectionSchema } },
    },
    ...problems(400, 404, 409, 413, 415, 422, 503),
  },
});

export function inspectRoutes(app: OpenAPIHono<ServerEnv>, context: ServerContext): void {
  app.openapi(inspectRoute, async (c) => {
    checkContentType(c.req.header('content-type'), [functaType]);
    const bytes = await readBody(c, context.maxBodyBytes);
    const served = modelOfFile(context, bytes, c.get('access'));
    const { class: kind } = await decodingEstimate(served, bytes, {}, context.limits);
    const input = { model: served && refOf(served), bytes };
    const { head } = await ask(context, 'inspect', input, { class: kind, ...askerOf(c) });
    return c.json({ model: served?.name ?? null, ...head }, 200);
  });
}
