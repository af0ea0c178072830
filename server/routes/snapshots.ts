/** Snapshots of functasets: taken while they are served, downloaded, and made functasets again. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { dropScratch, scratchBeside } from '../../src/disk/scratch.ts';
import { needs } from '../access/access.ts';
import { smallJson } from '../body.ts';
import { functasetRef } from '../catalogue.ts';
import { findFunctaset, findWritable, modelOfNetwork, type ServerContext } from '../context.ts';
import { openPart } from '../file-part.ts';
import { functasetPath, homeOf } from '../home.ts';
import { exists } from '../kept.ts';
import { checkName, nameRule } from '../names.ts';
import type { ServerEnv } from '../operations/log.ts';
import { rangeOf } from '../ranges.ts';
import { binaryContent, functasetParams, notModified, problems } from '../schemas.ts';
import {
  dropSnapshot,
  findSnapshot,
  keepSnapshot,
  listSnapshots,
  type Snapshot,
  snapshotFile,
} from '../snapshots.ts';
import { functasetJson } from '../told.ts';
import { functasetSummary } from '../told-schemas.ts';
import { ask } from '../work/ask.ts';

const maxJsonBytes = 4096;
const backupType = 'application/vnd.functa.backup';

const snapshotParams = functasetParams.extend({
  n: z
    .string()
    .max(64)
    .openapi({
      param: { name: 'n', in: 'path' },
      description: 'Id of a snapshot.',
      example: '20260131T120000Z-0a1b2c3d',
    }),
});

export const snapshotSchema = z
  .object({
    id: z.string(),
    createdAt: z.string(),
    functions: z.number().int(),
    networkId: z.string(),
    bytes: z.number().int(),
    sha256: z.string().openapi({ description: 'Of the file, in hex.' }),
    links: z.object({ self: z.string(), restore: z.string() }),
  })
  .openapi('Snapshot');

const restoreBody = z
  .strictObject({
    name: z
      .string()
      .max(128)
      .openapi({ description: `Of the new functaset: ${nameRule}.` }),
  })
  .openapi('RestoreRequest', { example: { name: 'restored' } });

const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } });
const common = { tags: ['functasets'] };

const takeRoute = createRoute({
  ...common,
  method: 'post',
  path: '/v1/functasets/{s}/snapshots',
  operationId: 'takeSnapshot',
  security: needs('write'),
  summary: 'A snapshot of a functaset as it is now; every function in it is checked before this answers',
  request: { params: functasetParams },
  responses: {
    201: { description: 'It is on the disk.', content: json(snapshotSchema) },
    ...problems(403, 404, 409, 503, 507),
  },
});

const listRoute = createRoute({
  ...common,
  method: 'get',
  path: '/v1/functasets/{s}/snapshots',
  operationId: 'listSnapshots',
  security: needs('read'),
  summary: 'The snapshots of a functaset, which stay when it is deleted',
  request: { params: functasetParams },
  responses: {
    200: { description: 'By age.', content: json(z.object({ snapshots: z.array(snapshotSchema) })) },
    ...problems(404),
  },
});

const fileRoute = createRoute({
  ...common,
  method: 'get',
  path: '/v1/functasets/{s}/snapshots/{n}',
  operationId: 'getSnapshot',
  security: needs('read'),
  summary: 'The file of a snapshot, or a part of it by `range`; `functa store restore` makes a store of it',
  request: { params: snapshotParams },
  responses: {
    200: { description: 'The file.', content: binaryContent(backupType) },
    206: { description: 'The part that was asked for.', content: binaryContent(backupType) },
    ...notModified,
    ...problems(404, 416),
  },
});

const dropRoute = createRoute({
  ...common,
  method: 'delete',
  path: '/v1/functasets/{s}/snapshots/{n}',
  operationId: 'deleteSnapshot',
  security: needs('write'),
  summary: 'Takes a snapshot away',
  request: { params: snapshotParams },
  responses: { 204: { description: 'It is gone.' }, ...problems(404) },
});

const restoreRoute = createRoute({
  ...common,
  method: 'post',
  path: '/v1/functasets/{s}/snapshots/{n}/restore',
  operationId: 'restoreSnapshot',
  security: needs('write'),
  summary: 'A new functaset of a snapshot, in the namespace of the key',
  middleware: [smallJson(maxJsonBytes)] as const,
  request: { params: snapshotParams, body: { required: true, content: json(restoreBody) } },
  responses: {
    201: { description: 'It was made.', content: json(functasetSummary) },
    ...problems(400, 404, 409, 413, 415, 422, 503, 507),
  },
});

export function snapshotRoutes(app: OpenAPIHono<ServerEnv>, context: ServerContext): void {
  app.openapi(takeRoute, async (c) => {
    const home = homeOf(context);
    const { s } = c.req.valid('param');
    const access = c.get('access');
    const functaset = functasetRef(findWritable(context, s, access));
    const of = { namespace: access.namespace, functaset: s };
    const options = { class: 'large', signal: c.req.raw.signal } as const;
    const made = await keepSnapshot(home, of, context.maxSnapshots, async (file) => {
      const { head } = await ask(context, 'backupFunctaset', { functaset, file }, options);
      return head;
    });
    const told = snapshotJson(s, made);
    return c.json(told, 201, { location: told.links.self });
  });

  app.openapi(listRoute, async (c) => {
    const { s } = c.req.valid('param');
    const { namespace } = c.get('access');
    const found = await listSnapshots(homeOf(context), { namespace, functaset: s });
    // those of a functaset that was deleted are still there
    if (found.length === 0) findFunctaset(context, s, c.get('access'));
    return c.json({ snapshots: found.map((snapshot) => snapshotJson(s, snapshot)) }, 200);
  });

  app.openapi(fileRoute, async (c) => {
    const home = homeOf(context);
    const { s, n } = c.req.valid('param');
    const of = { namespace: c.get('access').namespace, functaset: s };
    const { bytes, sha256 } = await findSnapshot(home, of, n);
    const etag = `"${sha256}"`;
    const headers = {
      'content-type': backupType,
      'accept-ranges': 'bytes',
      'cache-control': 'private, max-age=31536000, immutable',
      etag,
    };
    if (c.req.header('if-none-match') === etag) return c.body(null, 304, headers) as never;
    const part = rangeOf((name) => c.req.header(name), bytes, etag);
    const { start, end } = part ?? { start: 0, end: bytes };
    const body = c.req.method === 'HEAD' ? null : await openPart(snapshotFile(home, of, n), { start, end });
    return new Response(body, {
      status: part === undefined ? 200 : 206,
      headers: {
        ...headers,
        'content-length': String(end - start),
        ...(part === undefined ? {} : { 'content-range': `bytes ${start}-${end - 1}/${bytes}` }),
      },
    }) as never;
  });

  app.openapi(dropRoute, async (c) => {
    const { s, n } = c.req.valid('param');
    await dropSnapshot(homeOf(context), { namespace: c.get('access').namespace, functaset: s }, n);
    return c.body(null, 204);
  });

  app.openapi(restoreRoute, async (c) => {
    const home = homeOf(context);
    const { s, n } = c.req.valid('param');
    const { namespace } = c.get('access');
    const of = { namespace, functaset: s };
    const name = checkName(c.req.valid('json').name);
    const isTaken = (known: { readonly name: string; readonly namespace?: string | undefined }) =>
      (known.namespace === namespace || known.namespace === undefined) &&
      known.name.toLowerCase() === name.toLowerCase();
    if (context.catalogue.functasets.some(isTaken))
      throw exists(`a functaset is called ${name} already, or nearly so; choose another name`);
    await findSnapshot(home, of, n);
    const path = functasetPath(home, checkName(namespace), name);
    const options = { class: 'large', signal: c.req.raw.signal } as const;
    const made = scratchBeside(path);
    try {
      await ask(context, 'restoreFunctaset', { file: snapshotFile(home, of, n), path: made }, options);
      await context.writer.adopt(made, path);
    } finally {
      context.pool.forget(made);
      dropScratch(made);
    }
    const served = await context.catalogue.addFunctaset({ name, path, namespace });
    const { head } = await ask(context, 'summariseFunctaset', { functaset: functasetRef(served) }, options);
    const told = functasetJson(served, head, modelOfNetwork(context, served)?.name);
    return c.json(told, 201, { location: told.links.self });
  });
}

function snapshotJson(functaset: string, snapshot: Snapshot) {
  const { id, createdAt, functions, networkId, bytes, sha256 } = snapshot;
  const self = `/v1/functasets/${encodeURIComponent(functaset)}/snapshots/${encodeURIComponent(id)}`;
  return { id, createdAt, functions, networkId, bytes, sha256, links: { self, restore: `${self}/restore` } };
}
