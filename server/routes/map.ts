/** A functaset as a map, for a screen. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { needs } from '../access/access.ts';
import { askerOf } from '../asker.ts';
import { functasetRef, refOf } from '../catalogue.ts';
import { findFunctaset, modelOf, type ServerContext } from '../context.ts';
import { jsonType } from '../media.ts';
import type { ServerEnv } from '../operations/log.ts';
import { answerReply } from '../reply.ts';
import { functasetParams, integer, problems } from '../schemas.ts';
import { ask } from '../work/ask.ts';

const most = 200_000;

export const functasetMap = z
  .object({
    ids: z.array(z.string()),
    labels: z.array(z.union([z.string(), z.number()]).nullable()),
    points: z.array(z.array(z.number())).openapi({ description: 'Two coordinates of each, from -1 to 1.' }),
    share: z
      .number()
      .openapi({ description: 'Part of what modulations differ by that the two directions hold.' }),
    of: z
      .number()
      .int()
      .openapi({ description: 'Functions of the functaset, of which these are an even draw.' }),
  })
  .openapi('FunctasetMap');

const mapRoute = createRoute({
  method: 'get',
  path: '/v1/functasets/{s}/map',
  operationId: 'mapFunctaset',
  tags: ['functasets'],
  security: needs('read'),
  summary: 'Functions in a plane: alike ones stand near each other',
  description: 'Modulations along the two directions in which they differ most (principal components).',
  request: {
    params: functasetParams,
    query: z.object({
      limit: integer(1, most)
        .optional()
        .openapi({
          param: { name: 'limit', in: 'query' },
          description: 'Functions, an even draw of all; default 5000.',
          example: '500',
          type: 'integer',
          minimum: 1,
          maximum: most,
        }),
    }),
  },
  responses: {
    200: { description: 'The map.', content: { 'application/json': { schema: functasetMap } } },
    ...problems(404, 409, 413, 422, 503),
  },
});

export function mapRoutes(app: OpenAPIHono<ServerEnv>, context: ServerContext): void {
  app.openapi(mapRoute, async (c) => {
    const served = findFunctaset(context, c.req.valid('param').s, c.get('access'));
    const { limit = 5000 } = c.req.valid('query');
    const input = { functaset: functasetRef(served), model: refOf(modelOf(context, served)), limit };
    const answer = await ask(context, 'mapFunctaset', input, { class: 'large', ...askerOf(c) });
    return answerReply(answer, { 'content-type': jsonType }) as never;
  });
}
