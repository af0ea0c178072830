/** Questions to a functaset, answered as one JSON object or line by line. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { isOfParts, queryRequest } from '../../src/query/index.ts';
import { needs } from '../access/access.ts';
import { askerOf } from '../asker.ts';
import { smallJson } from '../body.ts';
import { functasetRef, refOf } from '../catalogue.ts';
import { findFunctaset, modelOf, type ServerContext } from '../context.ts';
import { jsonType, linesType, negotiate } from '../media.ts';
import type { ServerEnv } from '../operations/log.ts';
import { answerReply, notesHeader } from '../reply.ts';
import { functasetParams, problems } from '../schemas.ts';
import { askShards, isInside } from '../shards/ask.ts';
import { ask } from '../work/ask.ts';

/** A signal may be sent in base64. */
const maxJsonBytes = 2 ** 19;

const answerSchema = z
  .looseObject({
    kind: z.string(),
    items: z.array(z.record(z.string(), z.unknown())),
    next: z.string().nullable().openapi({ description: 'Cursor of the page after this one.' }),
    shards: z
      .object({
        count: z.number().int(),
        missing: z.array(z.object({ shard: z.string(), code: z.string(), detail: z.string() })),
      })
      .optional()
      .openapi({
        description:
          'Where the functaset is asked in shards: how many, and those that did not answer, whose functions are not in the answer. The header `functa-shards-missing` names them as well.',
      }),
    damaged: z
      .array(z.string())
      .optional()
      .openapi({ description: 'Functions that were left out, because they cannot be read.' }),
  })
  .openapi('QueryAnswer');

const queryRoute = createRoute({
  method: 'post',
  path: '/v1/functasets/{s}/query',
  operationId: 'query',
  tags: ['functasets'],
  security: needs('read'),
  summary: 'What is near, where, unlikely, and what functions are at given points',
  description:
    'Kinds: near (by id, by a signal, by a part of one, by a fragment anywhere), similar_region, evaluate (values and exact derivatives), aggregate, where, unlikely, duplicates.',
  middleware: [smallJson(maxJsonBytes)] as const,
  request: {
    params: functasetParams,
    body: {
      required: true,
      content: { [jsonType]: { schema: queryRequest, example: { kind: 'unlikely', k: 5 } } },
    },
  },
  responses: {
    200: {
      description:
        'One object with `items`, `next` and, where functions were left out, `damaged`; or, a JSON value a line, the head, the items, and `{"next", "damaged"}`.',
      content: { [jsonType]: { schema: answerSchema }, [linesType]: { schema: z.string() } },
    },
    ...problems(400, 404, 406, 409, 413, 415, 422, 503),
  },
});

export function queryRoutes(app: OpenAPIHono<ServerEnv>, context: ServerContext): void {
  /** What was searched once. */
  const indexed = new Set<string>();

  // The media type is decided at run time, which the route's type cannot say.
  app.openapi(queryRoute, async (c) => {
    const served = findFunctaset(context, c.req.valid('param').s, c.get('access'));
    const model = refOf(modelOf(context, served));
    const as = negotiate(c.req.header('accept'), [jsonType, linesType]);
    const request = c.req.valid('json');
    const { home, shards } = context;
    if (shards !== undefined && isInside(served.path, home?.functasets) && isOfParts(request)) {
      const asked = await askShards(context, served, { request, model, as, asker: askerOf(c) });
      if (asked !== undefined) return asked as never;
    }
    const input = { model, functaset: functasetRef(served), request, as };
    // The first that looks for neighbours makes the index, which takes long.
    const index = `${served.name} ${served.networkId} ${'metric' in request ? request.metric : ''}`;
    const isOfIndex = request.kind === 'near' && !request.anywhere;
    const isSmall = isOfIndex && request.signal === undefined && indexed.has(index);
    const kind = isSmall ? 'small' : 'large';
    const answer = await ask(context, 'query', input, { class: kind, ...askerOf(c) });
    if (isOfIndex) indexed.add(index);
    return answerReply(answer, { 'content-type': as, ...notesHeader(answer.head.notes) }) as never;
  });
}
