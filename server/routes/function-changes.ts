/** Functions that are put into functasets, changed and taken out over HTTP. */
import { randomUUID } from 'node:crypto';
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { BadInputError } from '../../src/core/errors.ts';
import { labelForms } from '../../src/core/label.ts';
import { modulationsTypes } from '../../src/jobs/modulations-file.ts';
import { boundedList, filterSchema, isText } from '../../src/query/index.ts';
import { needs } from '../access/access.ts';
import { askerOf } from '../asker.ts';
import { bodyPieces, readBody, smallJson } from '../body.ts';
import { functasetRef, refOf, type ServedFunctaset } from '../catalogue.ts';
import { findWritable, modelOf, type ServerContext } from '../context.ts';
import { HttpFault } from '../http-fault.ts';
import { idempotencyKey } from '../idempotency.ts';
import { answeredByJob, preferHeader, prefersJob } from '../jobs/prefer.ts';
import { jobSchema } from '../jobs/view.ts';
import {
  contentTypeOf,
  formType,
  functaType,
  gzipType,
  jsonType,
  mediaType,
  signalTypes,
  tarType,
  zipType,
} from '../media.ts';
import { bytesForRefusal, isOfOtherKind, takersTold } from '../models/takers.ts';
import type { ServerEnv } from '../operations/log.ts';
import { notesHeader } from '../reply.ts';
import {
  answerHeader,
  binaryContent,
  functasetParams,
  functionParams,
  labelSchema,
  metadataSchema,
  problems,
  putQuery,
} from '../schemas.ts';
import { functionJson } from '../told.ts';
import { functionSchema } from '../told-schemas.ts';
import { matchOf, versionOf } from '../version.ts';
import { ask } from '../work/ask.ts';
import { encodingClass } from '../work/cost.ts';
import type { Intake } from '../work/verbs/intake.ts';
import type { PutFault, PutOutcome } from '../writer/messages.ts';

const maxJsonBytes = 512 * 1024;
/** Functions that one request takes out. */
const mostDeleted = 10_000;

/** Media types of a body that holds many. */
const manyTypes = [formType, tarType, gzipType, zipType, jsonType];
const bodyTypes = [
  ...new Set([
    ...signalTypes,
    functaType,
    modulationsTypes.safetensors,
    formType,
    tarType,
    gzipType,
    zipType,
  ]),
];
const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } });

/** Described, and checked where it is read: the server's thread does not look through it. */
const batchContent = {
  [jsonType]: {
    schema: {
      type: 'object',
      required: ['functions'],
      properties: {
        functions: {
          type: 'array',
          minItems: 1,
          items: {
            type: 'object',
            required: ['data'],
            properties: {
              id: { type: 'string' },
              label: { oneOf: [{ type: 'string' }, { type: 'number' }] },
              metadata: { type: 'object' },
              type: { type: 'string' },
              data: { type: 'string', contentEncoding: 'base64' },
            },
          },
        },
      },
    } as object,
    example: { functions: [{ id: 'maize', label: 'plant', type: signalTypes[0], data: 'iVBORw0KGgo=' }] },
  },
};

const putReply = z
  .object({
    functions: z.array(functionSchema).openapi({ description: 'Those that were put, all on the disk.' }),
    errors: z
      .array(
        z.object({
          at: z.number().int().openapi({ description: 'Which in the body, from 0.' }),
          id: z.string(),
          status: z.number().int(),
          code: z.string(),
          detail: z.string(),
        }),
      )
      .openapi({ description: 'Those that were not, and why.' }),
  })
  .openapi('PutReply');

