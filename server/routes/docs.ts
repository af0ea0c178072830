/** The OpenAPI document, and Scalar's reference page over it, from files of this package alone. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { needsNothing } from '../access/access.ts';
import { etagged } from '../caching.ts';
import { withCommonAnswers } from '../common-answers.ts';
import type { ServerContext } from '../context.ts';
import { limitsPage } from '../operations/limit-table.ts';
import type { ServerEnv } from '../operations/log.ts';
import { withSamples } from '../samples.ts';
import { binaryContent, notModified } from '../schemas.ts';

const scriptPath = '/docs/scalar.js';
// scripts/bundle.mjs puts it into build/ of a checkout and dist/build/ of a package.
const scalarFile = new URL('../../build/scalar.js', import.meta.url);

/** No font, telemetry or proxy of elsewhere; the content security policy enforces it. */
const configuration = {
  url: '/openapi.json',
  withDefaultFonts: false,
  telemetry: false,
  showDeveloperTools: 'never',
  agent: { disabled: true },
  mcp: { disabled: true },
  hideClientButton: true,
  // Each operation has a command of its own: see samples.ts.
  hiddenClients: true,
  proxyUrl: '',
};

const start = `Scalar.createApiReference('#app', ${JSON.stringify(configuration)})`;
const startHash = createHash('sha256').update(start).digest('base64');

const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>functa: HTTP interface</title>
</head>
<body>
<div id="app"></div>
<script src="${scriptPath}"></script>
<script>${start}</script>
</body>
</html>
`;

const policy = [
  "default-src 'self'",
  `script-src 'self' 'sha256-${startHash}'`,
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "worker-src 'self' blob:",
].join('; ');

const common = { tags: ['docs'], security: needsNothing };
const page = (type: string, description: string) => ({ 200: { description, content: binaryContent(type) } });

const documentRoute = createRoute({
  ...common,
  method: 'get',
  path: '/openapi.json',
  operationId: 'getDescription',
  summary: 'This description, as OpenAPI 3.1',
  responses: {
    200: {
      description: 'The document.',
      content: { 'application/json': { schema: z.record(z.string(), z.unknown()) } },
    },
  },
});

const pageRoute = createRoute({
  ...common,
  method: 'get',
  path: '/docs',
  operationId: 'getPage',
  summary: 'This description, as a page',
  responses: page('text/html', 'A page that needs nothing from elsewhere.'),
});

const scriptRoute = createRoute({
  ...common,
  method: 'get',
  path: scriptPath,
  operationId: 'getPageScript',
  summary: 'The script of the page',
  responses: { ...page('text/javascript', 'The script.'), ...notModified },
});

/** Call it once all other routes are there. */
export function docsRoutes(app: OpenAPIHono<ServerEnv>, context: ServerContext): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'key', { type: 'http', scheme: 'bearer' });
  let document: object = {};
  app.openapi(documentRoute, (c) =>
    c.json(withSamples(document, new URL(c.req.url).origin) as Record<string, unknown>, 200),
  );
  app.openapi(pageRoute, (c) =>
    c.html(html, 200, { 'content-security-policy': policy, 'cache-control': 'no-cache' }),
  );
  let script: Promise<Buffer> | undefined;
  app.openapi(scriptRoute, async (c) => {
    script ??= readFile(scalarFile);
    const bytes = (await script) as Buffer<ArrayBuffer>;
    const headers = { 'content-type': 'text/javascript; charset=utf-8', 'cache-control': 'no-cache' };
    return etagged(c, `${bytes.length}`, () => c.body(bytes, 200, headers)) as never;
  });

  // Made once, and not by a request: it keeps the event loop for 50 ms.
  document = withCommonAnswers(
    app.getOpenAPI31Document({
      openapi: '3.1.0',
      info: {
        title: 'functa',
        version: context.version,
        description: `Signals as functions: encode, decode at any size, sample, and keep them in functasets. Errors are problem details (RFC 9457) with a stable \`code\`.\n\n## Limits\n\n${limitsPage(context.limitValue)}`,
        license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
      },
      tags: [
        { name: 'models', description: 'What can be coded with.' },
        { name: 'coding', description: 'Signals to functions and back.' },
        { name: 'functasets', description: 'Stores of functions.' },
        { name: 'jobs', description: 'Work that takes longer than a request.' },
        { name: 'health', description: 'For whoever runs the server.' },
        { name: 'docs', description: 'What the service says of itself.' },
      ],
    }),
  );
}
