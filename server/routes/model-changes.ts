/** Models while the service runs: put, asked whether they are ready, given priors and classifiers, removed. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { ConflictError } from '../../src/core/errors.ts';
import { needs } from '../access/access.ts';
import { askerOf } from '../asker.ts';
import { bodyPieces, readBody } from '../body.ts';
import { refOf } from '../catalogue.ts';
import { findModel, type ServerContext } from '../context.ts';
import { HttpFault } from '../http-fault.ts';
import { idPattern } from '../jobs/ids.ts';
import { jobsOf } from '../jobs/room.ts';
import { parseJson } from '../json.ts';
import { jsonType, mediaType } from '../media.ts';
import { besideKinds, ModelStore } from '../models/store.ts';
import { checkName } from '../names.ts';
import type { ServerEnv } from '../operations/log.ts';
import { binaryContent, modelDetail, modelParams, problems } from '../schemas.ts';
import { ask } from '../work/ask.ts';
import { modelJson } from './models.ts';

const ofJob = z.strictObject({ job: z.string().regex(idPattern) });
/** Described, and not checked by the route: the other bodies it takes are no JSON. */
const ofJobSchema = {
  type: 'object' as const,
  required: ['job'],
  properties: {
    job: { type: 'string' as const, description: 'A job that learnt a model without giving it a name.' },
  },
};
const maxJsonBytes = 4096;
const anyBytes = 'application/octet-stream';

const force = z.object({
  force: z
    .enum(['true', 'false'])
    .optional()
    .openapi({
      param: { name: 'force', in: 'query' },
      description: 'Also where functasets belong to the network of the model: they cannot be decoded then.',
    }),
});
const besideParams = modelParams.extend({
  kind: z.enum(besideKinds).openapi({
    param: { name: 'kind', in: 'path' },
    description: 'A generative prior, `distilled` for one that draws in few steps, or `classifier`.',
  }),
});
const detailReply = (description: string) => ({
  description,
  content: { 'application/json': { schema: modelDetail } },
});
const fileBody = { required: true, content: binaryContent(anyBytes) } as const;

const putRoute = createRoute({
  method: 'put',
  path: '/v1/models/{m}',
  operationId: 'putModel',
  tags: ['models'],
  security: needs('write'),
  summary:
    'Serve a model: a file, or what a job learnt; it is whole and checked before the one before it goes',
  request: {
    params: modelParams,
    query: force,
    headers: z.object({
      'if-none-match': z.literal('*').optional().openapi({ description: '`*`: only where none is there.' }),
    }),
    body: { required: true, content: { ...binaryContent(anyBytes), [jsonType]: { schema: ofJobSchema } } },
  },
  responses: {
    200: detailReply('It took the place of the one that was there; `id` is the SHA-256 of its file.'),
    201: detailReply('It is served; `id` is the SHA-256 of its file.'),
    ...problems(400, 404, 409, 412, 413, 415, 422, 503, 507),
  },
});

const removeRoute = createRoute({
  method: 'delete',
  path: '/v1/models/{m}',
  operationId: 'removeModel',
  tags: ['models'],
  security: needs('write'),
  summary: 'Serve a model no more, and remove its file',
  request: { params: modelParams, query: force },
  responses: { 204: { description: 'It is gone.' }, ...problems(404, 409, 422) },
});

const readyRoute = createRoute({
  method: 'get',
  path: '/v1/models/{m}/ready',
  operationId: 'isModelReady',
  tags: ['models'],
  security: needs('read'),
  summary: 'Whether a model can be used now: its file is there, whole, and the one that is listed',
  request: { params: modelParams },
  responses: {
    200: {
      description: 'It can.',
      content: { 'application/json': { schema: z.object({ status: z.literal('ok'), id: z.string() }) } },
    },
    ...problems(404, 409, 503),
  },
});

