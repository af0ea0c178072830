/** The part of a functaset that is held here, asked by the server that puts the parts together (docs/adr/0063). */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { NotFoundError } from '../../src/core/errors.ts';
import { base64, boundedList, isText, maxLimit, queryRequest } from '../../src/query/index.ts';
import { needs } from '../access/access.ts';
import { askerOf } from '../asker.ts';
import { smallJson } from '../body.ts';
import { functasetRef, refOf } from '../catalogue.ts';
import { modelOf, type ServerContext } from '../context.ts';
import { jsonType } from '../media.ts';
import type { ServerEnv } from '../operations/log.ts';
import { answerReply } from '../reply.ts';
import { problems } from '../schemas.ts';
import { ask } from '../work/ask.ts';

/** A signal, a function and a prior may be sent in base64. */
const maxJsonBytes = 2 ** 24;
const maxPriorText = 2 ** 23;
const maxRecordText = 2 ** 22;

const id = z.string().min(1).max(255);
const body = z
  .strictObject({
    functaset: z.string().min(1).max(128),
    namespace: z.string().max(128).nullable().openapi({ description: 'Null: it is everybody’s.' }),
    request: queryRequest,
    named: z
      .strictObject({ id, record: base64(maxRecordText) })
      .optional()
      .openapi({ description: 'The function that the question names, as it is stored.' }),
    prior: z
      .strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/), bytes: base64(maxPriorText).optional() })
      .optional()
      .openapi({ description: 'The own prior of the functaset; 409 `prior-needed` asks for its bytes.' }),
    shown: boundedList(id, { max: maxLimit, fits: isText(1, 255) })
      .optional()
      .openapi({ description: 'Functions that are not to be answered again.' }),
  })
  .openapi('ShardQuestion', {
    example: { functaset: 'shoes', namespace: null, request: { kind: 'where', filter: {}, limit: 5 } },
  });

const shardRoute = createRoute({
  method: 'post',
  path: '/v1/shards/query',
  operationId: 'queryShard',
  tags: ['functasets'],
  security: needs('admin'),
  summary: 'What the part of a functaset that this server holds answers, for whoever asks all parts',
  middleware: [smallJson(maxJsonBytes)] as const,
  request: { body: { required: true, content: { [jsonType]: { schema: body } } } },
  responses: {
    200: {
      description: 'Which part of which functaset it is, and its answer.',
      content: {
        [jsonType]: {
          schema: z
            .object({ of: z.looseObject({}).optional(), answer: z.looseObject({ kind: z.string() }) })
            .openapi('ShardAnswer'),
        },
      },
    },
    ...problems(400, 404, 409, 413, 415, 422, 503),
  },
});

export function shardRoutes(app: OpenAPIHono<ServerEnv>, context: ServerContext): void {
  app.openapi(shardRoute, async (c) => {
    const { functaset, namespace, request, named, prior, shown } = c.req.valid('json');
    const served = context.catalogue.functasets.find(
      (one) => one.name === functaset && (one.namespace ?? null) === namespace,
    );
    if (served === undefined)
      throw new NotFoundError('unknown-functaset', `no functaset is called ${functaset} in this shard`);
    const input = {
      ...{ model: refOf(modelOf(context, served)), functaset: functasetRef(served), request, shown },
      named: named && { id: named.id, record: bytesOf(named.record) },
      prior: prior && { ...prior, bytes: prior.bytes === undefined ? undefined : bytesOf(prior.bytes) },
    };
    const asker = askerOf(c);
    // An index takes longer to make than anybody waits: it is made all the same, for those who ask later.
    const isOfIndex = (request.kind === 'near' || request.kind === 'similar_region') && !request.anywhere;
    const signal = isOfIndex ? new AbortController().signal : asker.signal;
    const answer = await ask(context, 'queryPart', input, { ...asker, class: 'large', signal });
    return answerReply(answer, { 'content-type': jsonType }) as never;
  });
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'));
}
