/** Functasets: what they hold, a page at a time, and each function as a picture or as bytes. */

import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { BadInputError } from '../../src/core/errors.ts';
import { kindOf } from '../../src/formats/formats.ts';
import { needs } from '../access.ts';
import { keyOfStored } from '../answers.ts';
import { askerOf } from '../asker.ts';
import { etagged } from '../caching.ts';
import { functasetRef, refOf, type ServedFunctaset } from '../catalogue.ts';
import { findFunctaset, modelOf, modelOfNetwork, type ServerContext, seenBy } from '../context.ts';
import type { ServerEnv } from '../log.ts';
import { functaType, jsonType, negotiate, repliesFor, signalReplies } from '../media.ts';
import { answerReply } from '../reply.ts';
import {
  bytesOf,
  functasetParams,
  functionParams,
  functionQuery,
  functionsQuery,
  problems,
} from '../schemas.ts';
import { functasetJson, functasetSummary, functionJson, functionSchema } from '../told.ts';
import { ask } from '../work/ask.ts';
import { drawingClass } from '../work/cost.ts';
import type { FunctasetSummary } from '../work/verbs/functasets.ts';

const defaultPage = 50;

export const functasetDetail = functasetSummary
  .extend({
    labels: z.array(z.object({ label: z.union([z.string(), z.number()]), functions: z.number().int() })),
    fileBytes: z.number().int(),
    codedBytes: z.number().int(),
    modulationBytes: z.number().int(),
    meanBits: z.number().nullable(),
    meanPsnrDb: z.number().nullable(),
  })
  .openapi('Functaset');

const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } });

const listRoute = createRoute({
  method: 'get',
  path: '/v1/functasets',
  operationId: 'listFunctasets',
  tags: ['functasets'],
  security: needs('read'),
  summary: 'The functasets that are served',
  responses: {
    200: {
      description: 'All functasets, by name.',
      content: json(z.object({ functasets: z.array(functasetSummary) })),
    },
  },
});

const functasetRoute = createRoute({
  method: 'get',
  path: '/v1/functasets/{s}',
  operationId: 'getFunctaset',
  tags: ['functasets'],
  security: needs('read'),
  summary: 'What a functaset holds',
  request: { params: functasetParams },
  responses: {
    200: { description: 'Counts, labels, sizes and means.', content: json(functasetDetail) },
    ...problems(404),
  },
});

const functionsRoute = createRoute({
  method: 'get',
  path: '/v1/functasets/{s}/functions',
  operationId: 'listFunctions',
  tags: ['functasets'],
  security: needs('read'),
  summary: 'Functions, a page at a time, in order of their ids',
  request: { params: functasetParams, query: functionsQuery },
  responses: {
    200: {
      description: 'A page; `next` is the cursor of the page after it, null on the last.',
      content: json(
        z.object({
          functions: z.array(functionSchema),
          next: z.string().nullable(),
          damaged: z.array(z.string()).optional().openapi({ description: 'Left out: these cannot be read.' }),
        }),
      ),
    },
    ...problems(404, 422),
  },
});

const functionRoute = createRoute({
  method: 'get',
  path: '/v1/functasets/{s}/functions/{id}',
  operationId: 'getFunction',
  tags: ['functasets'],
  security: needs('read'),
  summary: 'One function: decoded at any size, as bytes, or what is known of it',
  request: { params: functionParams, query: functionQuery },
  responses: {
    200: {
      description: 'A signal, a `.functa` file, or JSON, by `accept`.',
      content: { ...bytesOf(...signalReplies, functaType), ...json(functionSchema) },
    },
    ...problems(404, 406, 409, 413, 422, 503),
  },
});

export function functasetRoutes(app: OpenAPIHono<ServerEnv>, context: ServerContext): void {
  const small = (c: Context<ServerEnv>) => ({ class: 'small', ...askerOf(c) }) as const;

  app.openapi(listRoute, async (c) => {
    const functasets = await Promise.all(
      seenBy(context.catalogue.functasets, c.get('access')).map(async (served) => {
        const input = { functaset: functasetRef(served) };
        const { head } = await ask(context, 'summariseFunctaset', input, small(c));
        return summary(served, head);
      }),
    );
    return c.json({ functasets }, 200);
  });

  app.openapi(functasetRoute, async (c) => {
    const served = findFunctaset(context, c.req.valid('param').s, c.get('access'));
    const options = { class: 'large', ...askerOf(c) } as const;
    const { head } = await ask(context, 'describeFunctaset', { functaset: functasetRef(served) }, options);
    const {
      labels: counted,
      fileBytes,
      codedBytes,
      modulationBytes,
      meanBits,
      meanPsnrDb: mean,
    } = head.stats;
    const labels = counted.map(({ label, functions }) => ({ label, functions }));
    const meanPsnrDb = mean !== null && Number.isFinite(mean) ? mean : null;
    return c.json(
      { ...summary(served, head), labels, fileBytes, codedBytes, modulationBytes, meanBits, meanPsnrDb },
      200,
    );
  });

  app.openapi(functionsRoute, async (c) => {
    const served = findFunctaset(context, c.req.valid('param').s, c.get('access'));
    const { limit = defaultPage, ...rest } = c.req.valid('query');
    const input = { functaset: functasetRef(served), query: { ...rest, limit } };
    const { head } = await ask(context, 'listFunctions', input, small(c));
    const { items, next, damaged } = head;
    const functions = items.map((item) => functionJson(served.name, item));
    return c.json({ functions, next, ...(damaged.length > 0 ? { damaged } : {}) }, 200);
  });

  // The media type is decided at run time, which the route's type cannot say.
  app.openapi(functionRoute, async (c) => {
    const { s, id } = c.req.valid('param');
    const served = findFunctaset(context, s, c.get('access'));
    const functaset = functasetRef(served);
    const { size, region } = c.req.valid('query');
    const known = modelOfNetwork(context, served);
    const replies = known === undefined ? signalReplies : repliesFor(kindOf(known.card));
    const as = negotiate(c.req.header('accept'), [...replies, functaType, jsonType]);
    if ((as === functaType || as === jsonType) && (size !== undefined || region !== undefined)) {
      throw new BadInputError(
        'size-of-function',
        `size and region are of a decoded signal, and this asks for ${as}; accept ${replies.join(', ')}`,
      );
    }
    const key = keyOfStored(functaset.path, [known?.id, id, as, size, region]);
    const kept = key === undefined ? undefined : context.answers.find(key);
    if (kept !== undefined) {
      const reply = () => answerReply(kept, { 'content-type': as });
      return etagged(c, kept.head as string, reply) as never;
    }
    const options = small(c);
    const { head } = await ask(context, 'findFunction', { functaset, id }, options);
    const version = [served.networkId, s, id, as, size, region, head.version].join();
    return etagged(c, version, async (): Promise<Response> => {
      if (as === jsonType) return c.json(functionJson(served.name, head), 200);
      const of = modelOf(context, served);
      const model = refOf(of);
      const made = async () => {
        if (as === functaType) return ask(context, 'codedFunction', { functaset, model, id }, options);
        const kind = await drawingClass(of, head.shape, { size, region }, context.limits);
        const input = { functaset, model, id, as, size, region };
        return ask(context, 'decodeFunction', input, { ...options, class: kind });
      };
      const answer = await context.answers.of(key, async () => ({ ...(await made()), head: version }));
      return answerReply(answer, { 'content-type': as });
    }) as never;
  });

  function summary(served: ServedFunctaset, found: FunctasetSummary) {
    return functasetJson(served, found, modelOfNetwork(context, served)?.name);
  }
}
