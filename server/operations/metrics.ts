/** What the service counts and measures, in the text format of Prometheus. No label has a value that a client chooses. */
import { stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ServerContext } from '../context.ts';
import type { JobState } from '../jobs/record.ts';
import type { AccessRecord } from './log.ts';

/** Upper bounds of answers' durations in seconds, in order. */
export const durationBuckets: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];

export interface Metrics {
  /** Counts one request. */
  observe(record: AccessRecord): void;
  /** Everything, as `contentType` says. */
  text(): Promise<string>;
  readonly contentType: string;
}

type Read = (context: ServerContext) => number | Promise<number>;

/** How many jobs are in a state; NaN: the database that they are in is not to be asked. */
const jobsIn =
  (state: JobState): Read =>
  ({ room }) =>
    room === undefined
      ? 0
      : room.jobs.counts().then(
          (counts) => counts[state],
          () => Number.NaN,
        );

/** What is looked at when it is asked for. */
const gauges: readonly (readonly [name: string, help: string, read: Read])[] = [
  ['functa_requests_held', 'Requests at work or waiting for a place.', ({ admission }) => admission.held],
  ['functa_refusals_waiting', 'Refusals that wait for their second.', ({ pacer }) => pacer.waiting],
  ['functa_connections', 'Connections that are open.', ({ connections }) => connections.count],
  ['functa_bytes_held', 'Bytes of bodies and answers in memory.', ({ connections }) => connections.bytesHeld],
  ['functa_pool_threads', 'Threads that do the work of requests.', ({ pool }) => pool.threads],
  ['functa_pool_jobs', 'Pieces of work of requests that are not done.', ({ pool }) => pool.jobs],
  ['functa_jobs_queued', 'Jobs that wait.', jobsIn('queued')],
  ['functa_jobs_running', 'Jobs at work.', jobsIn('running')],
  ['functa_jobs_failed', 'Jobs that failed and are remembered.', jobsIn('failed')],
  ['functa_models', 'Models that are served.', ({ catalogue }) => catalogue.models.length],
  [
    'functa_models_refused',
    'Model files that cannot be served.',
    ({ catalogue }) => catalogue.refused.length,
  ],
  ['functa_functasets', 'Functasets that are served.', ({ catalogue }) => catalogue.functasets.length],
  ['functa_functaset_bytes', 'Bytes of the files of all functasets.', storeBytes],
  ['functa_home_free_bytes', 'Bytes that are free on the disk of the home.', freeBytes],
  ['functa_draining', '1 while the server goes down.', ({ state }) => Number(state.draining)],
];

export function openMetrics(context: ServerContext): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'functa_build_info',
    help: 'Always 1; the labels say what runs.',
    labelNames: ['version', 'engine'],
    registers,
  }).set({ version: context.version, engine: context.engine }, 1);
  for (const [name, help, read] of gauges) {
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        this.set(await read(context));
      },
    });
  }
  const labelNames = ['method', 'route', 'status'] as const;
  const requests = new Counter({
    name: 'functa_requests_total',
    help: 'Requests that were answered, by route and class of status.',
    labelNames,
    registers,
  });
  const seconds = new Histogram({
    name: 'functa_request_seconds',
    help: 'From the header of a request to the end of its answer.',
    labelNames,
    buckets: [...durationBuckets],
    registers,
  });
  const problems = new Counter({
    name: 'functa_problems_total',
    help: 'Requests that were answered with a problem, by its code.',
    labelNames: ['code'],
    registers,
  });
  const cut = new Counter({
    name: 'functa_answers_cut_total',
    help: 'Answers whose client went before they were whole.',
    registers,
  });
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    observe: (record) => {
      const labels = labelsOf(record);
      requests.inc(labels);
      seconds.observe(labels, record.ms / 1000);
      if (record.code !== undefined) problems.inc({ code: record.code });
      if (record.cut) cut.inc();
    },
  };
}

const methods: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** A method or a path that a client makes up is one label with all others of the kind. */
function labelsOf({ method, route, status }: AccessRecord) {
  return {
    method: methods.includes(method) ? method : 'other',
    route: route ?? 'none',
    status: `${Math.floor(status / 100)}xx`,
  };
}

async function storeBytes({ catalogue }: ServerContext): Promise<number> {
  const sizes = await Promise.all(
    catalogue.functasets.map(({ path }) =>
      stat(join(path, 'data.mdb')).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function freeBytes({ home }: ServerContext): Promise<number> {
  if (home === undefined) return Number.NaN;
  return statfs(join(home.functasets, '..')).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => Number.NaN,
  );
}
