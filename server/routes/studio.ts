/** Studio, the pages for people: files that `npm run build` made, and the file of a model, by which a page decodes. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { parseAccept } from 'hono/utils/accept';
import { NotFoundError } from '../../src/core/errors.ts';
import { needs, needsNothing } from '../access/access.ts';
import { etagged } from '../caching.ts';
import { findModel, type ServerContext } from '../context.ts';
import type { ServerEnv } from '../operations/log.ts';
import { bytesReply } from '../reply.ts';
import { binaryContent, modelParams, notModified, problems } from '../schemas.ts';

/** The only files there are: name, where it stands, media type. */
const files = {
  'index.html': ['studio/index.html', 'text/html; charset=utf-8'],
  'studio.js': ['studio/studio.js', 'text/javascript; charset=utf-8'],
  'studio.css': ['studio/studio.css', 'text/css; charset=utf-8'],
  'functa.js': ['web/functa.js', 'text/javascript; charset=utf-8'],
} as const satisfies Record<string, readonly [string, string]>;

type FileName = keyof typeof files;

/** dist/ of a package, from dist/server/routes as from server/routes. */
const places = ['../../', '../../dist/'].map((path) => new URL(path, import.meta.url));

/** Nothing of elsewhere, nothing written into a page; WebAssembly is compiled from the service's own scripts. */
const policy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  'media-src blob:',
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const notBuilt = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>functa</title>
<h1>functa</h1>
<p>The service runs; Studio, its pages, was not built. Run: npm run build. <a href="/docs">/docs</a> describes the HTTP interface.</p>
</html>
`;

const common = { method: 'get' as const, tags: ['docs'], security: needsNothing };

const homeRoute = createRoute({
  ...common,
  path: '/',
  operationId: 'getStudio',
  summary: 'Studio, the pages of the service',
  responses: { 200: { description: 'The page.', content: binaryContent('text/html') }, ...notModified },
});

const fileRoute = createRoute({
  ...common,
  path: '/studio/{file}',
  operationId: 'getStudioFile',
  summary: 'What Studio is made of',
  request: {
    params: z.object({
      file: z
        .string()
        .max(64)
        .openapi({
          param: { name: 'file', in: 'path' },
          description: 'Name of a file.',
          example: 'functa.js',
        }),
    }),
  },
  responses: {
    200: { description: 'The file.', content: binaryContent('text/javascript', 'text/css') },
    ...notModified,
    ...problems(404),
  },
});

const modelFileRoute = createRoute({
  method: 'get',
  path: '/v1/models/{m}/file',
  operationId: 'getModelFile',
  tags: ['models'],
  security: needs('read'),
  summary: 'The file of a model: by it `functa/web` decodes in a page',
  request: { params: modelParams },
  responses: {
    200: { description: 'safetensors.', content: binaryContent('application/octet-stream') },
    ...notModified,
    ...problems(404, 503),
  },
});

export function studioRoutes(app: OpenAPIHono<ServerEnv>, context: ServerContext): void {
  const read = new Map<FileName, Promise<Found | undefined>>();
  const found = (name: FileName): Promise<Found | undefined> => {
    const known = read.get(name) ?? load(name);
    read.set(name, known);
    // What is not there yet is looked for again.
    void known.then((file) => file ?? read.delete(name));
    return known;
  };

  app.openapi(homeRoute, async (c) => {
    const file = await found('index.html');
    return file === undefined
      ? c.html(notBuilt, 200, { 'cache-control': 'no-cache' })
      : (sent(c, file) as never);
  });

  app.openapi(fileRoute, async (c) => {
    const { file: name } = c.req.valid('param');
    const file = Object.hasOwn(files, name) ? await found(name as FileName) : undefined;
    if (file === undefined)
      throw new NotFoundError('no-such-path', 'Studio has no such file; npm run build makes those it has');
    return sent(c, file) as never;
  });

  app.openapi(modelFileRoute, async (c) => {
    const { path, id } = findModel(context, c.req.valid('param').m, c.get('access'));
    return etagged(c, id, async () =>
      bytesReply(await readFile(path), { 'content-type': 'application/octet-stream' }),
    ) as never;
  });
}

interface Found {
  readonly bytes: Uint8Array;
  readonly type: string;
  readonly digest: string;
  /** What the build packed it to, the smallest first; a checkout may lack some. */
  readonly packed: readonly (Packing & { readonly bytes: Uint8Array })[];
}

interface Packing {
  /** Content coding (RFC 9110, section 8.4.1). */
  readonly coding: string;
  readonly suffix: string;
}

const packings: readonly Packing[] = [
  { coding: 'br', suffix: '.br' },
  { coding: 'gzip', suffix: '.gz' },
];

async function load(name: FileName): Promise<Found | undefined> {
  const [path, type] = files[name];
  for (const place of places) {
    const read = (suffix: string) => readFile(new URL(path + suffix, place)).catch(() => undefined);
    const bytes = await read('');
    if (bytes === undefined) continue;
    const packed = [];
    for (const packing of packings) {
      const smaller = await read(packing.suffix);
      if (smaller !== undefined) packed.push({ ...packing, bytes: smaller });
    }
    return { bytes, type, digest: createHash('sha256').update(bytes).digest('hex'), packed };
  }
  return undefined;
}

/** A file as the client takes it: packed where it says that it unpacks. */
function sent(c: Context, { bytes, type, digest, packed }: Found): Promise<Response> {
  const taken = c.req.header('accept-encoding') ?? '';
  const chosen = packed.find(({ coding }) => takes(taken, coding));
  const headers = {
    'content-type': type,
    'content-security-policy': policy,
    'referrer-policy': 'no-referrer',
    ...(chosen === undefined ? {} : { 'content-encoding': chosen.coding }),
  };
  const make = () => bytesReply(chosen?.bytes ?? bytes, headers);
  return etagged(c, `${digest} ${chosen?.coding ?? ''}`, make, { vary: 'accept-encoding' });
}

/** Whether an Accept-Encoding header names a coding, and not to refuse it. */
function takes(header: string, coding: string): boolean {
  return parseAccept(header).some(({ type, q }) => type.toLowerCase() === coding && q > 0);
}
