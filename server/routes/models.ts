/** Models, and what they do: encode, decode, sample. */

import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { readHeader } from '../../codec/index.ts';
import { anyPrior, type KindThat, priorDescriptor, type Wish } from '../../prior/kinds.ts';
import { BadInputError } from '../../src/core/errors.ts';
import { outputsOfKind } from '../../src/field/kinds.ts';
import { kindOf, type SignalKind } from '../../src/formats/formats.ts';
import { needs } from '../access/access.ts';
import { keyOfBody } from '../answers.ts';
import { askerOf } from '../asker.ts';
import { readBody, smallJson } from '../body.ts';
import { etagged } from '../caching.ts';
import { refOf, type ServedModel } from '../catalogue.ts';
import { findModel, modelOfFile, type ServerContext, seenBy } from '../context.ts';
import { answeredByJob, inPieces, preferHeader, prefersJob } from '../jobs/prefer.ts';
import { jobSchema } from '../jobs/view.ts';
import {
  checkContentType,
  functaType,
  negotiate,
  repliesFor,
  signalReplies,
  signalTypes,
  sniffSignal,
} from '../media.ts';
import { modelFor } from '../models/pick.ts';
import { bytesForRefusal, refuseWithTakers } from '../models/takers.ts';
import type { ServerEnv } from '../operations/log.ts';
import { answerReply, notesHeader } from '../reply.ts';
import {
  answerHeader,
  binaryContent,
  decodeQuery,
  encodeQuery,
  modelDetail,
  modelParams,
  modelSummary,
  notModified,
  problems,
  sampleBody,
} from '../schemas.ts';
import { withoutPaths } from '../without-paths.ts';
import { ask } from '../work/ask.ts';
import { decodingEstimate, drawingClass, encodingEstimate } from '../work/cost.ts';

const maxJsonBytes = 16 * 1024;
/** Qualities that a target is looked for at, at most: see target.ts. */
const mostTries = 8;
/** Qualities that a bound is tried at, at most: see bounded.ts. */
const mostBounded = 11;

const listRoute = createRoute({
  method: 'get',
  path: '/v1/models',
  operationId: 'listModels',
  tags: ['models'],
  security: needs('read'),
  summary: 'The models that are served',
  responses: {
    200: {
      description: 'All models, by name.',
      content: {
        'application/json': {
          schema: z.object({
            models: z.array(modelSummary),
            refused: z
              .array(z.object({ name: z.string(), detail: z.string() }))
              .openapi({ description: 'Files that cannot be served, and why.' }),
          }),
        },
      },
    },
    ...notModified,
  },
});

const modelRoute = createRoute({
  method: 'get',
  path: '/v1/models/{m}',
  operationId: 'getModel',
  tags: ['models'],
  security: needs('read'),
  summary: 'One model: what it takes, how it was made, what it reached',
  request: { params: modelParams },
  responses: {
    200: { description: 'Its card.', content: { 'application/json': { schema: modelDetail } } },
    ...notModified,
    ...problems(404),
  },
});

const encodedReplies = {
  200: {
    description: 'A `.functa` file.',
    content: binaryContent(functaType),
    headers: {
      'functa-bytes': answerHeader('Bytes of the file.'),
      'functa-model': answerHeader('Name of the model that it was coded by.'),
      'functa-psnr-db': answerHeader(
        'PSNR in dB of the decoded file against what was sent; Infinity when equal.',
      ),
      'functa-rmse': answerHeader('Root mean square of the error of each output, in its unit.'),
      'functa-max-error': answerHeader('Largest absolute error of each output, in its unit.'),
      'functa-quality': answerHeader('Quality that was asked for, or found for a target.'),
      'functa-bits-per-point': answerHeader('Bits of the file over points of the signal.'),
      'functa-notes': answerHeader(
        'What the signal sent holds and the function does not, such as other frames; absent: nothing.',
      ),
    },
  },
  202: {
    description:
      'With `prefer: respond-async`, from who may write: a job does it, and its result is the file.',
    content: { 'application/json': { schema: jobSchema } },
    headers: { location: answerHeader('Where the job is told of.') },
  },
  ...problems(400, 404, 406, 409, 413, 415, 422, 429, 503),
} as const;

