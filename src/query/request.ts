/** What can be asked of a functaset: one JSON shape for the server and the command line. */
import { z } from 'zod';
import { BadInputError } from '../core/errors.ts';
import { leastGrid, mostGrid } from '../formats/format.ts';
import { base64, boundedList, isBit, isNumberOrNull, isRow, isText } from './bounded.ts';

/** Answers of one page. */
export const maxLimit = 1000;
/** Candidates that are compared in one lot. */
export const maxRefined = 10_000;
/** Points of one list of coordinates. */
export const maxPoints = 4096;
/** Functions named one by one. */
export const maxIds = 10_000;

/** Characters of a region in words. */
const maxRegionText = 128;

const limit = z.number().int().min(1).max(maxLimit);
const cursor = z.string().max(1024);
const id = z.string().min(1).max(255);
const label = z.union([z.string().max(255), z.number()]);
const isLabel = isText(0, 255);
const range = z.strictObject({ min: z.number().optional(), max: z.number().optional() });
const count = z
  .number()
  .int()
  .min(0)
  .max(2 ** 26);

/** Samples that are looked at, at most, of those that a question is about; absent: all. */
const points = count.min(1);

/** In samples of the signal: a box, axes in array order (the slowest first), or words as of `boxOf`, such as `y=0:32,x=8:24`. */
const region = z.union(
  [
    z.strictObject({
      start: boundedList(count, { min: 1, max: 8 }),
      count: boundedList(count.min(1), { min: 1, max: 8 }),
    }),
    z.string().max(maxRegionText),
  ],
  { error: 'give it as y=0:32,x=8:24 or as {"start", "count"}' },
);

/** A condition on the function itself: a statistic of its values over a region. */
const condition = z.strictObject({
  statistic: z.enum(['mean', 'min', 'max', 'deviation']),
  region: region.optional(),
  channel: z.number().int().min(0).max(1023).optional(),
  above: z.number().optional(),
  below: z.number().optional(),
  points: points.optional(),
});

export const filter = z.strictObject({
  labels: boundedList(label, {
    min: 1,
    max: 1000,
    fits: (item) => typeof item === 'number' || isLabel(item),
  }).optional(),
  ids: boundedList(id, { min: 1, max: maxIds, fits: isText(1, 255) }).optional(),
  idPrefix: id.optional(),
  psnrDb: range.optional(),
  bits: range.optional(),
  bitsPerPoint: range.optional(),
  codedBytes: range.optional(),
  field: boundedList(condition, { min: 1, max: 8 }).optional(),
});

const values = boundedList(z.number().nullable(), { max: 2 ** 20, fits: isNumberOrNull });

/** A signal as numbers, null where nothing was observed, or as the bytes of a file, of which a part may be meant. */
const signal = z.union(
  [
    z.strictObject({ shape: boundedList(count.min(1), { min: 1, max: 8 }), values }),
    z.strictObject({
      file: base64(2 ** 26),
      variable: z.string().min(1).max(255).optional(),
      grid: z.number().int().min(leastGrid).max(mostGrid).optional(),
    }),
  ],
  { error: 'give {"file": the bytes of a file as base64} or {"shape", "values"} as numbers' },
);

/** Root mean square of the differences, in signal units: nothing farther is answered. */
const maxDistance = z.number().min(0);

const near = z.strictObject({
  kind: z.literal('near'),
  /** One of `id` and `signal`. */
  id: id.optional(),
  signal: signal.optional(),
  /** [points] of the signal: 0 leaves a point out. */
  mask: boundedList(z.union([z.literal(0), z.literal(1), z.boolean()]), {
    max: 2 ** 20,
    fits: isBit,
  }).optional(),
  /** What of the signal is compared; the rest was not observed. */
  region: region.optional(),
  /** What is compared is a fragment: it is looked for at every place of each function, on whole samples, and items say where they have it (`start`). */
  anywhere: z.boolean().default(false),
  points: points.optional(),
  filter: filter.optional(),
  maxDistance: maxDistance.optional(),
  k: limit.default(10),
  cursor: cursor.optional(),
  method: z.enum(['auto', 'exact', 'hnsw']).default('auto'),
  /** Of a fragment also `correlation`, 1 - Pearson's over its samples, so that level and gain do not count, and of a sound `pitch`, the same of how its pitch goes, in any key. */
  metric: z.enum(['values', 'gram', 'correlation', 'pitch']).default('values'),
  /** Candidates whose fields are compared point by point; 0: the distances of the index stand. */
  refine: z.number().int().min(0).max(maxRefined).optional(),
});

