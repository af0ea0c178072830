/** What goes over the wire as JSON and in addresses; the OpenAPI document is made from these. */
import { z } from '@hono/zod-openapi';
import { maxEffort } from '../src/fit/effort.ts';
import { defaultGrid, leastGrid, mostGrid } from '../src/formats/format.ts';
import { keepings } from '../src/session/keeping.ts';
import { parseMaxError } from '../src/session/max-error.ts';
import { maxSampleCount } from './counts.ts';
import { widths } from './grids.ts';
import { problemSchema } from './problem.ts';

export const integer = (least: number, most: number) =>
  z
    .string()
    .regex(/^-?\d{1,16}$/, 'is not a whole number')
    .transform(Number)
    .pipe(z.number().int().min(least).max(most));

/** What the document says of a parameter of a query. */
export const parameter = (name: string, description: string, example?: string) => ({
  param: { name, in: 'query' as const },
  description,
  ...(example === undefined ? {} : { example }),
});

/** A header of an answer. */
export const answerHeader = (description: string) => ({ description, schema: { type: 'string' } as const });

export const modelParams = z.object({
  m: z
    .string()
    .max(128)
    .openapi({ param: { name: 'm', in: 'path' }, description: 'Name or id of a model.', example: 'cifar10' }),
});

const sizing = {
  size: z
    .string()
    .max(64)
    .optional()
    .openapi(parameter('size', 'A factor such as `4x`, or a size such as `640x480`.', '4x')),
  region: z
    .string()
    .max(128)
    .optional()
    .openapi(
      parameter(
        'region',
        'In samples of the output that `size` asks for: `y=0:32,x=8:24`, from a sample up to another along each axis, or `x,y,w,h`.',
        'y=0:16,x=0:16',
      ),
    ),
};

const quality = integer(1, 100)
  .optional()
  .openapi({
    ...parameter('quality', 'From 1, the fewest bytes, to 100.', '50'),
    type: 'integer',
    minimum: 1,
    maximum: 100,
  });

const effort = integer(1, maxEffort)
  .optional()
  .openapi({
    ...parameter('effort', 'From 1, the fastest, to 9, the fewest bytes.', '1'),
    type: 'integer',
    minimum: 1,
    maximum: maxEffort,
  });

const trueOrFalse = z
  .enum(['true', 'false'])
  .optional()
  .transform((text) => (text === undefined ? undefined : text === 'true'));

const maxError = z
  .string()
  .max(64)
  .transform((text, check) => {
    try {
      return parseMaxError(text);
    } catch (error) {
      check.addIssue({ code: 'custom', message: (error as Error).message });
      return z.NEVER;
    }
  })
  .optional()
  .openapi({
    type: 'string',
    param: { name: 'max-error', in: 'query' },
    description:
      'In place of `quality`: no value is further off, in the unit of the values, or as a share of their range such as `1%`.',
    example: '1%',
  });

const keep = z
  .enum(keepings)
  .optional()
  .openapi(
    parameter(
      'keep',
      'Of what a signal says beside its values: `all` (default), `axes`, where samples stand, or `none`.',
      'none',
    ),
  );

/** Which part of a file is read, and how fine a surface is laid out: of every route that takes signals. */
export const signalParts = {
  variable: z
    .string()
    .min(1)
    .max(255)
    .optional()
    .openapi(
      parameter(
        'variable',
        'Of a file of several fields: `NAME`, `NAME[time=3]`, or `U,V` as channels.',
        'T[time=0]',
      ),
    ),
  grid: integer(leastGrid, mostGrid)
    .optional()
    .openapi({
      ...parameter('grid', 'Samples a side of the grid that a surface is laid on.', String(defaultGrid)),
      type: 'integer',
      minimum: leastGrid,
      maximum: mostGrid,
    }),
};

export const encodeQuery = z
  .object({
    quality,
    psnr: z.coerce
      .number()
      .positive()
      .max(200)
      .optional()
      .openapi(
        parameter('psnr', 'Decibels: the lowest quality found that has them, in place of `quality`.', '35'),
      ),
    bytes: integer(1, 2 ** 31)
      .optional()
      .openapi({
        ...parameter('bytes', 'The highest quality found whose file has at most so many.', '400'),
        type: 'integer',
        minimum: 1,
      }),
    'max-error': maxError,
    'keep-signs': trueOrFalse.openapi(
      parameter(
        'keep-signs',
        'Of outputs that are numbers, without `max-error`: every sample stays on its side of 0, so that what is inside of a shape stays inside.',
        'true',
      ),
    ),
    keep,
    effort,
    steps: z
      .enum(['chosen', 'asked'])
      .optional()
      .openapi(
        parameter(
          'steps',
          'Of small files: `chosen` (default), so that a higher quality is never worse, or `asked`, those of the quality itself, 3 to 10 times as fast.',
          'asked',
        ),
      ),
    ...signalParts,
  })
  .refine(
    (query) =>
      [query.quality, query.psnr, query.bytes, query['max-error']].filter((given) => given !== undefined)
        .length <= 1,
    {
      message: 'give one of quality, psnr, bytes and max-error',
    },
  );