const encodeRoute = createRoute({
  method: 'post',
  path: '/v1/models/{m}/encode',
  operationId: 'encode',
  tags: ['coding'],
  security: needs('read'),
  summary: 'A signal to a function in bytes',
  request: {
    params: modelParams,
    query: encodeQuery,
    headers: preferHeader,
    body: { required: true, content: binaryContent(...signalTypes) },
  },
  responses: encodedReplies,
});

const encodeAnyRoute = createRoute({
  method: 'post',
  path: '/v1/encode',
  operationId: 'encodeByAny',
  tags: ['coding'],
  security: needs('read'),
  summary: 'A signal to a function in bytes, by the one model that takes such signals',
  request: {
    query: encodeQuery,
    headers: preferHeader,
    body: { required: true, content: binaryContent(...signalTypes) },
  },
  responses: encodedReplies,
});

const decodedReply = {
  description:
    'A signal in the samples of its model, or as float32 values that the field gives, by `accept`.',
  content: binaryContent(...signalReplies),
};

const decodeRoute = createRoute({
  method: 'post',
  path: '/v1/models/{m}/decode',
  operationId: 'decode',
  tags: ['coding'],
  security: needs('read'),
  summary: 'A function in bytes to a signal, at any size',
  request: {
    params: modelParams,
    query: decodeQuery,
    body: { required: true, content: binaryContent(functaType) },
  },
  responses: {
    200: decodedReply,
    ...problems(400, 404, 406, 409, 413, 415, 422, 503),
  },
});

const decodeFileRoute = createRoute({
  method: 'post',
  path: '/v1/decode',
  operationId: 'decodeFile',
  tags: ['coding'],
  security: needs('read'),
  summary: 'A function in bytes to a signal, by the model that the file names or the network that it brings',
  request: {
    query: decodeQuery,
    body: { required: true, content: binaryContent(functaType) },
  },
  responses: {
    200: decodedReply,
    ...problems(400, 404, 406, 413, 415, 422, 503),
  },
});

const sampleRoute = createRoute({
  method: 'post',
  path: '/v1/models/{m}/sample',
  operationId: 'sample',
  tags: ['coding'],
  security: needs('read'),
  summary: 'New signals from the prior; the same request gives the same bytes',
  middleware: [smallJson(maxJsonBytes)] as const,
  request: {
    params: modelParams,
    body: { required: true, content: { 'application/json': { schema: sampleBody } } },
  },
  responses: {
    200: {
      description: 'A contact sheet, an array [count, ...shape, channels], or an archive of functions.',
      content: binaryContent(...signalReplies, functaType),
      headers: {
        'functa-distilled': answerHeader(
          'Steps and guidance, such as `2; guidance=2`, where a distilled network drew; absent: the prior itself did.',
        ),
      },
    },
    ...problems(400, 404, 406, 413, 415, 422, 503),
  },
});