const postRoute = createRoute({
  method: 'post',
  path: '/v1/functasets/{s}/functions',
  operationId: 'addFunctions',
  tags: ['functasets'],
  security: needs('write'),
  summary:
    'Encodes and keeps: a signal, a form, a tar, a ZIP or a JSON batch of many, a `.functa` file or archive, or modulations',
  description:
    'A form has files in any fields, and may have a field `items`: a JSON array of `{id, label, metadata}`, one for each file. A tar may be compressed by gzip. A batch is `{"functions": [{"id", "label", "metadata", "type", "data"}]}`, with the bytes of a file in base64 as `data`. A function without an id is called by the name of its file, or by a new one. One that cannot be kept does not stop the others. With `idempotency-key` the same request within a day is answered as it was, and kept once.',
  request: {
    params: functasetParams,
    query: putQuery,
    headers: preferHeader,
    body: { required: true, content: { ...binaryContent(...bodyTypes), ...batchContent } },
  },
  responses: {
    201: { description: 'What was kept, and what was not.', content: json(putReply) },
    202: {
      description: 'With `prefer: respond-async`: a job keeps them, and says what it did not keep.',
      content: json(jobSchema),
      headers: { location: answerHeader('Where the job is told of.') },
    },
    ...problems(400, 403, 404, 409, 413, 415, 422, 503, 507),
  },
});

const putRoute = createRoute({
  method: 'put',
  path: '/v1/functasets/{s}/functions/{id}',
  operationId: 'putFunction',
  tags: ['functasets'],
  security: needs('write'),
  summary: 'Encodes and keeps a function under an id, over the one that is there',
  description: '`if-match` names the version that is replaced; `if-none-match: *` only adds.',
  request: {
    params: functionParams,
    query: putQuery.omit({ id: true, replace: true }),
    body: { required: true, content: binaryContent(...bodyTypes) },
  },
  responses: {
    201: { description: 'It is new.', content: json(functionSchema) },
    200: { description: 'Another was there.', content: json(functionSchema) },
    ...problems(400, 403, 404, 409, 412, 413, 415, 422, 503, 507),
  },
});

const patchBody = z
  .strictObject({ label: labelSchema.nullable().optional(), metadata: metadataSchema.nullable().optional() })
  .openapi('FunctionChanges', { example: { label: 'shoe', metadata: { source: 'shelf 7' } } });

const patchRoute = createRoute({
  method: 'patch',
  path: '/v1/functasets/{s}/functions/{id}',
  operationId: 'changeFunction',
  tags: ['functasets'],
  security: needs('write'),
  summary: 'Another label, other metadata; null takes it away',
  middleware: [smallJson(maxJsonBytes)] as const,
  request: { params: functionParams, body: { required: true, content: json(patchBody) } },
  responses: {
    200: { description: 'The function as it is now.', content: json(functionSchema) },
    ...problems(400, 403, 404, 412, 413, 415, 422, 503, 507),
  },
});

const deleteRoute = createRoute({
  method: 'delete',
  path: '/v1/functasets/{s}/functions/{id}',
  operationId: 'deleteFunction',
  tags: ['functasets'],
  security: needs('write'),
  summary: 'Takes a function out',
  request: { params: functionParams },
  responses: { 204: { description: 'It is gone.' }, ...problems(403, 404, 412, 503, 507) },
});

const deleteManyBody = z
  .strictObject({
    ids: boundedList(z.string().min(1).max(255), {
      min: 1,
      max: mostDeleted,
      fits: isText(1, 255),
    }).optional(),
    filter: filterSchema.optional(),
  })
  .refine(({ ids, filter }) => (ids === undefined) !== (filter === undefined), {
    message: 'give either ids or filter',
  })
  .openapi('DeleteRequest', { example: { filter: { labels: ['shoe'] } } });

const deleteManyRoute = createRoute({
  method: 'post',
  path: '/v1/functasets/{s}/delete',
  operationId: 'deleteFunctions',
  tags: ['functasets'],
  security: needs('write'),
  summary: 'Takes many functions out: those of a list, or those that pass a filter as in queries',
  middleware: [smallJson(maxJsonBytes)] as const,
  request: { params: functasetParams, body: { required: true, content: json(deleteManyBody) } },
  responses: {
    200: {
      description: 'How many there were.',
      content: json(z.object({ deleted: z.number().int() }).openapi('DeleteReply')),
    },
    ...problems(400, 403, 404, 409, 413, 415, 422, 503, 507),
  },
});

