/** Labels of signals and functions, from the classifier that stands beside a model. */
import { setImmediate } from 'node:timers/promises';
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { magic } from '../../codec/header.ts';
import { asAdapted, type Guess, openClassifierOf, type Readable } from '../../src/classify/index.ts';
import { BadInputError } from '../../src/core/errors.ts';
import { checkLimit } from '../../src/core/limits.ts';
import { unknownFunction } from '../../src/functaset/index.ts';
import { functionsOf } from '../../src/pipeline/coding.ts';
import { openFunctions } from '../../src/pipeline/functions.ts';
import { modulationOf } from '../../src/pipeline/modulation.ts';
import { readBody, smallJson } from '../body.ts';
import { findModel, type ServedModel, type ServerContext } from '../context.ts';
import { type FunctasetSource, findFunctaset, modelOf, page } from '../functasets.ts';
import type { ServerEnv } from '../log.ts';
import { checkContentType, functaType, signalTypes, sniffSignal } from '../media.ts';
import { takenBy } from '../pool.ts';
import { notesHeader } from '../reply.ts';
import {
  bytesOf,
  classifyBody,
  classifyQuery,
  functasetParams,
  labelSchema,
  maxClassified,
  modelParams,
  problems,
} from '../schemas.ts';

const maxJsonBytes = 512 * 1024;

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
  tags: ['coding'],
  summary: 'The likeliest labels of a signal, or of functions in bytes',
  description:
    'By `classifier.safetensors` beside the model file; `functa classify train` makes it. A signal is encoded first.',
  request: {
    params: modelParams,
    query: classifyQuery,
    body: { required: true, content: bytesOf(...signalTypes, functaType) },
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
  tags: ['functasets'],
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
    const served = findModel(context, c.req.valid('param').m);
    const declared = checkContentType(c.req.header('content-type'), [...signalTypes, functaType]);
    const { top } = c.req.valid('query');
    const { signal } = c.req.raw;
    const bytes = await readBody(c, context.maxBodyBytes);
    const place = context.admission.enter({ class: 'large' });
    try {
      const items = await place.run(signal, async () => {
        // Before a signal is encoded for nothing.
        await openClassifierOf(served.model);
        const { functions, notes } = await functionsIn(context, served, declared, bytes, signal);
        for (const [name, text] of Object.entries(notesHeader(notes))) c.header(name, text);
        return joined(functions, await guessesOf(served, functions, { top, signal }));
      });
      return c.json({ model: served.name, items: items.map(({ id, guesses }) => ({ id, guesses })) }, 200);
    } finally {
      place.release();
    }
  });

  app.openapi(functasetRoute, async (c) => {
    const source = findFunctaset(context, c.req.valid('param').s);
    const served = modelOf(source);
    const { top, ...which } = c.req.valid('json');
    const { signal } = c.req.raw;
    const place = context.admission.enter({ class: 'small' });
    try {
      const found = await place.run(signal, async () => {
        const { ids, next } = chosen(source, which);
        const stored = source.store.getMany(ids).map((fn, i) => {
          if (fn === undefined) throw unknownFunction(`functaset ${source.name}`, ids[i]!);
          return fn;
        });
        const functions = await openFunctions(served.session, stored, { limits: context.limits, signal });
        const items = joined(functions, await guessesOf(served, functions, { top, signal }));
        return { model: served.name, items, next };
      });
      return c.json(found, 200);
    } finally {
      place.release();
    }
  });
}

interface Asked extends Readable {
  readonly id: string;
  readonly label?: string | number | undefined;
}

/** Guesses of functions by the classifier of a served model. */
async function guessesOf(
  { model, session }: ServedModel,
  functions: readonly Asked[],
  options: { readonly top: number | undefined; readonly signal: AbortSignal },
): Promise<Guess[][]> {
  const asked = await openClassifierOf(model);
  const { engine } = session;
  return asked.predict(await asAdapted(functions, { model, engine, signal: options.signal }), options);
}

function joined(functions: readonly Asked[], found: readonly (readonly Guess[])[]) {
  return functions.map(({ id, label }, i) => ({ id, label: label ?? null, guesses: [...found[i]!] }));
}

/** The functions of a `.functa` file or archive, or that of a signal. */
async function functionsIn(
  { pool, limits }: ServerContext,
  { model, session }: ServedModel,
  declared: string,
  bytes: Uint8Array,
  abort: AbortSignal,
): Promise<{ readonly functions: Asked[]; readonly notes?: readonly string[] | undefined }> {
  if (declared === functaType || bytes[0] === magic) {
    const functions: Asked[] = [];
    for (const found of functionsOf(model, bytes, limits)) {
      const { modulation, quality } = await modulationOf(session, found, { signal: abort });
      checkLimit('functions', functions.length + 1, maxClassified, 'send an archive of fewer functions');
      functions.push({ id: String(functions.length), modulation, quality });
      await setImmediate(undefined, { signal: abort });
    }
    return { functions };
  }
  const format = sniffSignal(declared, bytes);
  const signal = await pool.read({ bytes, format, limits, ...takenBy(model) });
  const { modulation } = await session.encode(signal, { signal: abort });
  return { functions: [{ id: signal.id, modulation }], notes: signal.notes };
}

function chosen(
  source: FunctasetSource,
  { ids, label, cursor, limit }: Omit<z.output<typeof classifyBody>, 'top'>,
): { readonly ids: readonly string[]; readonly next: string | null } {
  if (ids === undefined) {
    const { items, next } = page(source, { label, cursor, limit });
    return { ids: items.map(({ id }) => id), next };
  }
  if (label !== undefined || cursor !== undefined) {
    throw new BadInputError('which-functions', 'functions are named by ids, or walked by label and cursor');
  }
  return { ids, next: null };
}