export function modelRoutes(app: OpenAPIHono<ServerEnv>, context: ServerContext): void {
  app.openapi(listRoute, async (c) => {
    await context.catalogue.refreshOld();
    const models = seenBy(context.catalogue.models, c.get('access'));
    const refused = seenBy(context.catalogue.refused, c.get('access'));
    const found = {
      models: models.sort((a, b) => (a.name < b.name ? -1 : 1)).map(summary),
      refused: refused.map(({ name, detail }) => ({ name, detail: withoutPaths(detail) })),
    };
    return etagged(c, JSON.stringify(found), () => c.json(found, 200));
  });

  app.openapi(modelRoute, async (c) => {
    await context.catalogue.refreshOld();
    const found = modelJson(findModel(context, c.req.valid('param').m, c.get('access')));
    return etagged(c, JSON.stringify(found), () => c.json(found, 200));
  });

  const encoded = async (
    c: Context<ServerEnv>,
    query: z.output<typeof encodeQuery>,
    modelOf: (bytes: Uint8Array, type: string) => ServedModel | Promise<ServedModel>,
  ): Promise<Response> => {
    const declared = checkContentType(c.req.header('content-type'), signalTypes);
    negotiate(c.req.header('accept'), [functaType]);
    const bytes = await readBody(c, context.maxBodyBytes);
    sniffSignal(declared, bytes);
    const served = await modelOf(bytes, declared);
    if (prefersJob(c, context)) {
      const { 'max-error': maxError, 'keep-signs': keepSigns, ...others } = query;
      const told = { maxError, keepSigns, ...others };
      const said = { kind: 'encode', model: served.id, type: declared, ...told } as const;
      const specOf = (data: { readonly upload: string }) => ({ ...said, data });
      return answeredByJob(c, context, { pieces: inPieces(bytes), contentType: declared, specOf });
    }
    const model = refOf(served);
    const { quality, effort, steps, keep, psnr, bytes: fileBytes, variable, grid } = query;
    const { 'max-error': maxError, 'keep-signs': keepSigns } = query;
    const parts = { variable, grid };
    const target =
      psnr !== undefined ? { psnrDb: psnr } : fileBytes !== undefined ? { fileBytes } : undefined;
    const how = { type: declared, quality, effort, steps, target, maxError, keepSigns, keep, parts };
    const input = { model, bytes, ...how };
    const kept = bytesForRefusal(bytes, declared, served);
    const key = keyOfBody(bytes, served.path, ['encode', model.id, how]);
    const coding = context.answers.of(key, async () => {
      const times = maxError !== undefined ? mostBounded : target === undefined ? 1 : mostTries;
      const asked = { effort, times, type: declared, ...parts };
      const estimate = await encodingEstimate(served, bytes, asked, context.limits);
      return context.together.do(context, { verb: 'encode', input, ...estimate }, askerOf(c));
    });
    const answer = await coding.catch((error) =>
      refuseWithTakers(error, context, kept, { type: declared, ...parts }, c.get('access')),
    );
    const { head } = answer;
    return answerReply(answer, {
      ...notesHeader(head.notes),
      'content-type': functaType,
      'functa-bytes': String(answer.bytes.length),
      'functa-model': served.name,
      'functa-quality': String(head.quality),
      'functa-psnr-db': String(round(head.psnrDb)),
      'functa-rmse': head.rmse.map(short).join(', '),
      'functa-max-error': head.maxError.map(short).join(', '),
      'functa-bits-per-point': String(round(head.bitsPerPoint)),
      'functa-seconds': String(round(head.seconds)),
    });
  };

  // What is answered, a file or a job, is decided at run time, which the route's type cannot say.
  app.openapi(encodeRoute, async (c) => {
    const served = findModel(context, c.req.valid('param').m, c.get('access'));
    return (await encoded(c, c.req.valid('query'), () => served)) as never;
  });

  app.openapi(encodeAnyRoute, async (c) => {
    const query = c.req.valid('query');
    const { variable, grid } = query;
    return (await encoded(c, query, (bytes, type) =>
      modelFor(context, bytes, type, c.get('access'), { variable, grid }),
    )) as never;
  });

  const decoded = async (
    c: Context<ServerEnv>,
    query: z.output<typeof decodeQuery>,
    modelOf: (bytes: Uint8Array) => ServedModel | undefined,
  ) => {
    checkContentType(c.req.header('content-type'), [functaType]);
    const accept = c.req.header('accept');
    negotiate(accept, signalReplies);
    const bytes = await readBody(c, context.maxBodyBytes);
    const served = modelOf(bytes);
    const as = negotiate(
      accept,
      repliesFor(served === undefined ? kindOfOwn(bytes, context) : kindOf(served.card)),
    );
    const input = { model: served && refOf(served), bytes, as, ...query };
    const answer = await context.answers.of(
      keyOfBody(bytes, served?.path, ['decode', served?.id, as, query]),
      async () => {
        const estimate = await decodingEstimate(served, bytes, query, context.limits);
        return context.together.do(context, { verb: 'decode', input, ...estimate }, askerOf(c));
      },
    );
    return answerReply(answer, { 'content-type': as });
  };

  app.openapi(decodeRoute, (c) => {
    const served = findModel(context, c.req.valid('param').m, c.get('access'));
    return decoded(c, c.req.valid('query'), () => served);
  });

  app.openapi(decodeFileRoute, (c) =>
    decoded(c, c.req.valid('query'), (bytes) => modelOfFile(context, bytes, c.get('access'))),
  );

  app.openapi(sampleRoute, async (c) => {
    const served = findModel(context, c.req.valid('param').m, c.get('access'));
    const as = negotiate(c.req.header('accept'), [...repliesFor(kindOf(served.card)), functaType]);
    const asked = c.req.valid('json');
    if (as === functaType && asked.size !== undefined) {
      throw new BadInputError('size-of-function', 'functions have no size; leave size to decoding them');
    }
    // The priors of a model's file draw symbol by symbol; the others run networks of their own.
    const coded = asked.prior === undefined || asked.prior in served.perSymbol;
    const kind = coded ? await drawingClass(served, served.card.shape, asked, context.limits) : 'large';
    // Which prior it may be is checked where it draws.
    const prior = asked.prior as KindThat<'sample'> | undefined;
    const input = { ...asked, prior, model: refOf(served), as };
    const answer = await ask(context, 'sample', input, { class: kind, ...askerOf(c) });
    const { distilled } = answer.head;
    return answerReply(answer, {
      ...(distilled && { 'functa-distilled': `${distilled.steps}; guidance=${distilled.guidance}` }),
      'content-type': as,
    });
  });
}

