/**
 * Every limit of the service, in one table: what it bounds, its unit and default, and what happens when it is met. The configuration, the
 * page /docs, docs/operations.md and `functa serve --print-config` are made from it.
 */
import { maxHeaderSize } from 'node:http';
import { limitTable } from '../../src/core/limits.ts';
import { maxLimit, maxPoints } from '../../src/query/index.ts';
import { maxClassified, maxSampleCount, mostPeerSamples } from '../counts.ts';
import { jobTable } from '../jobs/limits.ts';
import { maxDepth } from '../json.ts';
import { trafficTable } from '../traffic/traffic.ts';

export interface LimitRow {
  readonly unit: string;
  readonly usual: number;
  /** A smaller value is refused. */
  readonly least?: number;
  readonly most?: number;
  readonly what: string;
  /** What a client sees: status and code. */
  readonly met: string;
}

/** Of requests at work. Which default depends on the machine is said by `usual` 0. */
export const placeTable = {
  maxBodyBytes: {
    unit: 'bytes',
    usual: 2 ** 24,
    least: 1,
    what: 'of one body; JSON: 16 KiB to sample, 256 KiB to combine, 512 KiB elsewhere',
    met: '413 `limit-body-bytes`',
  },
  running: {
    unit: 'requests',
    usual: 0,
    least: 0,
    what: 'at work at once, each on a thread, all but one of them large; default: one more than there are cores',
    met: 'the next ones wait',
  },
  waiting: {
    unit: 'requests',
    usual: 256,
    least: 0,
    what: 'that wait for a place; a quarter is kept for small ones',
    met: '503 `overloaded`, with `retry-after`',
  },
  maxSnapshots: {
    unit: 'snapshots',
    usual: 8,
    least: 0,
    what: 'kept of one functaset',
    met: '409 `too-many-snapshots`',
  },
  shardMs: {
    unit: 'ms',
    usual: 10_000,
    least: 1,
    what: 'that a shard has to answer in',
    met: 'the answer names it as missing',
  },
  graceMs: {
    unit: 'ms',
    usual: 10_000,
    least: 0,
    what: 'that requests under way have when the server goes down',
    met: 'their connections are closed',
  },
} as const satisfies Readonly<Record<string, LimitRow>>;

/** Of one signal or stream: see docs/limits.md. */
const signalRows: Readonly<Record<string, LimitRow>> = Object.fromEntries(
  Object.entries(limitTable).map(([name, { what, server }]) => [
    name,
    { unit: 'count', usual: server, least: 1, what, met: '413 `limit-…`' },
  ]),
);

/** What no setting changes: parts of the interface. */
const fixedTable: Readonly<Record<string, LimitRow>> = {
  headerBytes: {
    unit: 'bytes',
    usual: maxHeaderSize,
    what: 'of the header of a request; `node --max-http-header-size` changes it',
    met: '431 `headers-too-large`',
  },
  jsonDepth: {
    unit: 'levels',
    usual: maxDepth,
    what: 'of nesting in one JSON body',
    met: '413 `limit-json-depth`',
  },
  samples: {
    unit: 'functions',
    usual: maxSampleCount,
    what: 'drawn by one request',
    met: '422 `bad-parameter`',
  },
  queryItems: {
    unit: 'functions',
    usual: maxLimit,
    what: 'on one page of an answer (`k`, `limit`)',
    met: '422 `bad-parameter`',
  },
  queryPoints: {
    unit: 'points',
    usual: maxPoints,
    what: 'evaluated by one query',
    met: '422 `bad-parameter`',
  },
  peerSamples: {
    unit: 'samples',
    usual: mostPeerSamples,
    what: 'of a signal that another codec is tried on',
    met: '413 `limit-peer-samples`',
  },
  classified: {
    unit: 'functions',
    usual: maxClassified,
    what: 'classified by one request',
    met: '422 `bad-parameter`',
  },
};

export interface ServiceLimit extends LimitRow {
  readonly name: string;
  /** Member of the configuration; undefined: it is fixed. */
  readonly setting: string | undefined;
}

export const serviceLimits: readonly ServiceLimit[] = [
  ...rows(placeTable, ''),
  ...rows(trafficTable, 'traffic.'),
  ...rows(jobTable, 'jobs.'),
  ...rows(signalRows, 'limits.'),
  ...rows(fixedTable, undefined),
];

/** A table in Markdown. `held`: the value of a limit; default: its default. */
export function limitsPage(held: (limit: ServiceLimit) => number = ({ usual }) => usual): string {
  const lines = serviceLimits.map((limit) => {
    const { name, setting, unit, what, met } = limit;
    return `| \`${setting ?? name}\`${setting === undefined ? ' (fixed)' : ''} | ${held(limit)} | ${unit} | ${what} | ${met} |`;
  });
  return [
    '| limit | value | unit | what | when it is met |',
    '| --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
}

function rows(table: Readonly<Record<string, LimitRow>>, prefix: string | undefined): ServiceLimit[] {
  return Object.entries(table).map(([name, row]) => ({
    ...row,
    name,
    setting: prefix === undefined ? undefined : `${prefix}${name}`,
  }));
}
