/** A typed client over `fetch`: the server's routes as methods. Runs wherever `fetch` does. */
import type { z } from '@hono/zod-openapi';
import { mediaType as functaType } from '../../codec/header.ts';
import type { WrittenName } from '../../src/formats/formats.ts';
import { mediaTypes } from '../../src/formats/media-types.ts';
import type { QueryInput } from '../../src/query/index.ts';
import type { Problem } from '../problem.ts';
import type { functasetDetail } from '../routes/functasets.ts';
import type { modelDetail, modelSummary, sampleBody } from '../schemas.ts';
import type { functasetSummary, functionSchema } from '../told.ts';

export type ModelSummary = z.infer<typeof modelSummary>;
export type ModelDetail = z.infer<typeof modelDetail>;
export type FunctasetSummaryJson = z.infer<typeof functasetSummary>;
export type FunctasetDetailJson = z.infer<typeof functasetDetail>;
export type FunctionJson = z.infer<typeof functionSchema>;
export type SampleRequest = z.input<typeof sampleBody>;

/** What signals can be had as. */
export type SignalFormat = WrittenName;

/** Media types of these, and of functions in bytes. */
const sampleTypes: Readonly<Record<SignalFormat | 'functa', string>> = { ...mediaTypes, functa: functaType };

/** Without a name, whatever the server gives of such signals. */
function acceptOf(format: SignalFormat | 'functa' | undefined): string {
  return format === undefined ? '*/*' : sampleTypes[format];
}

export interface FunctaClientOptions {
  readonly fetch?: typeof fetch | undefined;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Key of the service, sent with every request. */
  readonly key?: string | undefined;
}

/** A problem that the server answered with. */
export class ProblemError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(`${problem.code}: ${problem.detail}`);
    this.name = 'ProblemError';
    this.problem = problem;
  }
}

export interface QueryReply {
  readonly kind: string;
  readonly items: readonly Readonly<Record<string, unknown>>[];
  /** Cursor of the page after this one, null on the last. */
  readonly next: string | null;
  readonly [member: string]: unknown;
}

export interface ClassifiedItem {
  readonly id: string;
  /** Likeliest first. */
  readonly guesses: readonly { readonly label: string | number; readonly probability: number }[];
}

export interface EncodedReply {
  readonly bytes: Uint8Array;
  readonly psnrDb: number;
  /** [outputs]: root mean square and largest error, in the unit of each. */
  readonly rmse: readonly number[];
  readonly maxError: readonly number[];
  readonly bitsPerPoint: number;
  /** What the signal sent holds and the function does not, such as other frames; undefined: nothing. */
  readonly notes?: string | undefined;
}

interface Sizing {
  readonly size?: string | undefined;
  readonly region?: string | undefined;
}

interface DecodeQuery extends Sizing {
  readonly item?: number | undefined;
  readonly id?: string | undefined;
  readonly format?: SignalFormat | undefined;
}

interface Call {
  readonly signal?: AbortSignal | undefined;
}

type Query = Readonly<Record<string, string | number | undefined>>;

/** Every method throws ProblemError when the server answers with a problem, and what `fetch` throws. */
export class FunctaClient {
  readonly #base: string;
  readonly #fetch: typeof fetch;
  readonly #headers: Readonly<Record<string, string>>;

  /** `base`: the server's address, such as http://127.0.0.1:8080. */
  constructor(base: string, options: FunctaClientOptions = {}) {
    this.#base = base.replace(/\/+$/, '');
    this.#fetch = options.fetch ?? fetch;
    const bearer = options.key === undefined ? {} : { authorization: `Bearer ${options.key}` };
    this.#headers = { ...options.headers, ...bearer };
  }

  async models(call: Call = {}): Promise<ModelSummary[]> {
    const { models } = await this.#json<{ models: ModelSummary[] }>('/v1/models', {}, call);
    return models;
  }

  model(name: string, call: Call = {}): Promise<ModelDetail> {
    return this.#json(`/v1/models/${encodeURIComponent(name)}`, {}, call);
  }