/** What a draw of a prior can ask for. */
function takesOf(name: string): Wish[] {
  const kind = anyPrior(name);
  return kind === undefined ? [] : [...priorDescriptor(kind).takes];
}

/** What the signal of a network file is, as its header says; of a file that names a model which is not served, what any is. */
function kindOfOwn(bytes: Uint8Array, { limits }: ServerContext): SignalKind {
  const header = readHeader(bytes, limits);
  if (header.container !== 'network') return { axes: 0, outputs: [] };
  const { channels, values, spec } = header;
  return { axes: spec.axes, outputs: outputsOfKind(channels, values, { count: spec.outputs }) };
}

function summary({ name, id, card, priors, classifier, qualities, namespace, fileBytes }: ServedModel) {
  const { family, outputs, axes, shape, anySize } = card;
  const self = `/v1/models/${encodeURIComponent(name)}`;
  return {
    name,
    id,
    family,
    outputs: outputs.map((output) => ({ ...output })),
    axes: axes.map((axis) => ({ ...axis })),
    shape: [...shape],
    anySize,
    priors: priors.map(({ name, can }) => ({ name, can: [...can], takes: takesOf(name) })),
    classifier: classifier
      ? {
          labels: [...classifier.labels],
          validationAccuracy: classifier.figures.validationAccuracy ?? null,
        }
      : null,
    abilities: {
      qualities: { lowest: 1, highest: 100, learnt: qualities === undefined ? null : [...qualities] },
      codedBy: priors.filter(({ can }) => can.includes('code')).map((prior) => prior.name),
      sampledBy: priors.filter(({ can }) => can.includes('sample')).map((prior) => prior.name),
      classifies: classifier !== undefined,
      replies: [...repliesFor(kindOf(card))],
    },
    mine: namespace !== undefined,
    fileBytes,
    links: {
      self,
      ready: `${self}/ready`,
      encode: `${self}/encode`,
      decode: `${self}/decode`,
      sample: `${self}/sample`,
      complete: `${self}/complete`,
      classify: `${self}/classify`,
    },
  };
}

/** A model as JSON. */
export function modelJson(served: ServedModel) {
  const { spec, training, figures, licence, notes } = served.card;
  return {
    ...summary(served),
    networkId: served.networkId,
    spec: JSON.parse(JSON.stringify(spec)) as Record<string, never>,
    training: { ...training } as Record<string, string | number | boolean>,
    figures: { ...figures },
    licence,
    notes,
  };
}

/** Six digits, of values that may be of any size. */
function short(value: number): string {
  return String(Number(value.toPrecision(6)));
}

/** Four decimals. */
function round(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
