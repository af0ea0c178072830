/** Functasets: which there are, and what each holds. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { needs } from '../access/access.ts';
import { askerOf } from '../asker.ts';
import { functasetRef, type ServedFunctaset } from '../catalogue.ts';
import { findFunctaset, modelOfNetwork, type ServerContext, seenBy } from '../context.ts';
import type { ServerEnv } from '../operations/log.ts';
import { functasetParams, problems } from '../schemas.ts';
import { functasetJson } from '../told.ts';
import { functasetSummary } from '../told-schemas.ts';
import { ask } from '../work/ask.ts';
import type { FunctasetSummary } from '../work/verbs/functasets.ts';

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

const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } });

const listRoute = createRoute({
  method: 'get',
  path: '/v1/functasets',
  operationId: 'listFunctasets',
  tags: ['functasets'],
  security: needs('read'),
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
  operationId: 'getFunctaset',
  tags: ['functasets'],
  security: needs('read'),
  summary: 'What a functaset holds',
  request: { params: functasetParams },
  responses: {
    200: { description: 'Counts, labels, sizes and means.', content: json(functasetDetail) },
    ...problems(404),
  },
});

export function functasetRoutes(app: OpenAPIHono<ServerEnv>, context: ServerContext): void {
  const small = (c: Context<ServerEnv>) => ({ class: 'small', ...askerOf(c) }) as const;

  app.openapi(listRoute, async (c) => {
    const functasets = await Promise.all(
      seenBy(context.catalogue.functasets, c.get('access')).map(async (served) => {
        const input = { functaset: functasetRef(served) };
        const { head } = await ask(context, 'summariseFunctaset', input, small(c));
        return summary(served, head);
      }),
    );
    return c.json({ functasets }, 200);
  });

  app.openapi(functasetRoute, async (c) => {
    const served = findFunctaset(context, c.req.valid('param').s, c.get('access'));
    const options = { class: 'large', ...askerOf(c) } as const;
    const { head } = await ask(context, 'describeFunctaset', { functaset: functasetRef(served) }, options);
    const {
      labels: counted,
      fileBytes,
      codedBytes,
      modulationBytes,
      meanBits,
      meanPsnrDb: mean,
    } = head.stats;
    const labels = counted.map(({ label, functions }) => ({ label, functions }));
    const meanPsnrDb = mean !== null && Number.isFinite(mean) ? mean : null;
    return c.json(
      { ...summary(served, head), labels, fileBytes, codedBytes, modulationBytes, meanBits, meanPsnrDb },
      200,
    );
  });

  function summary(served: ServedFunctaset, found: FunctasetSummary) {
    return functasetJson(served, found, modelOfNetwork(context, served)?.name);
  }
}
