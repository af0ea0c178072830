/** The application: middleware, routes, and what errors become. */
import type { Socket } from 'node:net';
import { OpenAPIHono } from '@hono/zod-openapi';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { requestId } from 'hono/request-id';
import { NotFoundError } from '../src/core/errors.ts';
import { diskFailure } from '../src/disk/failure.ts';
import { crossOrigin } from './access/cross-origin.ts';
import { guard } from './access/guard.ts';
import type { ServerContext } from './context.ts';
import { HttpFault } from './http-fault.ts';
import { type AccessRecord, accessLog, type ServerEnv } from './operations/log.ts';
import { badParameter, knownParameters } from './parameters.ts';
import { codeOf, problemResponse } from './problem.ts';
import { type RouteTable, routeTable } from './route-table.ts';
import { classifyRoutes } from './routes/classify.ts';
import { combineRoutes } from './routes/combine.ts';
import { completeRoutes } from './routes/complete.ts';
import { docsRoutes } from './routes/docs.ts';
import { functasetChangeRoutes } from './routes/functaset-changes.ts';
import { functasetRoutes } from './routes/functasets.ts';
import { functionChangeRoutes } from './routes/function-changes.ts';
import { functionRoutes } from './routes/functions.ts';
import { healthRoutes } from './routes/health.ts';
import { inspectRoutes } from './routes/inspect.ts';
import { jobRoutes } from './routes/jobs.ts';
import { mapRoutes } from './routes/map.ts';
import { modelChangeRoutes } from './routes/model-changes.ts';
import { modelRoutes } from './routes/models.ts';
import { peerRoutes } from './routes/peers.ts';
import { queryRoutes } from './routes/query.ts';
import { shardRoutes } from './routes/shards.ts';
import { snapshotRoutes } from './routes/snapshots.ts';
import { studioRoutes } from './routes/studio.ts';
import { uploadRoutes } from './routes/uploads.ts';
import type { Pacer } from './traffic/pacer.ts';

export interface AppOptions {
  readonly log?: ((record: AccessRecord) => void) | undefined;
  readonly now?: (() => Date) | undefined;
}

/** A Hono application over a context; it can be served, or called by `fetch` in a test. */
export function createApp(context: ServerContext, options: AppOptions = {}): OpenAPIHono<ServerEnv> {
  const app = new OpenAPIHono<ServerEnv>({
    defaultHook: (result) => {
      if (!result.success) throw badParameter(result.target, result.error.issues);
    },
  });

  // The client's own id where it is a plain token, so that logs of both sides can be joined; else a new one.
  app.use(requestId({ limitLength: 64 }));
  app.use(async (c, next) => {
    const connection = context.connections.of(c.env?.incoming?.socket as Socket | undefined);
    c.set('intake', context);
    c.set('connection', connection);
    c.set('body', connection.holdBody());
    await next();
    c.get('body').release();
    c.res.headers.set('x-request-id', c.get('requestId'));
    c.res.headers.set('x-content-type-options', 'nosniff');
  });
  if (options.log !== undefined) app.use(accessLog(options.log, options.now ?? (() => new Date())));
  if (context.gate.origins.length > 0) app.use(crossOrigin(context.gate.origins));
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (_c, methods) => {
        throw new HttpFault(405, 'method-not-allowed', `this path takes ${methods.join(', ')}`, {
          allow: methods.join(', '),
        });
      },
    }),
  );

  let table: RouteTable = new Map();
  app.use(guard(() => table, context.gate));
  app.use(knownParameters());

  healthRoutes(app, context);
  modelRoutes(app, context);
  modelChangeRoutes(app, context);
  completeRoutes(app, context);
  classifyRoutes(app, context);
  peerRoutes(app, context);
  inspectRoutes(app, context);
  functasetRoutes(app, context);
  functionRoutes(app, context);
  functasetChangeRoutes(app, context);
  functionChangeRoutes(app, context);
  queryRoutes(app, context);
  shardRoutes(app, context);
  combineRoutes(app, context);
  uploadRoutes(app, context);
  jobRoutes(app, context);
  snapshotRoutes(app, context);
  mapRoutes(app, context);
  studioRoutes(app, context);
  docsRoutes(app, context);
  table = routeTable(app);

  // Answered, not thrown: the middleware above turns it into 405 where another method would be taken.
  app.notFound((c) => {
    const error = new NotFoundError(
      'no-such-path',
      'there is nothing at this path; /docs lists what there is',
    );
    c.set('fault', { code: error.code });
    return problemResponse(error, c.get('requestId'));
  });
  app.onError(async (thrown, c) => {
    const error = diskFailure(thrown) ?? thrown;
    const code = codeOf(error);
    if (code === 'overloaded') {
      c.get('body').release();
      await inTurn(context.pacer, c.req.raw.signal);
    }
    c.set('fault', { code, ...(code === 'bug' ? { error: error.stack ?? String(error) } : {}) });
    return problemResponse(error, c.get('requestId') ?? '');
  });
  return app;
}

/** Waits until a refusal may go out, or the client is gone. */
function inTurn(pacer: Pacer, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const back = pacer.pace(resolve);
    signal.addEventListener(
      'abort',
      () => {
        back();
        resolve();
      },
      { once: true },
    );
  });
}
