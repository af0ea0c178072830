/** Requests to the server, and what its answers become. Runs wherever `fetch` does. */
import { mediaType as functaType } from '../../codec/header.ts';
import type { ErrorCode } from '../../src/core/error-codes.ts';
import type { WrittenName } from '../../src/formats/formats.ts';
import { mediaTypes } from '../../src/formats/media-types.ts';
import type { Problem } from '../problem.ts';
import { Retries, type RetryOptions } from './retry.ts';

/** What signals can be had as. */
export type SignalFormat = WrittenName;

/** Media types of these, and of functions in bytes. */
export const mediaTypeOf: Readonly<Record<SignalFormat | 'functa', string>> = {
  ...mediaTypes,
  functa: functaType,
};

/** Without a name, whatever the server gives of such signals. */
export function acceptOf(format: SignalFormat | 'functa' | undefined): string {
  return format === undefined ? '*/*' : mediaTypeOf[format];
}

export interface FunctaClientOptions extends RetryOptions {
  readonly fetch?: typeof fetch | undefined;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Key of the service, sent with every request. */
  readonly key?: string | undefined;
}

/** Codes of problems: those of the service, and what something between us and it answers with. */
export type ProblemCode = ErrorCode | `http-${number}`;

/** A problem that the server answered with. */
export class ProblemError extends Error {
  readonly problem: Problem;
  /** Which one it is: stable, and listed in docs/errors.md. */
  get code(): ProblemCode {
    return this.problem.code as ProblemCode;
  }

  get status(): number {
    return this.problem.status;
  }

  constructor(problem: Problem) {
    super(`${problem.code}: ${problem.detail}`);
    this.name = 'ProblemError';
    this.problem = problem;
  }
}

export interface Call {
  readonly signal?: AbortSignal | undefined;
}

export interface Sizing {
  readonly size?: string | undefined;
  readonly region?: string | undefined;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** What all methods are made of. */
export class Transport {
  readonly #base: string;
  readonly #fetch: typeof fetch;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #retries: Retries;
  /** How often a request, or a stream that broke off, is asked for again. */
  protected readonly retries: number;

  /** `base`: the server's address, such as http://127.0.0.1:8080. */
  constructor(base: string, options: FunctaClientOptions = {}) {
    this.#base = base.replace(/\/+$/, '');
    this.#fetch = options.fetch ?? fetch;
    const bearer = options.key === undefined ? {} : { authorization: `Bearer ${options.key}` };
    this.#headers = { ...options.headers, ...bearer };
    this.#retries = new Retries(options);
    this.retries = options.retries ?? 3;
  }

  /** The address of a path of the service, such as for `src` of a picture. */
  url(path: string, query: Query = {}): string {
    const url = new URL(`${this.#base}${path}`);
    for (const [key, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(key, String(value));
    }
    return url.href;
  }

  /** Waits before another try. */
  protected rest(tried: number, signal: AbortSignal | undefined): Promise<void> {
    return this.#retries.wait(tried, signal);
  }

  protected async json<T>(path: string, query: Query, call: Call, init: RequestInit = {}): Promise<T> {
    const headers = { accept: 'application/json', ...(init.headers as Record<string, string>) };
    return (await (await this.call(path, query, call, { ...init, headers })).json()) as T;
  }

  /** Throws ProblemError, and what `fetch` throws. */
  protected async call(path: string, query: Query, { signal }: Call, init: RequestInit): Promise<Response> {
    const headers = { ...this.#headers, ...(init.headers as Record<string, string>) };
    // Called by its name alone: in browsers it is a method of the window.
    const send = this.#fetch;
    const asked = { ...init, headers, signal: signal ?? null };
    const response = await this.#retries.send(asked, () => send(this.url(path, query), asked));
    if (response.ok) return response;
    throw new ProblemError(await problemOf(response));
  }
}

/** The body and the headers of a request with JSON. */
export function jsonBody(method: string, json: unknown): RequestInit {
  return { method, body: JSON.stringify(json), headers: { 'content-type': 'application/json' } };
}

export async function bytesOf(response: Response): Promise<Uint8Array> {
  return new Uint8Array(await response.arrayBuffer());
}

/** Something between us and the server may answer too, in its own words. */
async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text();
  if (response.headers.get('content-type')?.startsWith('application/problem+json'))
    return JSON.parse(text) as Problem;
  return {
    type: 'about:blank',
    title: response.statusText,
    status: response.status,
    code: `http-${response.status}`,
    detail: text.slice(0, 200),
    requestId: response.headers.get('x-request-id') ?? '',
  };
}
