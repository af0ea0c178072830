/** Functasets that are made and taken away over HTTP. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { ConflictError } from '../../src/core/errors.ts';
import { needs } from '../access/access.ts';
import { askerOf } from '../asker.ts';
import { smallJson } from '../body.ts';
import { refOf } from '../catalogue.ts';
import { findModel, findWritable, modelOfNetwork, type ServerContext } from '../context.ts';
import { homeOf } from '../home.ts';
import { dropFunctaset, exists, keepFunctaset } from '../kept.ts';
import { checkName, nameRule } from '../names.ts';
import type { ServerEnv } from '../operations/log.ts';
import { functasetParams, problems } from '../schemas.ts';
import { functasetJson } from '../told.ts';
import { functasetSummary } from '../told-schemas.ts';
import { ask } from '../work/ask.ts';

const maxJsonBytes = 4096;

const createBody = z
  .strictObject({
    model: z.string().max(128).openapi({ description: 'Name or id of the model whose functions it holds.' }),
  })
  .openapi('CreateFunctaset', { example: { model: 'fashion-mnist' } });

const createFunctasetRoute = createRoute({
  method: 'put',
  path: '/v1/functasets/{s}',
  operationId: 'createFunctaset',
  tags: ['functasets'],
  security: needs('write'),
  summary: 'A new functaset of a model; the same request again changes nothing',
  description: `A name is ${nameRule}.`,
  middleware: [smallJson(maxJsonBytes)] as const,
  request: {
    params: functasetParams,
    body: { required: true, content: { 'application/json': { schema: createBody } } },
  },
  responses: {
    201: { description: 'It was made.', content: { 'application/json': { schema: functasetSummary } } },
    200: { description: 'It was there.', content: { 'application/json': { schema: functasetSummary } } },
    ...problems(400, 404, 409, 413, 415, 422, 503, 507),
  },
});

const deleteFunctasetRoute = createRoute({
  method: 'delete',
  path: '/v1/functasets/{s}',
  operationId: 'deleteFunctaset',
  tags: ['functasets'],
  security: needs('write'),
  summary: 'Takes a functaset away, with all its functions',
  request: { params: functasetParams },
  responses: { 204: { description: 'It is gone.' }, ...problems(403, 404, 409, 503) },
});

export function functasetChangeRoutes(app: OpenAPIHono<ServerEnv>, context: ServerContext): void {
  app.openapi(createFunctasetRoute, async (c) => {
    const { s } = c.req.valid('param');
    const { namespace } = c.get('access');
    const home = homeOf(context);
    checkName(s);
    const served = findModel(context, c.req.valid('json').model, c.get('access'));
    if (context.catalogue.functasets.some((other) => other.name === s && other.namespace === undefined))
      throw exists(`a functaset that the operator serves is called ${s} already; choose another name`);
    const options = { class: 'small', ...askerOf(c) } as const;
    const { head: network } = await ask(context, 'networkOfModel', { model: refOf(served) }, options);
    const found = await keepFunctaset(context, home, { name: s, namespace }, network);
    const of = { functaset: { name: s, path: found.served.path } };
    const { head } = await ask(context, 'summariseFunctaset', of, options);
    const told = functasetJson(found.served, head, modelOfNetwork(context, found.served)?.name);
    return found.created ? c.json(told, 201, { location: told.links.self }) : c.json(told, 200);
  });

  app.openapi(deleteFunctasetRoute, async (c) => {
    const { s } = c.req.valid('param');
    const access = c.get('access');
    const served = findWritable(context, s, access);
    if (served.namespace === undefined) {
      throw new ConflictError(
        'functaset-fixed',
        `functaset ${s} was not made over HTTP: the operator takes it away, by serving without it`,
      );
    }
    await dropFunctaset(context, served);
    return c.body(null, 204);
  });
}
