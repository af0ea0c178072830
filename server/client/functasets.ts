/** Functasets and their functions: making, filling, reading and taking away. */
import type { z } from '@hono/zod-openapi';
import { type ArrayFormat, arrayTypes } from '../../src/formats/media-types.ts';
import type { Filter } from '../../src/query/index.ts';
import type { Keeping } from '../../src/session/keeping.ts';
import type { MaxError } from '../../src/session/max-error.ts';
import type { functasetDetail } from '../routes/functasets.ts';
import type { functasetMap } from '../routes/map.ts';
import type { functasetSummary, functionSchema } from '../told-schemas.ts';
import { ModelCalls } from './models.ts';
import {
  acceptOf,
  bytesOf,
  type Call,
  jsonBody,
  type Query,
  type SignalFormat,
  type Sizing,
} from './transport.ts';

export type FunctasetSummaryJson = z.infer<typeof functasetSummary>;
export type FunctasetDetailJson = z.infer<typeof functasetDetail>;
export type FunctasetMapJson = z.infer<typeof functasetMap>;
export type FunctionJson = z.infer<typeof functionSchema>;
export type Label = string | number;
export type FunctionMetadata = FunctionJson['metadata'];

/** How what is put is coded. */
export interface PutOptions {
  /** Media type of the bytes; default: told by how they begin. */
  readonly type?: string | undefined;
  readonly quality?: number | undefined;
  /** In place of `quality`: no value of a signal is further off, in its unit or as a share of the range of all. */
  readonly maxError?: MaxError | undefined;
  /** Of what a signal says beside its values: `all` (default), `axes` or `none`. */
  readonly keep?: Keeping | undefined;
  readonly effort?: number | undefined;
  readonly steps?: 'chosen' | 'asked' | undefined;
  readonly label?: Label | undefined;
  readonly metadata?: FunctionMetadata | undefined;
  /** `modulations`: arrays are modulations from outside, of the network at `quality`, of signals of `size`. */
  readonly as?: 'signals' | 'modulations' | undefined;
  readonly size?: string | undefined;
  /** Of files of several fields: `NAME`, `NAME[time=3]`, or `U,V` as channels. */
  readonly variable?: string | undefined;
  /** Samples a side of the grid that a surface is laid on. */
  readonly grid?: number | undefined;
}

export interface AddOptions extends PutOptions {
  readonly id?: string | undefined;
  /** Over functions of the same ids. */
  readonly replace?: boolean | undefined;
  /** The same request under the same key is kept once, and answered as it was. */
  readonly idempotencyKey?: string | undefined;
}

/** One of many. */
export interface FileToAdd {
  readonly bytes: Uint8Array;
  readonly id?: string | undefined;
  readonly label?: Label | undefined;
  readonly metadata?: FunctionMetadata | undefined;
}

export interface AddedFunctions {
  /** Those that were kept, all on the disk. */
  readonly functions: readonly FunctionJson[];
  /** Those that were not; `at`: which of those sent. */
  readonly errors: readonly {
    readonly at: number;
    readonly id: string;
    readonly status: number;
    readonly code: string;
    readonly detail: string;
  }[];
}

/** The version that must be there; `absent`: none may be. */
export interface Expecting {
  readonly ifVersion?: string | undefined;
  readonly ifAbsent?: boolean | undefined;
}

interface Versioned {
  /** The version that is meant; the answer may then be kept for ever. */
  readonly version?: string | undefined;
}

export class FunctasetCalls extends ModelCalls {
  async functasets(call: Call = {}): Promise<FunctasetSummaryJson[]> {
    const { functasets } = await this.json<{ functasets: FunctasetSummaryJson[] }>(
      '/v1/functasets',
      {},
      call,
    );
    return functasets;
  }

  functaset(name: string, call: Call = {}): Promise<FunctasetDetailJson> {
    return this.json(setPath(name), {}, call);
  }