export const decodeQuery = z.object({
  ...sizing,
  item: integer(0, 2 ** 31)
    .optional()
    .openapi({
      ...parameter('item', 'Which function of an archive, from 0.', '0'),
      type: 'integer',
      minimum: 0,
    }),
  id: z
    .string()
    .min(1)
    .max(255)
    .optional()
    .openapi(parameter('id', 'Which function of an archive, by its id, in place of `item`.')),
});

export const sampleBody = z
  .strictObject({
    count: z.number().int().min(1).max(maxSampleCount).default(16),
    seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
    temperature: z.number().min(0).max(10).default(1),
    prior: z.string().max(64).optional().openapi({
      description:
        'One of `priors`; absent: the best in the model file, with a label, guidance or steps `diffusion`.',
    }),
    label: z.union([z.string().max(256), z.number()]).optional(),
    guidance: z
      .number()
      .min(0)
      .max(20)
      .optional()
      .openapi({ description: 'Towards the label; absent: what the card of the prior says.' }),
    steps: z
      .number()
      .int()
      .min(1)
      .max(1000)
      .optional()
      .openapi({ description: 'Of the sampler; absent: what the card of the prior says.' }),
    quality: z.number().int().min(1).max(100).optional(),
    size: z.string().max(64).optional(),
  })
  .openapi('SampleRequest', { example: { count: 16, seed: 7, temperature: 1 } });

export const labelSchema = z.union([z.string(), z.number()]);

export const axisSchema = z.object({
  name: z.string(),
  unit: z.string().optional(),
  start: z.number().optional(),
  step: z.number().optional(),
  wraps: z.boolean().optional(),
  weight: z.enum(['cosine']).optional(),
});

export const modelSummary = z
  .object({
    name: z.string(),
    id: z.string().openapi({ description: 'SHA-256 of the model file.' }),
    family: z.string(),
    outputs: z
      .array(
        z.object({
          name: z.string(),
          unit: z.string().optional(),
          offset: z.number(),
          scale: z.number(),
          low: z.number(),
          peak: z.number(),
          sample: z.enum(['uint8', 'int16', 'float32']),
        }),
      )
      .openapi({
        description:
          'What values are: signal value = offset + scale * field value, from `low` on over `peak`.',
      }),
    axes: z.array(axisSchema).openapi({ description: 'What coordinates are, in array order.' }),
    shape: z.array(z.number().int()),
    anySize: z.boolean(),
    priors: z
      .array(
        z.object({
          name: z.string(),
          can: z.array(z.enum(['code', 'sample', 'complete', 'score'])),
          takes: z.array(z.enum(['temperature', 'label', 'guidance', 'steps'])),
        }),
      )
      .openapi({
        description: 'In the model file and beside it, with what each can do and what its draws can ask for.',
      }),
    classifier: z
      .object({
        labels: z.array(labelSchema),
        validationAccuracy: z.number().nullable(),
      })
      .nullable()
      .openapi({ description: 'What `classify` answers from; null: there is none for this model.' }),
    abilities: z
      .object({
        qualities: z.object({
          lowest: z.number().int(),
          highest: z.number().int(),
          learnt: z.array(z.number()).nullable(),
        }),
        codedBy: z.array(z.string()),
        sampledBy: z.array(z.string()),
        classifies: z.boolean(),
        replies: z.array(z.string()),
      })
      .openapi({
        description:
          'What it can do: qualities it codes at (`learnt`: those its network was learnt for, where it changes with quality), priors that code and that draw, whether `classify` answers, media types that its signals are had in.',
      }),
    mine: z.boolean().openapi({
      description: 'Put or made over HTTP in this namespace; else the operator serves it to all.',
    }),
    fileBytes: z.number().int(),
    links: z.object({
      self: z.string(),
      ready: z.string(),
      encode: z.string(),
      decode: z.string(),
      sample: z.string(),
      complete: z.string(),
      classify: z.string(),
    }),
  })
  .openapi('ModelSummary');

export const modelDetail = modelSummary
  .extend({
    networkId: z.string(),
    spec: z
      .record(z.string(), z.unknown())
      .openapi({ description: 'The field: axes, width, layers, levels.' }),
    training: z.record(z.string(), z.unknown()),
    figures: z.record(z.string(), z.unknown()),
    licence: z.string(),
    notes: z.string(),
  })
  .openapi('Model');

export const functasetParams = z.object({
  s: z
    .string()
    .max(128)
    .openapi({ param: { name: 's', in: 'path' }, description: 'Name of a functaset.', example: 'demo' }),
});

