/** Paths between the functions of a functaset, their means and differences. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import {
  codeTerms,
  decodeTerms,
  differenceOf,
  getFunctions,
  labelled,
  meanOf,
  pathBetween,
  pathSpaceOf,
  pathSpaces,
  type Term,
} from '../../src/combine/index.ts';
import { BadInputError } from '../../src/core/errors.ts';
import type { Functaset } from '../../src/functaset/index.ts';
import type { FunctionSource } from '../../src/pipeline/functions.ts';
import { contactSheet, stackedRows } from '../../src/pipeline/index.ts';
import { isNumber, isText, list } from '../../src/query/index.ts';
import { smallJson } from '../body.ts';
import type { ServerContext } from '../context.ts';
import { findFunctaset, modelOf } from '../functasets.ts';
import type { ServerEnv } from '../log.ts';
import { functaType, negotiate, npyType, signalReplies } from '../media.ts';
import { bytesReply, replyRows, replySignal } from '../reply.ts';
import { bytesOf, functasetParams, maxSampleCount, problems } from '../schemas.ts';

const maxJsonBytes = 256 * 1024;
const mostIds = 1024;

const id = z.string().min(1).max(255);
const output = {
  size: z.string().max(64).optional().openapi({ description: 'Of pictures and arrays: `4x`, or `640x480`.' }),
  quality: z
    .number()
    .int()
    .min(1)
    .max(100)
    .optional()
    .openapi({ description: 'Of functions in bytes; default: that of the first.' }),
};

export const combineBody = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('path'),
      from: id,
      to: id,
      steps: z.number().int().min(2).max(maxSampleCount).default(8),
      space: z.enum(pathSpaces).default('metric').openapi({
        description: '`metric`: straight; `flow`: along the sphere of the latent of the flow of the model.',
      }),
      ...output,
    }),
    z.strictObject({
      kind: z.literal('mean'),
      ids: list(id, { min: 1, max: mostIds, fits: isText(1, 255) }).optional(),
      label: z.union([z.string().max(256), z.number()]).optional(),
      weights: list(z.number(), { max: mostIds, fits: isNumber }).optional(),
      ...output,
    }),
    z.strictObject({ kind: z.literal('difference'), id, less: id, ...output }),
  ])
  .openapi('CombineRequest', { example: { kind: 'path', from: 'test-0', to: 'test-1', steps: 8 } });

const combineRoute = createRoute({
  method: 'post',
  path: '/v1/functasets/{s}/combine',
  tags: ['functasets'],
  summary: 'A path between two functions, a mean, or a difference: functions again',
  middleware: [smallJson(maxJsonBytes)] as const,
  request: {
    params: functasetParams,
    body: { required: true, content: { 'application/json': { schema: combineBody } } },
  },
  responses: {
    200: {
      description: 'A contact sheet, an array [count, ...shape, channels], or functions in bytes.',
      content: bytesOf(...signalReplies, functaType),
    },
    ...problems(400, 404, 406, 409, 413, 415, 422, 503),
  },
});

export function combineRoutes(app: OpenAPIHono<ServerEnv>, context: ServerContext): void {
  app.openapi(combineRoute, async (c) => {
    const source = findFunctaset(context, c.req.valid('param').s);
    const { session } = modelOf(source);
    const type = negotiate(c.req.header('accept'), [...signalReplies, functaType]);
    const asked = c.req.valid('json');
    const { size, quality } = asked;
    const { signal } = c.req.raw;
    const { limits, pool: work } = context;
    const place = context.admission.enter({ class: 'large' });
    try {
      const terms = await place.run(signal, () => termsOf(session, source.store, asked));
      if (type === functaType) {
        const bytes = await place.run(signal, () => codeTerms(session, terms, { quality, work }));
        return bytesReply(bytes, { 'content-type': functaType });
      }
      const options = { size, limits, signal, raw: type === npyType };
      const signals = await place.run(signal, () => decodeTerms(session, terms, options));
      if (type === npyType) return await replyRows(stackedRows(signals), type, {});
      return await replySignal(contactSheet(signals), type, {});
    } finally {
      place.release();
    }
  });
}

async function termsOf(
  source: FunctionSource,
  store: Functaset,
  asked: z.infer<typeof combineBody>,
): Promise<Term[]> {
  switch (asked.kind) {
    case 'path': {
      const [from, to] = await getFunctions(source, store, [asked.from, asked.to]);
      return pathBetween(from!, to!, asked.steps, await pathSpaceOf(source.model, asked.space));
    }
    case 'mean': {
      const { ids, label, weights } = asked;
      if ((ids === undefined) === (label === undefined)) {
        throw new BadInputError('which-functions', 'a mean is of ids or of a label; give one of them');
      }
      const found = await (ids === undefined
        ? labelled(source, store, label!)
        : getFunctions(source, store, ids));
      return [meanOf(found, weights)];
    }
    case 'difference': {
      const [one, other] = await getFunctions(source, store, [asked.id, asked.less]);
      return [differenceOf(one!, other!)];
    }
    default:
      return asked satisfies never;
  }
}