export function functionChangeRoutes(app: OpenAPIHono<ServerEnv>, context: ServerContext): void {
  const { writer } = context;

  /** What a body holds, coded; or what was answered to it before. */
  const taken = async (
    c: Context<ServerEnv>,
    served: ServedFunctaset,
    query: Omit<z.output<typeof putQuery>, 'replace'>,
    key: string | undefined,
  ) => {
    const contentType = c.req.header('content-type') ?? '';
    const model = modelOf(context, served);
    const bytes = await readBody(c, context.maxBodyBytes);
    const { id, label, metadata, quality, 'max-error': maxError, keep, effort, steps } = query;
    const { size, as, variable, grid } = query;
    const parts = { variable, grid };
    const named = {
      id,
      label: label === undefined ? undefined : labelForms(label)[0],
      metadata: parsed(metadata),
    };
    const input = {
      ...{ model: refOf(model), functaset: functasetRef(served), bytes, contentType, key },
      ...{ as, size, quality, maxError, keep, effort, steps, parts, named, fresh: randomUUID() },
    };
    const type = mediaType(contentType);
    const lone = !manyTypes.includes(type);
    const asked = { effort, ...(signalTypes.includes(type) ? { type } : {}), ...parts };
    const kept = lone ? bytesForRefusal(bytes, asked.type, model) : bytes;
    const kind = lone ? await encodingClass(model, bytes, asked, context.limits) : 'large';
    const { head } = await ask(context, 'intake', input, { class: kind, ...askerOf(c) });
    if ('answered' in head || !lone || head.items.length > 0) return head;
    const faults = await Promise.all(
      head.faults.map(async (fault) => {
        if (!isOfOtherKind(fault.code)) return fault;
        const told = await takersTold(context, kept, asked, c.get('access'));
        return { ...fault, detail: `${fault.detail}; ${told}` };
      }),
    );
    return { ...head, faults };
  };

  const takenByJob = async (
    c: Context<ServerEnv>,
    { name }: ServedFunctaset,
    { metadata, 'max-error': maxError, ...query }: z.output<typeof putQuery>,
    key: string | undefined,
  ) => {
    const type = contentTypeOf(c.req.header('content-type'));
    const own = { metadata: parsed(metadata), maxError };
    const said = { kind: 'add', functaset: name, type, ...query, ...own } as const;
    const pieces = bodyPieces(c, context.maxBodyBytes);
    const specOf = (data: { readonly upload: string }) => ({ ...said, data });
    return answeredByJob(c, context, { pieces, contentType: type, key, specOf });
  };

  app.openapi(postRoute, async (c) => {
    const served = findWritable(context, c.req.valid('param').s, c.get('access'));
    const query = c.req.valid('query');
    const key = idempotencyKey(c.req.header('idempotency-key'));
    if (prefersJob(c, context)) return (await takenByJob(c, served, query, key)) as never;
    const found = await taken(c, served, query, key);
    if ('answered' in found) return putAnswer(found.answered, { 'idempotent-replayed': 'true' });
    const { items, faults, digest, many, notes } = found;
    if (items.length === 0) throw allFailed(faults, many);
    const outcome = await writer.write(served.path, {
      ...{ kind: 'put', items, faults, replace: query.replace ?? false },
      keep: key === undefined ? undefined : { key, digest },
    });
    if (outcome.created + outcome.replaced === 0 && !outcome.again) throw allFailed(outcome.faults, many);
    return putAnswer(outcome.body, {
      ...notesHeader(notes),
      ...(outcome.again ? { 'idempotent-replayed': 'true' } : {}),
    });
  });

  app.openapi(putRoute, async (c) => {
    const { s, id } = c.req.valid('param');
    const served = findWritable(context, s, c.get('access'));
    const found = (await taken(c, served, { ...c.req.valid('query'), id }, undefined)) as Intake;
    if (found.items.length === 0) throw allFailed(found.faults, false);
    const match = matchOf((name) => c.req.header(name));
    const { items, notes } = found;
    const outcome = await writer.write(served.path, { kind: 'put', items, faults: [], replace: true, match });
    const [fn] = replyOf(outcome).functions;
    const headers = { ...notesHeader(notes), etag: etag(fn!.version), location: fn!.links.self };
    return c.json(fn!, outcome.replaced > 0 ? 200 : 201, headers);
  });

  app.openapi(patchRoute, async (c) => {
    const { s, id } = c.req.valid('param');
    const served = findWritable(context, s, c.get('access'));
    const { label, metadata } = c.req.valid('json');
    const match = matchOf((name) => c.req.header(name));
    const request = { kind: 'patch', id, label, metadata, match } as const;
    const { record } = await writer.write(served.path, request);
    const options = { class: 'small', ...askerOf(c) } as const;
    const { head } = await ask(context, 'findFunction', { functaset: functasetRef(served), id }, options);
    return c.json(functionJson(s, head), 200, { etag: etag(versionOf(record)) });
  });

  app.openapi(deleteRoute, async (c) => {
    const { s, id } = c.req.valid('param');
    const served = findWritable(context, s, c.get('access'));
    const match = matchOf((name) => c.req.header(name));
    const { deleted } = await writer.write(served.path, { kind: 'delete', ids: [id], match });
    if (deleted === 0)
      throw new HttpFault(
        404,
        'unknown-function',
        `functaset ${s} has no function ${id}; list them to see their ids`,
      );
    return c.body(null, 204);
  });

  app.openapi(deleteManyRoute, async (c) => {
    const { s } = c.req.valid('param');
    const served = findWritable(context, s, c.get('access'));
    const { ids: given, filter } = c.req.valid('json');
    let ids = given;
    if (filter !== undefined) {
      const model = refOf(modelOf(context, served));
      const input = { functaset: functasetRef(served), model, filter, limit: mostDeleted };
      const options = { class: 'large', ...askerOf(c) } as const;
      ids = [...(await ask(context, 'matchingFunctions', input, options)).head];
    }
    const unique = [...new Set(ids)];
    const { deleted } = await writer.write(served.path, { kind: 'delete', ids: unique });
    return c.json({ deleted }, 200);
  });
}