  /** `signal`: a file in one of the formats that are read, such as PNG, WAV, netCDF or npy; `type`: its media type. */
  async encode(
    model: string,
    signal: Uint8Array,
    options: Call & {
      readonly type?: string | undefined;
      readonly quality?: number | undefined;
      /** In place of `quality`: a PSNR in decibels to reach, or bytes to stay within. */
      readonly psnr?: number | undefined;
      readonly bytes?: number | undefined;
      readonly effort?: number | undefined;
      readonly steps?: 'chosen' | 'asked' | undefined;
      /** Of a file of several fields: `NAME`, `NAME[time=3]`, or `U,V` as channels. */
      readonly variable?: string | undefined;
      /** Samples a side of the grid that a surface is laid on. */
      readonly grid?: number | undefined;
    } = {},
  ): Promise<EncodedReply> {
    const { quality, psnr, bytes, effort, steps, variable, grid } = options;
    const { type = 'application/octet-stream' } = options;
    const response = await this.#call(
      `/v1/models/${encodeURIComponent(model)}/encode`,
      { quality, psnr, bytes, effort, steps, variable, grid },
      options,
      {
        method: 'POST',
        body: signal as Uint8Array<ArrayBuffer>,
        headers: { 'content-type': type, accept: sampleTypes.functa },
      },
    );
    return {
      bytes: await bytesOf(response),
      psnrDb: Number(response.headers.get('functa-psnr-db')),
      rmse: numbersOf(response, 'functa-rmse'),
      maxError: numbersOf(response, 'functa-max-error'),
      bitsPerPoint: Number(response.headers.get('functa-bits-per-point')),
      notes: response.headers.get('functa-notes') ?? undefined,
    };
  }

  /** A `.functa` file decoded at any size, in the first format that holds such signals, unless another is asked for. */
  async decode(model: string, file: Uint8Array, options: Call & DecodeQuery = {}): Promise<Uint8Array> {
    return this.#decode(`/v1/models/${encodeURIComponent(model)}/decode`, file, options);
  }

  /** The same by the model that the file names, if it is served, or by the network that the file brings. */
  async decodeFile(file: Uint8Array, options: Call & DecodeQuery = {}): Promise<Uint8Array> {
    return this.#decode('/v1/decode', file, options);
  }

  async #decode(path: string, file: Uint8Array, options: Call & DecodeQuery): Promise<Uint8Array> {
    const { size, region, item, id, format } = options;
    const response = await this.#call(path, { size, region, item, id }, options, {
      method: 'POST',
      body: file as Uint8Array<ArrayBuffer>,
      headers: { 'content-type': sampleTypes.functa, accept: acceptOf(format) },
    });
    return bytesOf(response);
  }

  /** A contact sheet, an array or an archive of functions drawn from the prior. */
  async sample(
    model: string,
    request: SampleRequest,
    options: Call & { readonly format?: SignalFormat | 'functa' | undefined } = {},
  ): Promise<Uint8Array> {
    const response = await this.#call(`/v1/models/${encodeURIComponent(model)}/sample`, {}, options, {
      method: 'POST',
      body: JSON.stringify(request),
      headers: { 'content-type': 'application/json', accept: acceptOf(options.format) },
    });
    return bytesOf(response);
  }

  async functasets(call: Call = {}): Promise<FunctasetSummaryJson[]> {
    const { functasets } = await this.#json<{ functasets: FunctasetSummaryJson[] }>(
      '/v1/functasets',
      {},
      call,
    );
    return functasets;
  }

  functaset(name: string, call: Call = {}): Promise<FunctasetDetailJson> {
    return this.#json(`/v1/functasets/${encodeURIComponent(name)}`, {}, call);
  }

  /** All functions, a page at a time as they are asked for. */
  async *functions(
    functaset: string,
    options: Call & { readonly label?: string | undefined; readonly limit?: number | undefined } = {},
  ): AsyncIterable<FunctionJson> {
    const { label, limit } = options;
    let cursor: string | undefined;
    do {
      const path = `/v1/functasets/${encodeURIComponent(functaset)}/functions`;
      const page = await this.#json<{ functions: FunctionJson[]; next: string | null }>(
        path,
        { label, limit, cursor },
        options,
      );
      yield* page.functions;
      cursor = page.next ?? undefined;
    } while (cursor !== undefined);
  }

  /** A function as a picture, an array or a `.functa` file. */
  async function(
    functaset: string,
    id: string,
    options: Call & Sizing & { readonly format?: SignalFormat | 'functa' | undefined } = {},
  ): Promise<Uint8Array> {
    const { size, region, format } = options;
    const path = `/v1/functasets/${encodeURIComponent(functaset)}/functions/${encodeURIComponent(id)}`;
    const headers = { accept: acceptOf(format) };
    return bytesOf(await this.#call(path, { size, region }, options, { headers }));
  }

  /** Likeliest labels of a signal, or of the functions of a `.functa` file. */
  async classify(
    model: string,
    bytes: Uint8Array,
    options: Call & { readonly type?: string | undefined; readonly top?: number | undefined } = {},
  ): Promise<ClassifiedItem[]> {
    const { top, type = 'application/octet-stream' } = options;
    const path = `/v1/models/${encodeURIComponent(model)}/classify`;
    const response = await this.#call(path, { top }, options, {
      method: 'POST',
      body: bytes as Uint8Array<ArrayBuffer>,
      headers: { 'content-type': type, accept: 'application/json' },
    });
    return ((await response.json()) as { items: ClassifiedItem[] }).items;
  }

  /** One page of an answer; its members depend on the kind of the query. */
  async query(functaset: string, request: QueryInput, call: Call = {}): Promise<QueryReply> {
    const path = `/v1/functasets/${encodeURIComponent(functaset)}/query`;
    const response = await this.#call(path, {}, call, {
      method: 'POST',
      body: JSON.stringify(request),
      headers: { 'content-type': 'application/json', accept: 'application/json' },
    });
    return (await response.json()) as QueryReply;
  }

  async #json<T>(path: string, query: Query, call: Call): Promise<T> {
    const response = await this.#call(path, query, call, { headers: { accept: 'application/json' } });
    return (await response.json()) as T;
  }

  async #call(path: string, query: Query, { signal }: Call, init: RequestInit): Promise<Response> {
    const url = new URL(`${this.#base}${path}`);
    for (const [key, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(key, String(value));
    }
    const headers = { ...this.#headers, ...(init.headers as Record<string, string>) };
    const response = await this.#fetch(url, { ...init, headers, signal: signal ?? null });
    if (response.ok) return response;
    throw new ProblemError(await problemOf(response));
  }
}

function numbersOf({ headers }: Response, name: string): number[] {
  return (headers.get(name) ?? '').split(', ').map(Number);
}

async function bytesOf(response: Response): Promise<Uint8Array> {
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
