/** A typed client over `fetch`: the server's routes as methods. Runs wherever `fetch` does. */
import type { z } from '@hono/zod-openapi';
import type { PeerName } from '../../src/jobs/peer-names.ts';
import type { QueryInput } from '../../src/query/index.ts';
import type { Keeping } from '../../src/session/keeping.ts';
import type { MaxError } from '../../src/session/max-error.ts';
import type { completeBody } from '../routes/complete.ts';
import type { inspectionSchema } from '../routes/inspect.ts';
import type { modelSummary, sampleBody } from '../schemas.ts';
import { FunctasetCalls } from './functasets.ts';
import { JobCalls } from './jobs.ts';
import type { ModelDetail } from './models.ts';
import { SnapshotCalls } from './snapshots.ts';
import {
  acceptOf,
  bytesOf,
  type Call,
  type FunctaClientOptions,
  mediaTypeOf,
  type SignalFormat,
  type Sizing,
} from './transport.ts';

export type { Filter } from '../../src/query/index.ts';
export type {
  AddedFunctions,
  FunctasetDetailJson,
  FunctasetMapJson,
  FunctasetSummaryJson,
  FunctionJson,
  PutOptions,
} from './functasets.ts';
export {
  JobError,
  type JobEvent,
  type JobJson,
  type JobRequest,
  type JobRequestOfFile,
  type UploadJson,
} from './jobs.ts';
export type { BesideKind, ModelDetail } from './models.ts';
export type { SnapshotJson } from './snapshots.ts';
export { type FunctaClientOptions, type ProblemCode, ProblemError, type SignalFormat } from './transport.ts';

export type ModelSummary = z.infer<typeof modelSummary>;
export type CompleteRequest = z.input<typeof completeBody>;
export type SampleRequest = z.input<typeof sampleBody>;

export interface QueryReply {
  readonly kind: string;
  readonly items: readonly Readonly<Record<string, unknown>>[];
  /** Cursor of the page after this one, null on the last. */
  readonly next: string | null;
  /** Where the functaset is asked in shards: those that did not answer, whose functions are not in the answer. */
  readonly shards?: {
    readonly count: number;
    readonly missing: readonly { readonly shard: string; readonly code: string; readonly detail: string }[];
  };
  readonly [member: string]: unknown;
}

export interface ClassifiedItem {
  readonly id: string;
  /** Likeliest first. */
  readonly guesses: readonly { readonly label: string | number; readonly probability: number }[];
}

export interface EncodedReply {
  readonly bytes: Uint8Array;
  /** Name of the model that coded it. */
  readonly model: string;
  readonly psnrDb: number;
  /** [outputs]: root mean square and largest error, in the unit of each. */
  readonly rmse: readonly number[];
  readonly maxError: readonly number[];
  readonly bitsPerPoint: number;
  /** What the signal sent holds and the function does not, such as other frames; undefined: nothing. */
  readonly notes?: string | undefined;
}

export type InspectionJson = z.infer<typeof inspectionSchema>;

export interface PeerReply {
  readonly bytes: Uint8Array;
  /** Media type of the file. */
  readonly type: string;
  readonly psnrDb: number;
  /** Of the codec's own scale. */
  readonly quality: number;
}

interface DecodeQuery extends Sizing {
  readonly item?: number | undefined;
  readonly id?: string | undefined;
  readonly format?: SignalFormat | undefined;
}

/** Every method throws ProblemError when the server answers with a problem, and what `fetch` throws. */
export class FunctaClient extends FunctasetCalls {
  /** Work that takes longer than a request. */
  readonly jobs: JobCalls;
  /** Snapshots of functasets, and functasets of them. */
  readonly snapshots: SnapshotCalls;

  /** `base`: the server's address, such as http://127.0.0.1:8080. */
  constructor(base: string, options: FunctaClientOptions = {}) {
    super(base, options);
    this.jobs = new JobCalls(base, options);
    this.snapshots = new SnapshotCalls(base, options);
  }

  async models(call: Call = {}): Promise<ModelSummary[]> {
    const { models } = await this.json<{ models: ModelSummary[] }>('/v1/models', {}, call);
    return models;
  }

  model(name: string, call: Call = {}): Promise<ModelDetail> {
    return this.json(`/v1/models/${encodeURIComponent(name)}`, {}, call);
  }

  /**
   * What a file of functions says of itself, and where its bits went.
   *
   * @example
   * const { spent } = await client.inspect(functaFile); // [{ on: 'header', bits: 48 }, { on: 'level 1', bits: 120.4 }, ...]
   */
  inspect(file: Uint8Array, call: Call = {}): Promise<InspectionJson> {
    return this.json('/v1/inspect', {}, call, {
      method: 'POST',
      body: file as Uint8Array<ArrayBuffer>,
      headers: { 'content-type': mediaTypeOf.functa },
    });
  }