/** The body is JSON already. */
function putAnswer(body: Uint8Array, headers: Readonly<Record<string, string>>): never {
  return new Response(body as Uint8Array<ArrayBuffer>, {
    status: 201,
    headers: { 'content-type': 'application/json', 'content-length': String(body.length), ...headers },
  }) as never;
}

function replyOf({ body }: PutOutcome): z.output<typeof putReply> {
  return JSON.parse(new TextDecoder().decode(body));
}

function etag(version: string): string {
  return `"${version}"`;
}

/** The first fault is that of the request; with many it says so. */
function allFailed(faults: readonly PutFault[], many: boolean): HttpFault {
  const [first] = [...faults].sort((a, b) => a.at - b.at);
  if (first === undefined)
    throw new BadInputError('all-failed', 'there is no function in the body; send some');
  const { status, code, detail, id } = first;
  if (!many) return new HttpFault(status, code as never, detail);
  return new HttpFault(
    422,
    'all-failed',
    `none of ${faults.length} functions could be kept; the first, ${id}: ${detail} [${code}]`,
  );
}

/** Throws BadInputError `bad-metadata`. */
function parsed(text: string | undefined) {
  if (text === undefined) return undefined;
  const found = metadataSchema.safeParse(safeJson(text));
  if (found.success) return found.data;
  throw new BadInputError('bad-metadata', 'metadata is a JSON object of at most 4096 bytes');
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
