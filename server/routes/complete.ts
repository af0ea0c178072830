/** The whole of a signal from a part of it. */

import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { KindThat } from '../../prior/kinds.ts';
import { completingPriors } from '../../src/complete/index.ts';
import { mostNearest } from '../../src/complete/nearest.ts';
import { leastGrid, mostGrid } from '../../src/formats/format.ts';
import { kindOf, signalFormats, titlesOf, togetherText } from '../../src/formats/formats.ts';
import { leastFunctions } from '../../src/jobs/own-prior.ts';
import { base64, boundedList, isRow } from '../../src/query/index.ts';
import { needs } from '../access/access.ts';
import { askerOf } from '../asker.ts';
import { smallJson } from '../body.ts';
import { functasetRef, refOf } from '../catalogue.ts';
import { findFunctaset, findModel, type ServerContext } from '../context.ts';
import { negotiate, repliesFor, signalReplies } from '../media.ts';
import type { ServerEnv } from '../operations/log.ts';
import { answerReply, notesHeader } from '../reply.ts';
import { binaryContent, modelParams, problems } from '../schemas.ts';
import { ask } from '../work/ask.ts';

const maxServedDraws = 16;
/** Priors know signals of one shape, which is small. */
const maxJsonBytes = 2 ** 19;
const mostPoints = 5000;

const bytes = base64(maxJsonBytes).openapi({ format: 'byte' });
const region = z.string().max(128);

export const completeBody = z
  .strictObject({
    signal: bytes.optional().openapi({ description: `${titlesOf(signalFormats)}; NaN is hidden.` }),
    mask: bytes
      .optional()
      .openapi({ description: 'The same, of one value a sample: 1 (white) is known, 0 (black) is hidden.' }),
    region: region
      .optional()
      .openapi({ description: 'Known is this region alone: `y=0:32,x=8:24` or `x,y,w,h`.' }),
    hide: region
      .optional()
      .openapi({ description: 'Known is all but this region: `y=0:32,x=8:24` or `x,y,w,h`.' }),
    variable: z.string().min(1).max(255).optional().openapi({
      description: 'Of a `signal` of several fields: `NAME`, `NAME[time=3]`, or `U,V` as channels.',
    }),
    grid: z.number().int().min(leastGrid).max(mostGrid).optional().openapi({
      description: 'Samples a side of the grid that a surface is laid on.',
    }),
    coarse: z.boolean().default(false).openapi({
      description: '`signal` is a version of the whole signal at a lower resolution.',
    }),
    points: boundedList(boundedList(z.number(), { max: 64 }), { max: mostPoints, fits: isRow(0, 64) })
      .optional()
      .openapi({
        description:
          'Rows of coordinates, the slowest axis first (sample i of an axis stands at i + 0.5), then values.',
      }),
    prior: z
      .string()
      .max(64)
      .optional()
      .openapi({ description: `One of ${completingPriors.join(', ')}; default: the first that is there.` }),
    functaset: z.string().max(128).optional().openapi({
      description: 'By the own prior of this functaset, in place of one of the model.',
    }),
    nearest: z.number().int().min(leastFunctions).max(mostNearest).optional().openapi({
      description:
        'With `functaset`: learnt from so many of its functions that are most like what is known; 1000 does well.',
    }),
    draws: z.number().int().min(0).max(maxServedDraws).default(4),
    seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
    noise: z.number().min(1e-4).max(1e3).optional().openapi({
      description: 'Deviation of a known value, of a range of 1; default: 0.04, with `nearest` 0.1.',
    }),
    size: z.string().max(64).optional(),
  })
  .refine(({ signal, points }) => (signal === undefined) !== (points === undefined), {
    message: 'give either signal or points',
  })
  .refine(
    ({ mask, region, hide, coarse }) => [mask, region, hide, coarse || undefined].filter(isGiven).length <= 1,
    {
      message: 'mask, region, hide and coarse each say what is known; give one of them',
    },
  )
  .refine(({ functaset, nearest }) => nearest === undefined || functaset !== undefined, {
    message: 'nearest is of the functions of a functaset; give its name, too',
  })
  .openapi('CompleteRequest', { example: { signal: 'iVBORw0KGgo=', hide: '0,0,14,28', draws: 4 } });

const completeRoute = createRoute({
  method: 'post',
  path: '/v1/models/{m}/complete',
  operationId: 'complete',
  tags: ['coding'],
  security: needs('read'),
  summary:
    'A signal from a part of it, with draws of what is possible; the same request gives the same bytes',
  middleware: [smallJson(maxJsonBytes)] as const,
  request: {
    params: modelParams,
    body: { required: true, content: { 'application/json': { schema: completeBody } } },
  },
  responses: {
    200: {
      description: `The completed, the draws, their mean and deviation, in one file (${togetherText()}); for the eye after what is known, and four times the deviation.`,
      content: binaryContent(...signalReplies),
    },
    ...problems(400, 404, 406, 409, 413, 415, 422, 503),
  },
});

export function completeRoutes(app: OpenAPIHono<ServerEnv>, context: ServerContext): void {
  app.openapi(completeRoute, async (c) => {
    const served = findModel(context, c.req.valid('param').m, c.get('access'));
    const model = refOf(served);
    const as = negotiate(c.req.header('accept'), repliesFor(kindOf(served.card)));
    const {
      prior: asked,
      functaset: name,
      nearest,
      draws,
      seed,
      noise,
      size,
      ...known
    } = c.req.valid('json');
    const functaset =
      name === undefined ? undefined : functasetRef(findFunctaset(context, name, c.get('access')));
    // Which prior it may be is checked where it completes.
    const prior = asked as KindThat<'complete'> | undefined;
    const input = { model, as, known, prior, functaset, nearest, draws, seed, noise, size };
    const answer = await ask(context, 'complete', input, { class: 'large', ...askerOf(c) });
    const { head } = answer;
    return answerReply(answer, {
      ...notesHeader(head.notes),
      'content-type': as,
      'functa-prior': head.prior,
      'functa-observed-psnr-db': head.observedPsnrDb.toFixed(4),
      ...(head.surprise === undefined ? {} : { 'functa-surprise': head.surprise.toFixed(4) }),
      'functa-seconds': head.seconds.toFixed(4),
    });
  });
}

function isGiven(value: unknown): boolean {
  return value !== undefined;
}
