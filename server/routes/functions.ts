/** The functions of a functaset: a page at a time, and each drawn at any size, asked at points, as bytes or as numbers. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { BadInputError } from '../../src/core/errors.ts';
import { kindOf } from '../../src/formats/formats.ts';
import { modulationsFormats, modulationsTypes } from '../../src/jobs/modulations-file.ts';
import { parseFilter } from '../../src/query/index.ts';
import { needs } from '../access/access.ts';
import { keyOfStored } from '../answers.ts';
import { askerOf } from '../asker.ts';
import { versioned } from '../caching.ts';
import { functasetRef, refOf, type ServedFunctaset, type ServedModel } from '../catalogue.ts';
import { findFunctaset, modelOf, modelOfNetwork, type ServerContext } from '../context.ts';
import { type Grid, gridOfTile, gridOfWidth, tileLevels, tileSamples } from '../grids.ts';
import { functaType, jsonType, negotiate, repliesFor, signalReplies } from '../media.ts';
import type { ServerEnv } from '../operations/log.ts';
import { rangedReply } from '../ranges.ts';
import { answerReply, gathered } from '../reply.ts';
import {
  binaryContent,
  functasetParams,
  functionParams,
  functionQuery,
  functionsQuery,
  integer,
  notModified,
  problems,
  versionQuery,
} from '../schemas.ts';
import { functionJson, type VersionedSummary } from '../told.ts';
import { functionSchema } from '../told-schemas.ts';
import { type AnswerOf, ask } from '../work/ask.ts';
import { drawingClass } from '../work/cost.ts';

const defaultPage = 50;
const mostPoints = 256;

const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } });

const functionsRoute = createRoute({
  method: 'get',
  path: '/v1/functasets/{s}/functions',
  operationId: 'listFunctions',
  tags: ['functasets'],
  security: needs('read'),
  summary: 'Functions, a page at a time, in order of their ids',
  request: { params: functasetParams, query: functionsQuery },
  responses: {
    200: {
      description: 'A page; `next` is the cursor of the page after it, null on the last.',
      content: json(
        z.object({
          functions: z.array(functionSchema),
          next: z.string().nullable(),
          damaged: z.array(z.string()).optional().openapi({ description: 'Left out: these cannot be read.' }),
        }),
      ),
    },
    ...problems(404, 409, 413, 422, 503),
  },
});

const valuesSchema = z
  .object({
    points: z
      .array(z.array(z.number()))
      .openapi({ description: 'As they were asked for, axes in array order.' }),
    values: z
      .array(z.array(z.number()))
      .openapi({ description: 'Of each point its channels, in their units.' }),
  })
  .openapi('Values');

const functionRoute = createRoute({
  method: 'get',
  path: '/v1/functasets/{s}/functions/{id}',
  operationId: 'getFunction',
  tags: ['functasets'],
  security: needs('read'),
  summary: 'One function: drawn at any size, asked at points, as bytes, or what is known of it',
  description:
    'The entity tag begins with the version of the function; with `v=VERSION` the answer may be kept for ever. A range of bytes is had of a `.functa` file.',
  request: { params: functionParams, query: functionQuery },
  responses: {
    200: {
      description: 'A signal, a `.functa` file, or JSON, by `accept`; values with `at`.',
      content: {
        ...binaryContent(...signalReplies, functaType),
        ...json(z.union([functionSchema, valuesSchema])),
      },
    },
    ...notModified,
    206: { description: 'A range of the bytes of the file.', content: binaryContent(functaType) },
    ...problems(404, 406, 409, 413, 416, 422, 503),
  },
});

const modulationTypes = modulationsFormats.map((format) => modulationsTypes[format]);

const modulationRoute = createRoute({
  method: 'get',
  path: '/v1/functasets/{s}/functions/{id}/modulation',
  operationId: 'getModulation',
  tags: ['functasets'],
  security: needs('read'),
  summary: 'The numbers of a function for other programs, as `functa store export` writes them',
  request: { params: functionParams, query: versionQuery },
  responses: {
    200: {
      description: 'float32 [1, m]; with the id, the label and the quality where the format holds them.',
      content: binaryContent(...modulationTypes),
    },
    ...notModified,
    ...problems(404, 406, 409, 413, 422, 503),
  },
});

const level = z
  .string()
  .regex(/^-?\d{1,2}$/, 'is not a whole number')
  .transform(Number)
  .pipe(z.number().int().min(tileLevels.least).max(tileLevels.most));
const pathNumber = (name: string, of: z.ZodType, description: string, example: string) =>
  of.openapi({ param: { name, in: 'path' }, description, example, type: 'integer' });

const tileParams = functionParams.extend({
  z: pathNumber('z', level, 'Level: the function is drawn at 2^z times its own size.', '0') as typeof level,
  x: pathNumber('x', integer(0, 2 ** 24), 'Tile from the left, from 0.', '0') as ReturnType<typeof integer>,
  y: pathNumber('y', integer(0, 2 ** 24), 'Tile from above, from 0.', '0') as ReturnType<typeof integer>,
});

const tileRoute = createRoute({
  method: 'get',
  path: '/v1/functasets/{s}/functions/{id}/tiles/{z}/{x}/{y}',
  operationId: 'getTile',
  tags: ['functasets'],
  security: needs('read'),
  summary: `A tile of a function of two axes, ${tileSamples} x ${tileSamples} samples`,
  description:
    'Samples 256 x to 256 (x + 1) and 256 y to 256 (y + 1) of the function drawn at 2^z times its own size, rounded up. Tiles at the right and the lower edge are cut to what is there; beyond it there is none.',
  request: { params: tileParams, query: versionQuery },
  responses: {
    200: { description: 'The tile, by `accept`.', content: binaryContent(...signalReplies) },
    ...notModified,
    ...problems(404, 406, 409, 413, 422, 503),
  },
});

export function functionRoutes(app: OpenAPIHono<ServerEnv>, context: ServerContext): void {
  const small = (c: Context<ServerEnv>) => ({ class: 'small', ...askerOf(c) }) as const;

  app.openapi(functionsRoute, async (c) => {
    const served = findFunctaset(context, c.req.valid('param').s, c.get('access'));
    const { limit = defaultPage, filter: text, ...rest } = c.req.valid('query');
    const filter = text === undefined ? undefined : filterOf(text);
    const model = filter === undefined ? undefined : refOf(modelOf(context, served));
    const input = { functaset: functasetRef(served), model, query: { ...rest, filter, limit } };
    const kind = filter === undefined ? 'small' : 'large';
    const options = { class: kind, ...askerOf(c) } as const;
    const { head } = await ask(context, 'listFunctions', input, options);
    const { items, next, damaged } = head;
    const functions = items.map((item) => functionJson(served.name, item));
    return c.json({ functions, next, ...(damaged.length > 0 ? { damaged } : {}) }, 200);
  });

  /** The function that a request names. */
  const found = async (c: Context<ServerEnv>, served: ServedFunctaset, id: string) => {
    const input = { functaset: functasetRef(served), id };
    return (await ask(context, 'findFunction', input, small(c))).head;
  };

  /** Bytes of a function in a representation, kept from the last time where nothing was written since. */
  const represented = async (
    c: Context<ServerEnv>,
    { served, id, v }: Asked,
    representation: readonly (string | undefined)[],
    make: (head: VersionedSummary, of: ServedModel) => Promise<AnswerOf<unknown>>,
    finish: (answer: AnswerOf<unknown>, etag: string) => Response | Promise<Response>,
  ): Promise<Response> => {
    const model = modelOfNetwork(context, served);
    const key = keyOfStored(served.path, model?.path, [model?.id, id, ...representation]);
    const kept = key === undefined ? undefined : context.answers.find(key);
    if (kept !== undefined) {
      const version = kept.head as string;
      return versioned(c, { version, representation, v, id }, async (etag) => finish(kept, etag));
    }
    const head = await found(c, served, id);
    const { version } = head;
    return versioned(c, { version, representation, v, id }, async (etag) => {
      const of = modelOf(context, served);
      const made = async () => ({ ...(await make(head, of)), head: version });
      return finish(await context.answers.of(key, made), etag);
    });
  };

  /** A function drawn on the grid that is asked for. */
  const drawn = (
    c: Context<ServerEnv>,
    asked: Asked,
    as: string,
    said: readonly (string | undefined)[],
    gridOf: (shape: readonly number[]) => { readonly [M in keyof Grid]?: Grid[M] | undefined },
  ): Promise<Response> =>
    represented(
      c,
      asked,
      [as, ...said],
      async ({ shape }, of) => {
        const grid = gridOf(shape);
        const kind = await drawingClass(of, shape, grid, context.limits);
        const input = { functaset: functasetRef(asked.served), model: refOf(of), id: asked.id, as, ...grid };
        return ask(context, 'decodeFunction', input, { class: kind, ...askerOf(c) });
      },
      (answer) => answerReply(answer, { 'content-type': as }),
    );

  const repliesOf = (served: ServedFunctaset) => {
    const known = modelOfNetwork(context, served);
    return known === undefined ? signalReplies : repliesFor(kindOf(known.card));
  };

  // The media type is decided at run time, which the route's type cannot say.
  app.openapi(functionRoute, async (c) => {
    const param = c.req.valid('param');
    const { v, at, width, ...asked } = c.req.valid('query');
    const served = findFunctaset(context, param.s, c.get('access'));
    const replies = repliesOf(served);
    const offered = at === undefined ? [...replies, functaType, jsonType] : [jsonType];
    const as = negotiate(c.req.header('accept'), offered);
    const { size, region } = asked;
    const isSized = size !== undefined || region !== undefined || width !== undefined;
    if ((as === functaType || as === jsonType) && isSized) {
      throw new BadInputError(
        'size-of-function',
        `size, region and width are of a drawn signal, and this asks for ${as}; accept ${replies.join(', ')}`,
      );
    }
    if (width !== undefined && (size !== undefined || region !== undefined))
      throw new BadInputError('bad-width', 'give either width, or size and region');
    const { id } = param;
    const functaset = functasetRef(served);
    if (as === jsonType) {
      const head = await found(c, served, id);
      const { version } = head;
      return versioned(c, { version, representation: [as, at], v, id }, async () => {
        if (at === undefined) return c.json(functionJson(served.name, head), 200);
        const points = pointsOf(at, head.shape.length);
        const input = { functaset, model: refOf(modelOf(context, served)), id, points };
        const { head: values } = await ask(context, 'evaluateFunction', input, small(c));
        return c.json({ points, values: values.map((row) => [...row]) }, 200);
      }) as never;
    }
    if (as === functaType) {
      return represented(
        c,
        { served, id, v },
        [as],
        (_, of) => ask(context, 'codedFunction', { functaset, model: refOf(of), id }, small(c)),
        async (answer, etag) =>
          rangedReply((name) => c.req.header(name), await gathered(answer), { 'content-type': as, etag }),
      ) as never;
    }
    const said = width === undefined ? [size, region] : ['width', String(width)];
    const gridOf = (shape: readonly number[]) => (width === undefined ? asked : gridOfWidth(shape, width));
    return drawn(c, { served, id, v }, as, said, gridOf) as never;
  });

  app.openapi(modulationRoute, async (c) => {
    const { s, id } = c.req.valid('param');
    const { v } = c.req.valid('query');
    const served = findFunctaset(context, s, c.get('access'));
    const as = negotiate(c.req.header('accept'), modulationTypes);
    const format = modulationsFormats.find((name) => modulationsTypes[name] === as)!;
    return represented(
      c,
      { served, id, v },
      ['modulation', as],
      (_, of) => {
        const input = { functaset: functasetRef(served), model: refOf(of), id, format };
        return ask(context, 'modulationOfFunction', input, small(c));
      },
      (answer) => answerReply(answer, { 'content-type': as }),
    ) as never;
  });

  app.openapi(tileRoute, async (c) => {
    const { s, id, z: level, x, y } = c.req.valid('param');
    const { v } = c.req.valid('query');
    const served = findFunctaset(context, s, c.get('access'));
    const as = negotiate(c.req.header('accept'), repliesOf(served));
    const gridOf = (shape: readonly number[]) => gridOfTile(shape, level, x, y);
    return drawn(c, { served, id, v }, as, ['tile', `${level}/${x}/${y}`], gridOf) as never;
  });
}

interface Asked {
  readonly served: ServedFunctaset;
  readonly id: string;
  /** The version that the address names. */
  readonly v: string | undefined;
}

function filterOf(text: string) {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new BadInputError('bad-query', 'filter is a JSON object, as the filter of a query');
  }
  return parseFilter(json);
}

/** `12.5,3;1,1`: points, coordinates of each the slowest axis first. Throws BadInputError `bad-coordinates`. */
function pointsOf(text: string, axes: number): number[][] {
  const points = text.split(';').map((point) => point.split(',').map(Number));
  if (
    points.length <= mostPoints &&
    points.every((point) => point.length === axes && point.every(Number.isFinite))
  )
    return points;
  throw new BadInputError(
    'bad-coordinates',
    `at is 1 to ${mostPoints} points of ${axes} numbers: coordinates are parted by commas, points by semicolons`,
  );
}