const similarRegion = z.strictObject({
  kind: z.literal('similar_region'),
  id,
  region,
  /** As of `near`. */
  anywhere: z.boolean().default(false),
  points: points.optional(),
  filter: filter.optional(),
  maxDistance: maxDistance.optional(),
  k: limit.default(10),
  cursor: cursor.optional(),
});

const evaluate = z.strictObject({
  kind: z.literal('evaluate'),
  filter: filter.optional(),
  /** In signal units, axes in array order: sample i of an axis stands at i + 0.5. */
  coordinates: boundedList(boundedList(z.number(), { min: 1, max: 8 }), {
    min: 1,
    max: maxPoints,
    fits: isRow(1, 8),
  }),
  derivatives: z.boolean().default(false),
  limit: limit.default(100),
  cursor: cursor.optional(),
});

const aggregate = z.strictObject({
  kind: z.literal('aggregate'),
  filter: filter.optional(),
  /** `label`: the functions of each label by themselves, and those without one. */
  by: z.enum(['label']).optional(),
  /** Samples of the new fields along each axis, or `2x`, or `28x28` as elsewhere; default: the shape of the functaset. */
  size: z.union([boundedList(count.min(1), { min: 1, max: 8 }), z.string().max(64)]).optional(),
  /** Integrated over. */
  region: region.optional(),
  /** Samples of `region`. */
  points: points.optional(),
});

const where = z.strictObject({
  kind: z.literal('where'),
  filter: filter.default({}),
  limit: limit.default(100),
  cursor: cursor.optional(),
});

const unlikely = z.strictObject({
  kind: z.literal('unlikely'),
  filter: filter.optional(),
  /** `own`, that of the functaset, which is the default; `stored`: the bits that are stored; or a prior of the model. */
  prior: z.string().max(64).optional(),
  k: limit.default(10),
  cursor: cursor.optional(),
});

const duplicates = z.strictObject({
  kind: z.literal('duplicates'),
  /** The functions that are looked at. */
  filter: filter.omit({ field: true }).optional(),
  maxDistance,
  limit: limit.default(100),
  cursor: cursor.optional(),
});

export const queryRequest = z.discriminatedUnion('kind', [
  duplicates,
  near,
  evaluate,
  aggregate,
  where,
  unlikely,
  similarRegion,
]);

export type QueryRequest = z.output<typeof queryRequest>;
export type QueryInput = z.input<typeof queryRequest>;
export type RequestOf<K extends QueryRequest['kind']> = Extract<QueryRequest, { kind: K }>;
export type Filter = z.output<typeof filter>;
export type Condition = z.output<typeof condition>;
export type SignalInput = z.output<typeof signal>;

/** A filter by itself. Throws as `parseQuery`. */
export function parseFilter(json: unknown): Filter {
  return checked(filter, 'the filter', json);
}

/** Throws BadInputError `bad-query` that names the member and says what it may be. */
export function parseQuery(json: unknown): QueryRequest {
  return checked(queryRequest, 'the query', json);
}

function checked<T extends z.ZodType>(schema: T, whole: string, json: unknown): z.output<T> {
  const found = schema.safeParse(json);
  if (found.success) return found.data;
  const issue = found.error.issues[0]!;
  throw new BadInputError('bad-query', `${issue.path.join('.') || whole}: ${issue.message}`);
}
