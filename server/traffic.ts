/** What the server bears of its clients, in one table; docs/limits.md says when to change which. */

export interface TrafficLimits {
  /** Connections in all. At the limit the one that has been silent longest makes room. */
  readonly connections: number;
  /** Part of `connections` and of `bytesInFlight` that one address may have, from 0 to 1. */
  readonly clientShare: number;
  /** Milliseconds in which the header of a request has to be whole. */
  readonly headersMs: number;
  /** Milliseconds in which a request has to be whole. */
  readonly requestMs: number;
  /** Milliseconds over which a rate is measured: a client that is slower for so long is cut. */
  readonly windowMs: number;
  /** Least rate of a body that is sent, and of an answer that is read. */
  readonly leastBytesPerSecond: number;
  /** Bodies and answers in memory, over all requests; half of it for each, so that neither takes all. */
  readonly bytesInFlight: number;
  /** Refusals for lack of room that are answered in a second; the next ones wait for their second. */
  readonly refusalsPerSecond: number;
  /** Numbers, texts, objects and arrays in one JSON body: what parsing and checking cost. */
  readonly jsonValues: number;
  /** Members of objects in one JSON body. */
  readonly jsonMembers: number;
}

export const defaultTraffic: TrafficLimits = {
  connections: 4096,
  clientShare: 0.5,
  headersMs: 10_000,
  requestMs: 60_000,
  windowMs: 10_000,
  leastBytesPerSecond: 8192,
  bytesInFlight: 2 ** 28,
  refusalsPerSecond: 100,
  jsonValues: 20_000,
  jsonMembers: 1000,
};
