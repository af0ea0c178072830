/** Questions to a functaset, answered as one JSON object or line by line. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { FunctaError } from '../../src/core/errors.ts';
import {
  type CheckedAnswer,
  collectAnswer,
  endOf,
  type QueryAnswer,
  type QueryContext,
  queryRequest,
  runQuery,
} from '../../src/query/index.ts';
import type { Place } from '../admission.ts';
import { smallJson } from '../body.ts';
import type { ServerContext } from '../context.ts';
import { findFunctaset, modelOf } from '../functasets.ts';
import type { ServerEnv } from '../log.ts';
import { jsonType, linesType, negotiate, sniffSignal } from '../media.ts';
import { takenBy } from '../pool.ts';
import { codeOf } from '../problem.ts';
import { notesHeader } from '../reply.ts';
import { functasetParams, problems } from '../schemas.ts';

/** Rows that go out together. */
const rowsPerPiece = 64;
/** A signal may be sent in base64. */
const maxJsonBytes = 2 ** 20;

const answerSchema = z
  .looseObject({
    kind: z.string(),
    items: z.array(z.record(z.string(), z.unknown())),
    next: z.string().nullable().openapi({ description: 'Cursor of the page after this one.' }),
    damaged: z
      .array(z.string())
      .optional()
      .openapi({ description: 'Functions that were left out, because they cannot be read.' }),
  })
  .openapi('QueryAnswer');

const queryRoute = createRoute({
  method: 'post',
  path: '/v1/functasets/{s}/query',
  tags: ['functasets'],
  summary: 'What is near, where, unlikely, and what functions are at given points',
  description:
    'Kinds: near (by id, by a signal, by a part of one), similar_region, evaluate (values and exact derivatives), aggregate, where, unlikely.',
  middleware: [smallJson(maxJsonBytes)] as const,
  request: {
    params: functasetParams,
    body: { required: true, content: { [jsonType]: { schema: queryRequest } } },
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
  // The media type is decided at run time, which the route's type cannot say.
  app.openapi(queryRoute, async (c) => {
    const source = findFunctaset(context, c.req.valid('param').s);
    const { model, session } = modelOf(source);
    const type = negotiate(c.req.header('accept'), [jsonType, linesType]);
    const { signal } = c.req.raw;
    const asked: QueryContext = {
      store: source.store,
      model,
      engine: session.engine,
      indexes: source.indexes!,
      limits: context.limits,
      readSignal: async (bytes) => {
        const format = sniffSignal('application/octet-stream', bytes);
        const signal = await context.pool.read({
          ...{ bytes, format, limits: context.limits },
          ...takenBy(model),
        });
        for (const [name, text] of Object.entries(notesHeader(signal.notes))) c.header(name, text);
        return signal;
      },
    };
    const request = c.req.valid('json');
    const place = context.admission.enter({ class: 'large' });
    try {
      if (type === jsonType) {
        const collect = async () => collectAnswer(await runQuery(asked, request, { signal }));
        return c.json(await place.run(signal, collect), 200) as never;
      }
      const answer = await place.run(signal, () => runQuery(asked, request, { signal }));
      return new Response(linesOf(answer, place, signal), {
        headers: { 'content-type': linesType },
      }) as never;
    } finally {
      place.release();
    }
  });
}

/** A fault on the way is the last line, `{"error": {code, detail}}`: the status has gone out before it. */
function linesOf(answer: CheckedAnswer, place: Place, signal: AbortSignal): ReadableStream<Uint8Array> {
  async function* lines(): AsyncGenerator<string> {
    try {
      yield `${JSON.stringify(answer.head)}\n`;
      for await (const piece of place.iterate(signal, pieces(answer))) yield piece;
      yield `${JSON.stringify(endOf(answer))}\n`;
    } catch (error) {
      const detail = error instanceof FunctaError ? error.message : 'an unexpected fault of the server';
      yield `${JSON.stringify({ error: { code: codeOf(error), detail } })}\n`;
    }
  }
  const source = lines();
  const encoder = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await source.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value));
    },
    async cancel() {
      await source.return(undefined);
    },
  });
}

async function* pieces({ rows }: QueryAnswer): AsyncGenerator<string> {
  let piece: string[] = [];
  for await (const row of rows) {
    piece.push(`${JSON.stringify(row)}\n`);
    if (piece.length < rowsPerPiece) continue;
    yield piece.join('');
    piece = [];
  }
  if (piece.length > 0) yield piece.join('');
}