  /**
   * What another codec makes of a picture within so many bytes, at its best, or the smallest file that it makes. `type`: the media type of what is sent.
   *
   * @example
   * const { bytes, psnrDb } = await client.peer('avif', picture, { bytes: 400 });
   */
  async peer(
    name: PeerName,
    signal: Uint8Array,
    {
      bytes,
      type = 'application/octet-stream',
      ...call
    }: Call & {
      readonly bytes: number;
      readonly type?: string | undefined;
    },
  ): Promise<PeerReply> {
    const response = await this.call(`/v1/peers/${name}`, { bytes }, call, {
      method: 'POST',
      body: signal as Uint8Array<ArrayBuffer>,
      headers: { 'content-type': type },
    });
    return {
      bytes: await bytesOf(response),
      type: response.headers.get('content-type') ?? '',
      psnrDb: Number(response.headers.get('functa-psnr-db')),
      quality: Number(response.headers.get('functa-quality')),
    };
  }

  /**
   * `model` undefined: the one that takes such signals, where there is one. `signal`: a file in one of the formats that are read, such as PNG, WAV,
   * netCDF or npy; `type`: its media type.
   */
  async encode(
    model: string | undefined,
    signal: Uint8Array,
    options: Call & {
      readonly type?: string | undefined;
      readonly quality?: number | undefined;
      /** In place of `quality`: a PSNR in decibels to reach, or bytes to stay within. */
      readonly psnr?: number | undefined;
      readonly bytes?: number | undefined;
      /** In place of `quality`: no value is further off, in its unit or as a share of the range of all. */
      readonly maxError?: MaxError | undefined;
      /** Every sample stays on its side of 0: of outputs that are numbers, without `maxError`. */
      readonly keepSigns?: boolean | undefined;
      /** Of what the signal says beside its values: `all` (default), `axes`, where samples stand, or `none`. */
      readonly keep?: Keeping | undefined;
      readonly effort?: number | undefined;
      readonly steps?: 'chosen' | 'asked' | undefined;
      /** Of a file of several fields: `NAME`, `NAME[time=3]`, or `U,V` as channels. */
      readonly variable?: string | undefined;
      /** Samples a side of the grid that a surface is laid on. */
      readonly grid?: number | undefined;
    } = {},
  ): Promise<EncodedReply> {
    const { quality, psnr, bytes, maxError, keepSigns, keep, effort, steps } = options;
    const { variable, grid } = options;
    const { type = 'application/octet-stream' } = options;
    const response = await this.call(
      model === undefined ? '/v1/encode' : `/v1/models/${encodeURIComponent(model)}/encode`,
      {
        ...{ quality, psnr, bytes, 'max-error': maxError, 'keep-signs': keepSigns, keep },
        ...{ effort, steps, variable, grid },
      },
      options,
      {
        method: 'POST',
        body: signal as Uint8Array<ArrayBuffer>,
        headers: { 'content-type': type, accept: mediaTypeOf.functa },
      },
    );
    return {
      bytes: await bytesOf(response),
      model: response.headers.get('functa-model') ?? '',
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
    const response = await this.call(path, { size, region, item, id }, options, {
      method: 'POST',
      body: file as Uint8Array<ArrayBuffer>,
      headers: { 'content-type': mediaTypeOf.functa, accept: acceptOf(format) },
    });
    return bytesOf(response);
  }

  /** A contact sheet, an array or an archive of functions drawn from the prior. */
  async sample(
    model: string,
    request: SampleRequest,
    options: Call & { readonly format?: SignalFormat | 'functa' | undefined } = {},
  ): Promise<Uint8Array> {
    const response = await this.call(`/v1/models/${encodeURIComponent(model)}/sample`, {}, options, {
      method: 'POST',
      body: JSON.stringify(request),
      headers: { 'content-type': 'application/json', accept: acceptOf(options.format) },
    });
    return bytesOf(response);
  }

  /** A signal from a part of it, then draws of what is possible, their mean and deviation, in one file. */
  async complete(
    model: string,
    request: CompleteRequest,
    options: Call & { readonly format?: SignalFormat | undefined } = {},
  ): Promise<Uint8Array> {
    const response = await this.call(`/v1/models/${encodeURIComponent(model)}/complete`, {}, options, {
      method: 'POST',
      body: JSON.stringify(request),
      headers: { 'content-type': 'application/json', accept: acceptOf(options.format) },
    });
    return bytesOf(response);
  }

  /** Likeliest labels of a signal, or of the functions of a `.functa` file. */
  async classify(
    model: string,
    bytes: Uint8Array,
    options: Call & { readonly type?: string | undefined; readonly top?: number | undefined } = {},
  ): Promise<ClassifiedItem[]> {
    const { top, type = 'application/octet-stream' } = options;
    const path = `/v1/models/${encodeURIComponent(model)}/classify`;
    const response = await this.call(path, { top }, options, {
      method: 'POST',
      body: bytes as Uint8Array<ArrayBuffer>,
      headers: { 'content-type': type, accept: 'application/json' },
    });
    return ((await response.json()) as { items: ClassifiedItem[] }).items;
  }

  /** One page of an answer; its members depend on the kind of the query. */
  async query(functaset: string, request: QueryInput, call: Call = {}): Promise<QueryReply> {
    const path = `/v1/functasets/${encodeURIComponent(functaset)}/query`;
    const response = await this.call(path, {}, call, {
      method: 'POST',
      body: JSON.stringify(request),
      headers: { 'content-type': 'application/json', accept: 'application/json' },
    });
    return (await response.json()) as QueryReply;
  }
}

function numbersOf({ headers }: Response, name: string): number[] {
  return (headers.get(name) ?? '').split(', ').map(Number);
}
