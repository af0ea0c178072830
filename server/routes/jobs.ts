/** Jobs: work that takes longer than a request, told of as it goes, and kept over a restart. */
import { Readable } from 'node:stream';
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi';
import { streamSSE } from 'hono/streaming';
import { ConflictError, NotFoundError } from '../../src/core/errors.ts';
import { needs } from '../access/access.ts';
import type { ServerContext } from '../context.ts';
import { HttpFault } from '../http-fault.ts';
import { addJob } from '../jobs/add.ts';
import { isOver } from '../jobs/record.ts';
import { jobRequestContent, readJobRequest } from '../jobs/request.ts';
import { jobsOf } from '../jobs/room.ts';
import { writeEvents } from '../jobs/stream.ts';
import { jobList, jobParams, jobSchema, jobView, madeBy, viewOf } from '../jobs/view.ts';
import { anyBytes, functaType } from '../media.ts';
import type { ServerEnv } from '../operations/log.ts';
import { answerHeader, binaryContent, problems } from '../schemas.ts';

const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } });

const addRoute = createRoute({
  method: 'post',
  path: '/v1/jobs',
  operationId: 'addJob',
  tags: ['jobs'],
  security: needs('write'),
  summary: 'Ask for a job: build a functaset, learn a model, train priors, encode something large',
  description:
    'JSON, or a form with JSON in its field `job` and the file that the job is about: an archive of files, or one file, as `POST /v1/uploads` takes it. A job that comes with a file names no data.',
  request: {
    headers: z.object({
      'idempotency-key': z
        .string()
        .min(1)
        .max(255)
        .optional()
        .openapi({ description: 'The same request sent again with the same key is the same job.' }),
    }),
    body: { required: true, content: jobRequestContent },
  },
  responses: {
    202: {
      description: 'The job is on the disk, and is done when its turn comes.',
      content: json(jobSchema),
      headers: { location: answerHeader('Where the job is told of.') },
    },
    ...problems(400, 404, 409, 413, 415, 422, 429, 503, 507),
  },
});

const listRoute = createRoute({
  method: 'get',
  path: '/v1/jobs',
  operationId: 'listJobs',
  tags: ['jobs'],
  security: needs('read'),
  summary: 'The jobs there are, newest first',
  responses: {
    200: { description: 'All jobs that are remembered.', content: json(jobList) },
    ...problems(409),
  },
});

const jobRoute = createRoute({
  method: 'get',
  path: '/v1/jobs/{j}',
  operationId: 'getJob',
  tags: ['jobs'],
  security: needs('read'),
  summary: 'One job: how far it is, or what came of it',
  request: { params: jobParams },
  responses: { 200: { description: 'As it is now.', content: json(jobSchema) }, ...problems(404, 409) },
});

const removeRoute = createRoute({
  method: 'delete',
  path: '/v1/jobs/{j}',
  operationId: 'removeJob',
  tags: ['jobs'],
  security: needs('write'),
  summary: 'Cancel a job; one that is over is forgotten, with what `/result` gives',
  request: { params: jobParams },
  responses: {
    200: { description: 'It is cancelled, or was: this is the last of it.', content: json(jobSchema) },
    ...problems(404, 409, 503, 507),
  },
});

const pauseRoute = createRoute({
  method: 'post',
  path: '/v1/jobs/{j}/pause',
  operationId: 'pauseJob',
  tags: ['jobs'],
  security: needs('write'),
  summary: 'Stop a job so that it can go on later from where it last kept its state',
  request: { params: jobParams },
  responses: {
    200: { description: 'It is paused; or it ended a moment before.', content: json(jobSchema) },
    ...problems(404, 409, 503, 507),
  },
});

const resumeRoute = createRoute({
  method: 'post',
  path: '/v1/jobs/{j}/resume',
  operationId: 'resumeJob',
  tags: ['jobs'],
  security: needs('write'),
  summary: 'Let a job that is paused go on when its turn comes',
  request: { params: jobParams },
  responses: {
    200: { description: 'It waits for its turn, or has it.', content: json(jobSchema) },
    ...problems(404, 409, 503, 507),
  },
});

const eventsRoute = createRoute({
  method: 'get',
  path: '/v1/jobs/{j}/events',
  operationId: 'watchJob',
  tags: ['jobs'],
  security: needs('read'),
  summary: 'What happens to a job, as it happens, as server-sent events',
  description:
    'Each event has a number, a type (`state`, `start`, `progress`, `checkpoint`, `note`, `end`) and JSON as its data; after `end` the stream is closed. With `last-event-id` it goes on after that event, also over a restart of the service. A comment comes where nothing happens for a while.',
  request: {
    params: jobParams,
    headers: z.object({
      'last-event-id': z
        .string()
        .regex(/^\d{1,15}$/, 'is not the number of an event')
        .optional()
        .openapi({ description: 'The last event that was read; default: none, so that all are told.' }),
    }),
  },
  responses: {
    200: {
      description: 'Events, from the first on or after the one named.',
      content: { 'text/event-stream': { schema: { type: 'string' } } },
    },
    204: { description: 'All events were read: a browser asks no more.' },
    ...problems(404, 409, 422, 429),
  },
});