const putBesideRoute = createRoute({
  method: 'put',
  path: '/v1/models/{m}/beside/{kind}',
  operationId: 'putBesideModel',
  tags: ['models'],
  security: needs('write'),
  summary: 'Put a generative prior or a classifier beside a model of yours',
  request: { params: besideParams, body: fileBody },
  responses: {
    200: detailReply('The model with it.'),
    ...problems(400, 404, 409, 413, 415, 422, 503, 507),
  },
});

const removeBesideRoute = createRoute({
  method: 'delete',
  path: '/v1/models/{m}/beside/{kind}',
  operationId: 'removeBesideModel',
  tags: ['models'],
  security: needs('write'),
  summary: 'Remove a generative prior or a classifier of a model of yours',
  request: { params: besideParams },
  responses: { 200: detailReply('The model without it.'), ...problems(404, 409) },
});

export function modelChangeRoutes(app: OpenAPIHono<ServerEnv>, context: ServerContext): void {
  const store = new ModelStore(context);

  app.openapi(putRoute, async (c) => {
    const { jobs, files } = jobsOf(context);
    const access = c.get('access');
    const name = checkName(c.req.valid('param').m);
    const options = {
      onlyNew: c.req.valid('header')['if-none-match'] === '*',
      force: c.req.valid('query').force === 'true',
    };
    const type = typeOf(c.req.header('content-type'), [anyBytes, jsonType]);
    if (type === jsonType) {
      const asked = ofJob.safeParse(parseJson(await readBody(c, maxJsonBytes), context.traffic));
      if (!asked.success)
        throw new HttpFault(
          422,
          'bad-parameter',
          'send the id of a job as {"job": "..."}, or the file of a model',
        );
      const { record } = await jobs.get(access.namespace, asked.data.job);
      const { id, state, spec, result } = record;
      if (state !== 'done' || spec.kind !== 'learn' || result?.fileBytes === undefined)
        throw new ConflictError('no-result', `job ${id} (${spec.kind}, ${state}) has no file of a model`);
      return kept(jobs.result(access.namespace, id));
    }
    return kept(bodyPieces(c, context.limits.maxFileBytes));

    function kept(pieces: AsyncIterable<Uint8Array>) {
      return files.whole(access.namespace, pieces, async (path) => {
        const { served, isNew } = await store.put(name, path, access, options);
        return c.json(modelJson(served), isNew ? 201 : 200, { etag: `"${served.id}"` });
      });
    }
  });

  app.openapi(removeRoute, async (c) => {
    const forced = c.req.valid('query').force === 'true';
    await store.remove(c.req.valid('param').m, c.get('access'), { force: forced });
    return c.body(null, 204);
  });

  app.openapi(readyRoute, async (c) => {
    const served = findModel(context, c.req.valid('param').m, c.get('access'));
    await ask(context, 'readyModel', { model: refOf(served) }, { ...askerOf(c), class: 'small' });
    return c.json({ status: 'ok' as const, id: served.id }, 200, { 'cache-control': 'no-store' });
  });

  app.openapi(putBesideRoute, async (c) => {
    const { files } = jobsOf(context);
    const { m, kind } = c.req.valid('param');
    typeOf(c.req.header('content-type'), [anyBytes]);
    const access = c.get('access');
    const pieces = bodyPieces(c, context.limits.maxFileBytes);
    const served = await files.whole(access.namespace, pieces, (path) =>
      store.putBeside(m, kind, path, access),
    );
    return c.json(modelJson(served), 200);
  });

  app.openapi(removeBesideRoute, async (c) => {
    const { m, kind } = c.req.valid('param');
    return c.json(modelJson(await store.removeBeside(m, kind, c.get('access'))), 200);
  });
}

function typeOf(header: string | undefined, taken: readonly string[]): string {
  const type = mediaType(header);
  if (taken.includes(type)) return type;
  throw new HttpFault(
    415,
    'unsupported-media-type',
    `${type === '' ? 'no content-type was sent' : `content-type ${type} is not taken here`}; send one of ${taken.join(', ')}`,
    { accept: taken.join(', ') },
  );
}