export const functionParams = functasetParams.extend({
  id: z
    .string()
    .max(512)
    .openapi({ param: { name: 'id', in: 'path' }, description: 'Id of a function.' }),
});

export const versionQuery = z.object({
  v: z
    .string()
    .max(64)
    .optional()
    .openapi(parameter('v', 'The version that is meant: the answer may then be kept for ever.')),
});

export const functionQuery = versionQuery.extend({
  ...sizing,
  width: integer(1, 2 ** 14)
    .optional()
    .openapi({
      ...parameter('width', `Of a signal of two axes, for \`srcset\`: one of ${widths.join(', ')}.`, '256'),
      type: 'integer',
    }),
  at: z
    .string()
    .max(2 ** 14)
    .optional()
    .openapi(
      parameter(
        'at',
        'Values at points, in JSON: `12.5,3;1,1`. Coordinates are in samples, the slowest axis first; sample i stands at i + 0.5.',
        '13.5,13.5',
      ),
    ),
});

export const functionsQuery = z.object({
  label: z.string().max(256).optional().openapi(parameter('label', 'Only functions with this label.')),
  filter: z
    .string()
    .max(2 ** 14)
    .optional()
    .openapi(parameter('filter', 'Only functions that pass: a JSON object, as the filter of a query.')),
  cursor: z.string().max(1024).optional().openapi(parameter('cursor', '`next` of the page before.')),
  limit: integer(1, 1000)
    .optional()
    .openapi({
      ...parameter('limit', 'Functions on a page.', '50'),
      type: 'integer',
      minimum: 1,
      maximum: 1000,
    }),
});

export const metadataSchema = z.record(z.string(), z.json()).openapi({
  type: 'object',
  additionalProperties: true,
  description: 'Any JSON object of at most 4096 bytes.',
});

export const putQuery = z.object({
  id: z
    .string()
    .min(1)
    .max(255)
    .optional()
    .openapi(parameter('id', 'Of the one function of the body; default: a new one.')),
  label: z
    .string()
    .max(255)
    .optional()
    .openapi(parameter('label', 'Of those that have none of their own.', 'shoe')),
  metadata: z
    .string()
    .max(4096)
    .optional()
    .openapi(parameter('metadata', 'A JSON object, of those that have none of their own.')),
  quality,
  'max-error': maxError,
  keep,
  effort,
  steps: z
    .enum(['chosen', 'asked'])
    .optional()
    .openapi(parameter('steps', 'As of encode; here `asked` unless it is said.')),
  replace: trueOrFalse.openapi(
    parameter('replace', 'Over functions of the same ids; default `false`: they are errors.'),
  ),
  as: z
    .enum(['signals', 'modulations'])
    .default('signals')
    .openapi(
      parameter('as', 'What arrays are: signals, or modulations from outside, of the network at `quality`.'),
    ),
  size: z
    .string()
    .max(64)
    .optional()
    .openapi(parameter('size', 'Of the signals that modulations are of, such as `28x28`.')),
  ...signalParts,
});

const problemContent = { 'application/problem+json': { schema: problemSchema } };

/** Of a route that knows what a client holds (caching.ts). */
export const notModified = {
  304: { description: 'What the client holds, by `if-none-match`, is what there is.' },
} as const;

/** A problem of each of these statuses, for a route's list of responses. */
export function problems<S extends keyof typeof reasons>(
  ...statuses: readonly S[]
): Record<S, { description: string; content: typeof problemContent }> {
  const entries = statuses.map((status) => [
    status,
    { description: reasons[status], content: problemContent },
  ]);
  return Object.fromEntries(entries);
}

const reasons = {
  400: 'The body is empty, cut off, or not the syntax it claims to be.',
  401: 'A key is needed, and none was sent that holds.',
  403: 'The key has not the scope that is needed; or a page of another site asked.',
  404: 'There is nothing of this name.',
  406: 'It cannot be had in a media type that was asked for.',
  409: 'It is in another state: the bytes belong to another model, or the name is taken.',
  412: 'It is of another version than the request says, or is there.',
  413: 'More than the limits allow.',
  416: 'No byte of this range is there.',
  408: 'The request came too slowly.',
  415: 'The body is of a media type that is not taken.',
  421: 'The service does not go by the name that it was asked by.',
  422: 'The bytes are damaged, or a parameter is out of range.',
  429: 'This key, or this client, asks too often; see retry-after.',
  500: 'A fault of the server, or a record that is damaged.',
  503: 'Too many requests are waiting, or something is being put right; see retry-after.',
  507: 'The disk of the service is full.',
} as const;

/** Bytes of these media types, for a route's body or response. */
export function binaryContent(...types: readonly string[]) {
  const schema = { type: 'string', format: 'binary' } as const;
  return Object.fromEntries(types.map((type) => [type, { schema }]));
}
