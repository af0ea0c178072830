/** What the server bears of its clients. Names, units, defaults and what happens when one is met: a part of the table of limits. */
import type { LimitRow } from '../operations/limit-table.ts';

export const trafficTable = {
  connections: {
    unit: 'connections',
    usual: 4096,
    least: 1,
    what: 'open at once',
    met: 'the one that has been silent longest is closed',
  },
  clientShare: {
    unit: 'part',
    usual: 0.5,
    least: 0,
    most: 1,
    what: 'of `connections` and `bytesInFlight` that one address may have; 1 behind a proxy',
    met: 'as for these',
  },
  headersMs: {
    unit: 'ms',
    usual: 10_000,
    least: 1,
    what: 'until the header of a request is whole',
    met: '408 `request-timeout`',
  },
  requestMs: {
    unit: 'ms',
    usual: 60_000,
    least: 1,
    what: 'until a request is whole; raise it for slow uploads of large bodies',
    met: '408 `request-timeout`',
  },
  windowMs: {
    unit: 'ms',
    usual: 10_000,
    least: 10,
    what: 'over which the rate of a body and of an answer is measured',
    met: 'as for `leastBytesPerSecond`',
  },
  leastBytesPerSecond: {
    unit: 'bytes/s',
    usual: 8192,
    least: 0,
    what: 'of a body that is sent, and of an answer that is read',
    met: '408 `too-slow`; an answer is cut',
  },
  bytesInFlight: {
    unit: 'bytes',
    usual: 2 ** 28,
    least: 2 ** 20,
    what: 'bodies beyond their first 16 KiB, and answers, in memory; half of it for each',
    met: '503 `overloaded`; an answer is cut',
  },
  answerBytes: {
    unit: 'bytes',
    usual: 2 ** 26,
    least: 0,
    what: 'answers that are kept, to be given again to the same request; 0: none',
    met: 'those that were asked for longest ago are made anew when they are asked for',
  },
  refusalsPerSecond: {
    unit: '1/s',
    usual: 100,
    least: 1,
    what: 'refusals for lack of room that go out; the next ones wait for their second',
    met: 'a refusal comes later',
  },
  requestsPerSecond: {
    unit: '1/s',
    usual: 0,
    least: 0,
    what: 'requests of one key, or of one address without a key, as many at once as in a second; 0: any number',
    met: '429 `too-many-requests`, with `retry-after`',
  },
  jsonValues: {
    unit: 'values',
    usual: 20_000,
    least: 1,
    what: 'numbers, texts, objects and arrays in one JSON body',
    met: '413 `limit-json-values`',
  },
  jsonMembers: {
    unit: 'members',
    usual: 1000,
    least: 1,
    what: 'members of objects in one JSON body',
    met: '413 `limit-json-members`',
  },
} as const satisfies Readonly<Record<string, LimitRow>>;

export type TrafficName = keyof typeof trafficTable;
export type TrafficLimits = Readonly<Record<TrafficName, number>>;

export const defaultTraffic = Object.fromEntries(
  Object.entries(trafficTable).map(([name, { usual }]) => [name, usual]),
) as TrafficLimits;