  /** All functions, a page at a time as they are asked for. */
  async *functions(
    functaset: string,
    options: Call & {
      readonly label?: string | undefined;
      readonly limit?: number | undefined;
      /** As in queries. */
      readonly filter?: Filter | undefined;
    } = {},
  ): AsyncIterable<FunctionJson> {
    const { label, limit, filter } = options;
    const text = filter === undefined ? undefined : JSON.stringify(filter);
    let cursor: string | undefined;
    do {
      const path = `/v1/functasets/${encodeURIComponent(functaset)}/functions`;
      const page = await this.json<{ functions: FunctionJson[]; next: string | null }>(
        path,
        { label, limit, cursor, filter: text },
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
    options: Call &
      Sizing &
      Versioned & {
        readonly format?: SignalFormat | 'functa' | undefined;
        /** One of those that the service draws for `srcset`, in place of `size`. */
        readonly width?: number | undefined;
      } = {},
  ): Promise<Uint8Array> {
    const { size, region, width, format, version } = options;
    const query = { size, region, width, v: version };
    const headers = { accept: acceptOf(format) };
    return bytesOf(await this.call(functionPath(functaset, id), query, options, { headers }));
  }

  /**
   * A new functaset of a model; one that is there is left as it is. Throws ProblemError `functaset-exists` where it is of another model.
   *
   * @example
   * const made = await client.createFunctaset('thumbnails', { model: 'fashion-mnist' });
   */
  createFunctaset(
    name: string,
    { model, ...call }: Call & { readonly model: string },
  ): Promise<FunctasetSummaryJson> {
    return this.json(setPath(name), {}, call, jsonBody('PUT', { model }));
  }

  /**
   * Takes a functaset away, with all its functions.
   *
   * @example
   * await client.createFunctaset('short-lived', { model: 'fashion-mnist' });
   * await client.deleteFunctaset('short-lived');
   */
  async deleteFunctaset(name: string, call: Call = {}): Promise<void> {
    await this.call(setPath(name), {}, call, { method: 'DELETE' });
  }

  /**
   * Encodes and keeps what bytes hold: a signal, a `.functa` file or archive, a tar, or modulations.
   *
   * @example
   * const { functions } = await client.addFunction('thumbnails', png, { id: 'maize', label: 'plant' });
   */
  addFunction(
    functaset: string,
    bytes: Uint8Array,
    options: Call & AddOptions = {},
  ): Promise<AddedFunctions> {
    const { id, replace, idempotencyKey, type = 'application/octet-stream' } = options;
    const headers = {
      'content-type': type,
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
    };
    const init = { method: 'POST', body: bytes as Uint8Array<ArrayBuffer>, headers };
    return this.json(`${setPath(functaset)}/functions`, { id, replace, ...putQuery(options) }, options, init);
  }

  /**
   * The same of many files in one request. One that cannot be kept does not stop the others: `errors` says which.
   *
   * @example
   * const { functions, errors } = await client.addFunctions('thumbnails', [
   *   { bytes: png, id: 'a', metadata: { shelf: 7 } },
   *   { bytes: new Uint8Array(3), id: 'b' },
   * ]);
   * console.log(functions.length, errors[0]?.code);
   */
  addFunctions(
    functaset: string,
    files: readonly FileToAdd[],
    options: Call & Omit<AddOptions, 'id' | 'type'> = {},
  ): Promise<AddedFunctions> {
    const { replace, idempotencyKey } = options;
    const form = new FormData();
    form.set('items', JSON.stringify(files.map(({ id, label, metadata }) => ({ id, label, metadata }))));
    for (const [i, { bytes, id = String(i) }] of files.entries())
      form.append('file', new Blob([bytes as Uint8Array<ArrayBuffer>]), id);
    const headers = idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey };
    const init = { method: 'POST', body: form, headers };
    return this.json(`${setPath(functaset)}/functions`, { replace, ...putQuery(options) }, options, init);
  }

  /**
   * Functions in a plane, alike ones near each other: an even draw of at most `limit`, 5000 unless it is said.
   *
   * @example
   * const { ids, points } = await client.functasetMap('thumbnails', { limit: 100 });
   */
  functasetMap(
    name: string,
    { limit, ...call }: Call & { readonly limit?: number | undefined } = {},
  ): Promise<FunctasetMapJson> {
    return this.json(`${setPath(name)}/map`, { limit }, call);
  }

  /**
   * Encodes and keeps a function under an id, over the one that is there.
   *
   * @example
   * const one = await client.putFunction('thumbnails', 'maize', png, { quality: 70 });
   * await client.putFunction('thumbnails', 'maize', png, { ifVersion: one.version });
   */
  putFunction(
    functaset: string,
    id: string,
    bytes: Uint8Array,
    options: Call & PutOptions & Expecting = {},
  ): Promise<FunctionJson> {
    const { type = 'application/octet-stream' } = options;
    const headers = { 'content-type': type, ...expecting(options) };
    const init = { method: 'PUT', body: bytes as Uint8Array<ArrayBuffer>, headers };
    return this.json(functionPath(functaset, id), putQuery(options), options, init);
  }

  /**
   * Changes a label or metadata; null takes it away.
   *
   * @example
   * await client.changeFunction('thumbnails', 'maize', { label: 'corn', metadata: { shelf: 8 } });
   */
  changeFunction(
    functaset: string,
    id: string,
    changes: { readonly label?: Label | null; readonly metadata?: FunctionMetadata | null },
    options: Call & Expecting = {},
  ): Promise<FunctionJson> {
    const { headers, ...init } = jsonBody('PATCH', changes);
    const all = { ...(headers as Record<string, string>), ...expecting(options) };
    return this.json(functionPath(functaset, id), {}, options, { ...init, headers: all });
  }

  /**
   * What is known of a function.
   *
   * @example
   * const { bits, psnrDb, version } = await client.functionInfo('thumbnails', 'maize');
   */
  functionInfo(functaset: string, id: string, call: Call = {}): Promise<FunctionJson> {
    return this.json(functionPath(functaset, id), {}, call);
  }

  /**
   * Values at points, coordinates in samples, the slowest axis first: sample i stands at i + 0.5.
   *
   * @example
   * const [[grey]] = await client.valuesAt('thumbnails', 'maize', [[13.5, 13.5]]);
   */
  async valuesAt(
    functaset: string,
    id: string,
    points: readonly (readonly number[])[],
    call: Call = {},
  ): Promise<number[][]> {
    const at = points.map((point) => point.join(',')).join(';');
    return (await this.json<{ values: number[][] }>(functionPath(functaset, id), { at }, call)).values;
  }

  /**
   * The numbers of a function as a file for other programs, safetensors unless npy is asked for.
   *
   * @example
   * const npy = await client.modulation('thumbnails', 'maize', { format: 'npy' });
   */
  async modulation(
    functaset: string,
    id: string,
    { format = 'safetensors', version, ...call }: Call & Versioned & { readonly format?: ArrayFormat } = {},
  ): Promise<Uint8Array> {
    const headers = { accept: arrayTypes[format] };
    return bytesOf(
      await this.call(`${functionPath(functaset, id)}/modulation`, { v: version }, call, { headers }),
    );
  }

  /**
   * One tile, 256 x 256 samples, of a function drawn at 2^z times its own size; those at the right and the lower edge are cut.
   *
   * @example
   * const corner = await client.tile('thumbnails', 'maize', { z: 3, x: 0, y: 0 });
   */
  async tile(
    functaset: string,
    id: string,
    options: Call &
      Versioned & {
        readonly z: number;
        readonly x: number;
        readonly y: number;
        readonly format?: SignalFormat;
      },
  ): Promise<Uint8Array> {
    const { z, x, y, format, version } = options;
    const path = `${functionPath(functaset, id)}/tiles/${z}/${x}/${y}`;
    return bytesOf(await this.call(path, { v: version }, options, { headers: { accept: acceptOf(format) } }));
  }

  /**
   * The address of a function at a width, for `src` and `srcset` of a page; with its version it is kept by browsers for ever.
   *
   * @example
   * const srcset = [64, 128, 256].map((width) => `${client.functionUrl('thumbnails', 'maize', { width })} ${width}w`).join(', ');
   */
  functionUrl(
    functaset: string,
    id: string,
    { version, ...sizing }: Sizing & Versioned & { readonly width?: number } = {},
  ): string {
    return this.url(functionPath(functaset, id), { v: version, ...sizing });
  }

  /**
   * Takes a function out. Throws ProblemError `unknown-function`.
   *
   * @example
   * await client.addFunction('thumbnails', png, { id: 'gone' });
   * await client.deleteFunction('thumbnails', 'gone');
   */
  async deleteFunction(functaset: string, id: string, options: Call & Expecting = {}): Promise<void> {
    const init = { method: 'DELETE', headers: expecting(options) };
    await this.call(functionPath(functaset, id), {}, options, init);
  }

  /**
   * Takes many functions out: those of a list, or those that pass a filter as in queries. Resolves to how many there were.
   *
   * @example
   * const deleted = await client.deleteFunctions('thumbnails', { filter: { labels: ['corn'] } });
   */
  async deleteFunctions(
    functaset: string,
    which: { readonly ids: readonly string[] } | { readonly filter: Filter },
    call: Call = {},
  ): Promise<number> {
    const init = jsonBody('POST', which);
    return (await this.json<{ deleted: number }>(`${setPath(functaset)}/delete`, {}, call, init)).deleted;
  }
}

export function setPath(functaset: string): string {
  return `/v1/functasets/${encodeURIComponent(functaset)}`;
}

function functionPath(functaset: string, id: string): string {
  return `${setPath(functaset)}/functions/${encodeURIComponent(id)}`;
}

function putQuery(options: PutOptions): Query {
  const { quality, maxError, keep, effort, steps, label, metadata, as, size, variable, grid } = options;
  const text = metadata === undefined ? undefined : JSON.stringify(metadata);
  const coding = { quality, 'max-error': maxError, keep, effort, steps };
  return { ...coding, label, as, size, metadata: text, variable, grid };
}

function expecting({ ifVersion, ifAbsent }: Expecting): Record<string, string> {
  return {
    ...(ifVersion === undefined ? {} : { 'if-match': `"${ifVersion}"` }),
    ...(ifAbsent ? { 'if-none-match': '*' } : {}),
  };
}
