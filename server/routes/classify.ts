/** Labels of signals and functions, from the classifier that stands beside a model. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { magic } from '../../codec/header.ts';
import { boundedList, isText } from '../../src/query/index.ts';
import { needs } from '../access/access.ts';
import { askerOf } from '../asker.ts';
import { readBody, smallJson } from '../body.ts';
import { functasetRef, refOf } from '../catalogue.ts';
import { findFunctaset, findModel, modelOf, type ServerContext } from '../context.ts';
import { maxClassified } from '../counts.ts';
import { checkContentType, functaType, signalTypes, sniffSignal } from '../media.ts';
import type { ServerEnv } from '../operations/log.ts';
import { notesHeader } from '../reply.ts';
import {
  binaryContent,
  functasetParams,
  integer,
  labelSchema,
  modelParams,
  parameter,
  problems,
  signalParts,
} from '../schemas.ts';
import { ask } from '../work/ask.ts';
import { encodingClass } from '../work/cost.ts';

const maxJsonBytes = 512 * 1024;

const mostTop = 1000;

const classifyQuery = z.object({
  ...signalParts,
  top: integer(1, mostTop)
    .optional()
    .openapi({
      ...parameter('top', 'Labels told of each function; default 3.', '3'),
      type: 'integer',
      minimum: 1,
      maximum: mostTop,
    }),
});

export const classifyBody = z
  .strictObject({
    ids: boundedList(z.string().min(1).max(255), {
      min: 1,
      max: maxClassified,
      fits: isText(1, 255),
    }).optional(),
    label: z.union([z.string().max(256), z.number()]).optional(),
    cursor: z.string().max(1024).optional(),
    limit: z.number().int().min(1).max(maxClassified).default(100),
    top: z.number().int().min(1).max(mostTop).default(3),
  })
  .openapi('ClassifyRequest', { example: { limit: 20, top: 3 } });

const guesses = z.array(z.object({ label: labelSchema, probability: z.number() }));

const signalsReply = z
  .object({
    model: z.string(),
    items: z.array(z.object({ id: z.string(), guesses })),
  })
  .openapi('Classified');

const functionsReply = z
  .object({
    model: z.string(),
    items: z.array(
      z.object({
        id: z.string(),
        label: labelSchema.nullable().openapi({ description: 'What the functaset says.' }),
        guesses,
      }),
    ),
    next: z.string().nullable().openapi({ description: 'Cursor of the page after this one.' }),
  })
  .openapi('ClassifiedFunctions');

const modelRoute = createRoute({
  method: 'post',
  path: '/v1/models/{m}/classify',
  operationId: 'classify',
  tags: ['coding'],
  security: needs('read'),
  summary: 'The likeliest labels of a signal, or of functions in bytes',
  description:
    'By `classifier.safetensors` beside the model file; `functa classify train` makes it. A signal is encoded first.',
  request: {
    params: modelParams,
    query: classifyQuery,
    body: { required: true, content: binaryContent(...signalTypes, functaType) },
  },
  responses: {
    200: {
      description: 'Guesses for the signal, or for each function; likeliest first.',
      content: { 'application/json': { schema: signalsReply } },
    },
    ...problems(400, 404, 409, 413, 415, 422, 503),
  },
});

const functasetRoute = createRoute({
  method: 'post',
  path: '/v1/functasets/{s}/classify',
  operationId: 'classifyFunctions',
  tags: ['functasets'],
  security: needs('read'),
  summary: 'The likeliest labels of functions: of those named, or of a page of all',
  middleware: [smallJson(maxJsonBytes)] as const,
  request: {
    params: functasetParams,
    body: { required: true, content: { 'application/json': { schema: classifyBody } } },
  },
  responses: {
    200: {
      description: 'Guesses for each function, likeliest first.',
      content: { 'application/json': { schema: functionsReply } },
    },
    ...problems(400, 404, 409, 413, 415, 422, 503),
  },
});

export function classifyRoutes(app: OpenAPIHono<ServerEnv>, context: ServerContext): void {
  app.openapi(modelRoute, async (c) => {
    const served = findModel(context, c.req.valid('param').m, c.get('access'));
    const declared = checkContentType(c.req.header('content-type'), [...signalTypes, functaType]);
    const { top, ...parts } = c.req.valid('query');
    const bytes = await readBody(c, context.maxBodyBytes);
    const isFunction = declared === functaType || bytes[0] === magic;
    if (!isFunction) sniffSignal(declared, bytes);
    const input = { model: refOf(served), bytes, declared, top, parts };
    const kind = isFunction ? 'large' : await encodingClass(served, bytes, parts, context.limits);
    const { head } = await ask(context, 'classify', input, { class: kind, ...askerOf(c) });
    const items = head.items.map(({ id, guesses }) => ({ id, guesses }));
    return c.json({ model: served.name, items }, 200, notesHeader(head.notes));
  });

  app.openapi(functasetRoute, async (c) => {
    const served = findFunctaset(context, c.req.valid('param').s, c.get('access'));
    const model = modelOf(context, served);
    const { top, ...which } = c.req.valid('json');
    const input = { model: refOf(model), functaset: functasetRef(served), which, top };
    const { head } = await ask(context, 'classifyFunctions', input, { class: 'large', ...askerOf(c) });
    return c.json({ model: model.name, ...head }, 200);
  });
}
