/** Functasets: what they hold, a page at a time, and each function as a picture or as bytes. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { codeTerms } from '../../src/combine/index.ts';
import { FunctaError } from '../../src/core/errors.ts';
import type { Limits } from '../../src/core/limits.ts';
import { damagedFunction, type Fault, type StoredFunction, summaryOf } from '../../src/functaset/index.ts';
import { type OpenFunction, openFunctions } from '../../src/pipeline/functions.ts';
import type { DecodeOptions, RowStream, Session } from '../../src/pipeline/index.ts';
import { fieldRows } from '../../src/pipeline/rows.ts';
import { etagged } from '../caching.ts';
import type { ServedModel, ServerContext } from '../context.ts';
import {
  type FunctasetSource,
  findFunctaset,
  findFunction,
  functionJson,
  modelOf,
  page,
} from '../functasets.ts';
import type { ServerEnv } from '../log.ts';
import { functaType, jsonType, negotiate, npyType, signalReplies } from '../media.ts';
import { bytesReply, replyRows } from '../reply.ts';
import {
  bytesOf,
  functasetParams,
  functionParams,
  functionQuery,
  functionsQuery,
  problems,
} from '../schemas.ts';

const defaultPage = 50;

export const functasetSummary = z
  .object({
    name: z.string(),
    functions: z.number().int(),
    shape: z.array(z.number().int()),
    networkId: z.string(),
    model: z.string().nullable().openapi({ description: 'The served model of this network.' }),
    links: z.object({ self: z.string(), functions: z.string() }),
  })
  .openapi('FunctasetSummary');

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

export const functionSchema = z
  .object({
    id: z.string(),
    label: z.union([z.string(), z.number()]).nullable(),
    shape: z.array(z.number().int()),
    psnrDb: z.number().nullable().openapi({
      description: 'Null: decoded without any loss, or put without the signal that it is of.',
    }),
    bits: z.number(),
    bitsPerPoint: z.number(),
    codedBytes: z.number().int(),
    links: z.object({ self: z.string() }),
  })
  .openapi('Function');

const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } });

const listRoute = createRoute({
  method: 'get',
  path: '/v1/functasets',
  tags: ['functasets'],
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
  tags: ['functasets'],
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
  tags: ['functasets'],
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
  tags: ['functasets'],
  summary: 'One function: decoded at any size, as bytes, or what is known of it',
  request: { params: functionParams, query: functionQuery },
  responses: {
    200: {
      description: 'A picture, an array, a `.functa` file, or JSON, by `accept`.',
      content: { ...bytesOf(...signalReplies, functaType), ...json(functionSchema) },
    },
    ...problems(404, 406, 409, 413, 422, 503),
  },
});

export function functasetRoutes(app: OpenAPIHono<ServerEnv>, context: ServerContext): void {
  app.openapi(listRoute, (c) => c.json({ functasets: context.functasets.map(summary) }, 200));

  app.openapi(functasetRoute, async (c) => {
    const source = findFunctaset(context, c.req.valid('param').s);
    const stats = await source.store.stats({ signal: c.req.raw.signal });
    const { fileBytes, codedBytes, modulationBytes, meanBits } = stats;
    const labels = stats.labels.map(({ label, functions }) => ({ label, functions }));
    const meanPsnrDb =
      stats.meanPsnrDb !== null && Number.isFinite(stats.meanPsnrDb) ? stats.meanPsnrDb : null;
    return c.json(
      { ...summary(source), labels, fileBytes, codedBytes, modulationBytes, meanBits, meanPsnrDb },
      200,
    );
  });

  app.openapi(functionsRoute, (c) => {
    const source = findFunctaset(context, c.req.valid('param').s);
    const { label, cursor, limit = defaultPage } = c.req.valid('query');
    const damaged: string[] = [];
    const onDamaged = ({ id }: Fault) => damaged.push(id);
    const { items, next } = page(source, { label, cursor, limit, onDamaged });
    const functions = items.map((item) => functionJson(source, item));
    return c.json({ functions, next, ...(damaged.length > 0 ? { damaged } : {}) }, 200);
  });

  // The media type is decided at run time, which the route's type cannot say.
  app.openapi(functionRoute, async (c) => {
    const { s, id } = c.req.valid('param');
    const source = findFunctaset(context, s);
    const found = findFunction(source, id);
    const accept = c.req.header('accept');
    const { size, region } = c.req.valid('query');
    const type = negotiate(accept, [...signalReplies, functaType, jsonType]);
    const version = [source.store.info.networkId, s, id, type, size, region, found.psnrDb, found.bits].join();
    return etagged(c, version, async (): Promise<Response> => {
      if (type === jsonType) return c.json(functionJson(source, summaryOf(found)), 200);
      if (type === functaType) {
        const { content } = found;
        const bytes = content.kind === 'file' ? content.bytes : await coded(modelOf(source), found);
        return bytesReply(bytes, { 'content-type': functaType });
      }
      return decoded(modelOf(source), found, { size, region, type, abort: c.req.raw.signal });
    }) as never;
  });

  /** A modulation from outside as a file. */
  async function coded({ session }: ServedModel, fn: StoredFunction): Promise<Uint8Array> {
    const { pool: work, limits } = context;
    return codeTerms(session, await openFunctions(session, [fn], { limits }), { work });
  }

  async function decoded(
    { session }: ServedModel,
    fn: StoredFunction,
    asked: { size: string | undefined; region: string | undefined; type: string; abort: AbortSignal },
  ): Promise<Response> {
    const { type, abort, ...grid } = asked;
    const place = context.admission.enter({ class: 'small' });
    try {
      const options = { ...grid, raw: type === npyType, signal: abort, limits: context.limits };
      const stream = await place.run(abort, () => rowsOf(session, fn, options));
      const rows = place.iterate(abort, stream.rows);
      return await replyRows({ ...stream, rows }, type, {});
    } finally {
      place.release();
    }
  }
}

/** A function is decoded from its file, or read from the modulation that was put. */
async function rowsOf(
  session: Session,
  fn: StoredFunction,
  options: DecodeOptions & { limits: Limits },
): Promise<RowStream> {
  if (fn.content.kind === 'file') {
    const { bytes } = fn.content;
    return session.decodeRows(bytes, options).catch((error: unknown) => {
      throw error instanceof FunctaError && error.kind === 'stream' ? damagedFunction(fn.id, error) : error;
    });
  }
  const [{ shape, modulation, quality }] = (await openFunctions(session, [fn], options)) as [OpenFunction];
  return fieldRows(session, shape, modulation, { ...options, quality });
}

function summary(source: FunctasetSource) {
  const { name, store, model } = source;
  const self = `/v1/functasets/${encodeURIComponent(name)}`;
  return {
    name,
    functions: store.count,
    shape: [...store.info.shape],
    networkId: store.info.networkId,
    model: model?.name ?? null,
    links: { self, functions: `${self}/functions` },
  };
}