const resultRoute = createRoute({
  method: 'get',
  path: '/v1/jobs/{j}/result',
  operationId: 'getJobResult',
  tags: ['jobs'],
  security: needs('read'),
  summary: 'What a job made: a file, or the way to the functaset or the model',
  request: { params: jobParams },
  responses: {
    200: {
      description: 'A `.functa` file, or the file of a model.',
      content: binaryContent(functaType, anyBytes),
    },
    303: {
      description: 'What was made stands at `location`.',
      headers: { location: answerHeader('A functaset or a model.') },
    },
    ...problems(404, 409),
  },
});

export function jobRoutes(app: OpenAPIHono<ServerEnv>, context: ServerContext): void {
  const watching = new Map<string, number>();

  app.openapi(addRoute, async (c) => {
    const access = c.get('access');
    const key = c.req.valid('header')['idempotency-key'];
    const { spec, digest, done } = await readJobRequest(c, context);
    try {
      const record = await addJob(context, spec, access, key === undefined ? undefined : { key, digest });
      const view = jobView(record, undefined);
      return c.json(view, 202, { location: view.links.self, 'cache-control': 'no-store' });
    } finally {
      await done();
    }
  });

  app.openapi(listRoute, async (c) => {
    const jobs = await jobsOf(context).jobs.list(c.get('access').namespace);
    return c.json({ jobs: jobs.map(viewOf) }, 200, { 'cache-control': 'no-store' });
  });

  app.openapi(jobRoute, async (c) => {
    const job = await jobsOf(context).jobs.get(c.get('access').namespace, c.req.valid('param').j);
    return c.json(viewOf(job), 200, { 'cache-control': 'no-store' });
  });

  app.openapi(removeRoute, async (c) => {
    const room = jobsOf(context);
    const record = await room.jobs.remove(c.get('access').namespace, c.req.valid('param').j);
    return c.json(jobView(record, undefined), 200, { 'cache-control': 'no-store' });
  });

  app.openapi(pauseRoute, async (c) => {
    const job = await jobsOf(context).jobs.pause(c.get('access').namespace, c.req.valid('param').j);
    return c.json(viewOf(job), 200, { 'cache-control': 'no-store' });
  });

  app.openapi(resumeRoute, async (c) => {
    const job = await jobsOf(context).jobs.resume(c.get('access').namespace, c.req.valid('param').j);
    return c.json(viewOf(job), 200, { 'cache-control': 'no-store' });
  });

  // What a stream answers with is a response of its own.
  app.openapi(eventsRoute, async (c) => {
    const { jobs, limits, every, ended } = jobsOf(context);
    const { namespace } = c.get('access');
    const { j } = c.req.valid('param');
    const after = Number(c.req.valid('header')['last-event-id'] ?? 0);
    const last = await jobs.lastEvent(namespace, j);
    if (last !== undefined && after >= last) return c.body(null, 204) as never;
    const own = watching.get(namespace) ?? 0;
    if (own >= limits.watchers)
      throw new HttpFault(
        429,
        'too-many-watchers',
        `${own} event streams are read already; close one, or look at the job itself`,
        { 'retry-after': '10' },
      );
    watching.set(namespace, own + 1);
    const response = streamSSE(c, async (stream) => {
      try {
        await writeEvents(stream, (tell) => jobs.watch(namespace, j, after, tell), {
          heartbeatMs: limits.heartbeatMs,
          every,
          ended,
        });
      } finally {
        watching.set(namespace, watching.get(namespace)! - 1);
      }
    });
    response.headers.set('cache-control', 'no-store');
    response.headers.set('x-accel-buffering', 'no');
    return response as never;
  });

  app.openapi(resultRoute, async (c) => {
    const { jobs } = jobsOf(context);
    const { namespace } = c.get('access');
    const { record } = await jobs.get(namespace, c.req.valid('param').j);
    const { id, state, result } = record;
    if (!isOver(state))
      throw new ConflictError('job-not-done', `job ${id} is ${state}; wait for its last event`);
    const made = result && madeBy(result);
    if (made !== undefined) return c.redirect(made, 303) as never;
    if (result?.fileBytes === undefined)
      throw new NotFoundError('no-result', `job ${id} is ${state} and made nothing; its fault says why`);
    const file = Readable.toWeb(Readable.from(jobs.result(namespace, id), { objectMode: false }));
    return c.body(file as ReadableStream, 200, {
      'content-type': result.mediaType!,
      'content-length': String(result.fileBytes),
      'cache-control': 'no-store',
    }) as never;
  });
}
