/** Is the process alive, and should it be sent requests. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { allows, needsNothing } from '../access/access.ts';
import type { ServerContext } from '../context.ts';
import { HttpFault } from '../http-fault.ts';
import type { ServerEnv } from '../operations/log.ts';
import { problems } from '../schemas.ts';

const status = z.object({ status: z.literal('ok') });

const liveRoute = createRoute({
  method: 'get',
  path: '/livez',
  operationId: 'isAlive',
  tags: ['health'],
  security: needsNothing,
  summary: 'The process answers',
  responses: { 200: { description: 'It does.', content: { 'application/json': { schema: status } } } },
});

const ready = z.object({
  status: z.literal('ok'),
  version: z.string(),
  engine: z.string().nullable(),
  models: z.number().int(),
  functasets: z.number().int(),
  refused: z
    .array(z.string())
    .optional()
    .openapi({ description: 'Models whose files cannot be served; told to who may read.' }),
  requests: z.number().int().openapi({ description: 'At work or waiting.' }),
  connections: z.number().int(),
  bytesInFlight: z.number().int().openapi({ description: 'Of bodies and answers in memory.' }),
});

const readyRoute = createRoute({
  method: 'get',
  path: '/readyz',
  operationId: 'isReady',
  tags: ['health'],
  security: needsNothing,
  summary: 'Models are loaded and requests are taken',
  responses: {
    200: { description: 'They are.', content: { 'application/json': { schema: ready } } },
    ...problems(503),
  },
});

export function healthRoutes(app: OpenAPIHono<ServerEnv>, context: ServerContext): void {
  app.openapi(liveRoute, (c) => c.json({ status: 'ok' as const }, 200, { 'cache-control': 'no-store' }));

  app.openapi(readyRoute, (c) => {
    if (context.state.draining)
      throw new HttpFault(503, 'going-down', 'the server is going down; ask another');
    const { version, catalogue, admission, connections, engine } = context;
    const { models, refused, functasets } = catalogue;
    if (models.length === 0) {
      const why = refused.map(({ detail }) => detail).join('; ');
      throw new HttpFault(
        503,
        'no-models',
        why === '' ? 'no model is served; start the server with a directory of models' : why,
      );
    }
    const body = {
      status: 'ok' as const,
      version,
      engine,
      models: models.length,
      functasets: functasets.length,
      ...(allows(c.get('access'), 'read') ? { refused: refused.map(({ name }) => name) } : {}),
      requests: admission.held,
      connections: connections.count,
      bytesInFlight: connections.bytesHeld,
    };
    return c.json(body, 200, { 'cache-control': 'no-store' });
  });
}
