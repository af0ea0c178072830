/** Paths between the functions of a functaset, their means and differences. */

import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { pathSpaces } from '../../src/combine/index.ts';
import { BadInputError } from '../../src/core/errors.ts';
import { kindOf } from '../../src/formats/formats.ts';
import { boundedList, isNumber, isText } from '../../src/query/index.ts';
import { needs } from '../access/access.ts';
import { askerOf } from '../asker.ts';
import { smallJson } from '../body.ts';
import { functasetRef, refOf } from '../catalogue.ts';
import { findFunctaset, modelOf, type ServerContext } from '../context.ts';
import { maxSampleCount } from '../counts.ts';
import { functaType, negotiate, repliesFor, signalReplies } from '../media.ts';
import type { ServerEnv } from '../operations/log.ts';
import { answerReply, notesHeader } from '../reply.ts';
import { binaryContent, functasetParams, problems } from '../schemas.ts';
import { ask } from '../work/ask.ts';

const maxJsonBytes = 256 * 1024;
const mostIds = 1024;

const id = z.string().min(1).max(255);
const output = {
  size: z.string().max(64).optional().openapi({ description: 'Of signals: `4x`, or `640x480`.' }),
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
      ids: boundedList(id, { min: 1, max: mostIds, fits: isText(1, 255) }).optional(),
      label: z.union([z.string().max(256), z.number()]).optional(),
      weights: boundedList(z.number(), { max: mostIds, fits: isNumber }).optional(),
      ...output,
    }),
    z.strictObject({ kind: z.literal('difference'), id, less: id, ...output }),
  ])
  .openapi('CombineRequest', { example: { kind: 'path', from: 'test-0', to: 'test-1', steps: 8 } });

const combineRoute = createRoute({
  method: 'post',
  path: '/v1/functasets/{s}/combine',
  operationId: 'combine',
  tags: ['functasets'],
  security: needs('read'),
  summary: 'A path between two functions, a mean, or a difference: functions again',
  middleware: [smallJson(maxJsonBytes)] as const,
  request: {
    params: functasetParams,
    body: { required: true, content: { 'application/json': { schema: combineBody } } },
  },
  responses: {
    200: {
      description: 'A contact sheet, an array [count, ...shape, channels], or functions in bytes.',
      content: binaryContent(...signalReplies, functaType),
    },
    ...problems(400, 404, 406, 409, 413, 415, 422, 503),
  },
});

export function combineRoutes(app: OpenAPIHono<ServerEnv>, context: ServerContext): void {
  app.openapi(combineRoute, async (c) => {
    const served = findFunctaset(context, c.req.valid('param').s, c.get('access'));
    const of = modelOf(context, served);
    const as = negotiate(c.req.header('accept'), [...repliesFor(kindOf(of.card)), functaType]);
    const { size, quality, ...terms } = c.req.valid('json');
    if (as === functaType && size !== undefined) {
      throw new BadInputError('size-of-function', 'functions have no size; leave size to decoding them');
    }
    if (as !== functaType && quality !== undefined) {
      throw new BadInputError(
        'quality-of-signal',
        `quality is that of functions in bytes; accept ${functaType}`,
      );
    }
    const input = { model: refOf(of), functaset: functasetRef(served), of: terms, as, size, quality };
    const answer = await ask(context, 'combine', input, { class: 'large', ...askerOf(c) });
    return answerReply(answer, { 'content-type': as, ...notesHeader(answer.head.notes) });
  });
}
