/** Every route of the service, from its own OpenAPI document, with a small request that it should take. */
import { png } from './serving.ts';

export interface Operation {
  readonly method: string;
  /** With names in braces, as the document has it. */
  readonly path: string;
  readonly needs: 'none' | 'read' | 'write' | 'admin';
  readonly described: Described;
}

interface Described {
  readonly operationId?: string;
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema?: Schema;
    readonly example?: unknown;
  }[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema?: Schema; readonly example?: unknown }>>;
  };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
}

interface Schema {
  readonly $ref?: string;
  readonly example?: unknown;
}

export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

export async function documentOf(url: string): Promise<ApiDocument> {
  return (await (await fetch(`${url}/openapi.json`)).json()) as ApiDocument;
}

export function operationsOf(document: ApiDocument): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => {
      const [needed] = described.security?.map(({ key }) => key?.[0]) ?? [];
      const needs = (needed ?? 'none') as Operation['needs'];
      if (described.security === undefined) throw new Error(`${method} ${path} has no security`);
      return { method: method.toUpperCase(), path, needs, described };
    }),
  );
}

/** What stands for each name in a path; a name that is not here fails the suite, so that no route is left out. */
export type Names = Readonly<Record<string, string>>;

/** Bytes of each media type that a body may have. */
export type Bodies = Readonly<Record<string, Uint8Array>>;

export interface Known {
  readonly names: Names;
  readonly bodies: Bodies;
}

/** Makes one thing of each kind in a namespace, through the service itself; the server needs a home. `model`: bytes of one of its own. */
export async function furnish(
  url: string,
  { key, model }: { readonly key?: string | undefined; readonly model?: Uint8Array | undefined } = {},
): Promise<Known> {
  const authorization = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const ask = async (method: string, path: string, type?: string, body?: Uint8Array | string) => {
    const headers = { ...authorization, ...(type === undefined ? {} : { 'content-type': type }) };
    const response = await fetch(`${url}${path}`, {
      method,
      headers,
      body: (body ?? null) as Uint8Array<ArrayBuffer> | string | null,
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`);
    return response;
  };
  const json = 'application/json';
  const picture = await png();
  const encoded = await ask('POST', '/v1/models/tiny/encode', 'image/png', picture);
  const functa = new Uint8Array(await encoded.arrayBuffer());
  await ask('PUT', '/v1/functasets/mine', json, '{"model":"tiny"}');
  await ask('PUT', '/v1/functasets/mine/functions/one', 'application/vnd.functa', functa);
  const snapshot = (await (await ask('POST', '/v1/functasets/mine/snapshots')).json()) as { id: string };
  const added = async (path: string, type: string, body: Uint8Array | string) =>
    ((await (await ask('POST', path, type, body)).json()) as { id: string }).id;
  const upload = await added('/v1/uploads', 'image/png', picture);
  const job = await added(
    '/v1/jobs',
    json,
    JSON.stringify({ kind: 'encode', model: 'tiny', data: { upload } }),
  );
  // all events are told when it is over
  await (await ask('GET', `/v1/jobs/${job}/events`)).text();
  if (model !== undefined) await ask('PUT', '/v1/models/own-model', 'application/octet-stream', model);
  return {
    names: {
      m: model === undefined ? 'tiny' : 'own-model',
      s: 'mine',
      id: 'one',
      n: snapshot.id,
      u: upload,
      j: job,
      kind: 'classifier',
      peer: 'avif',
      file: 'functa.js',
      z: '0',
      x: '0',
      y: '0',
    },
    bodies: {
      'image/png': picture,
      'application/vnd.functa': functa,
      'application/x-tar': functa,
      'application/octet-stream': functa,
    },
  };
}

/** A request that the route should take. */
export function requestFor(
  { method, path, described }: Operation,
  document: ApiDocument,
  { names, bodies }: Known,
): { readonly path: string; readonly init: RequestInit & { readonly headers: Record<string, string> } } {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = names[name];
    if (value === undefined) throw new Error(`${method} ${path}: the test does not know what {${name}} is`);
    return encodeURIComponent(value);
  });
  const wanted =
    described.parameters?.filter(({ in: place, required }) => place === 'query' && required) ?? [];
  const query = wanted.map(({ name, schema, example }) => `${name}=${example ?? schema?.example ?? ''}`);
  const [type, content] = Object.entries(described.requestBody?.content ?? {})[0] ?? [];
  const address = query.length === 0 ? filled : `${filled}?${query.join('&')}`;
  if (type === undefined) return { path: address, init: { method, headers: {} } };
  const example = content?.example ?? exampleOf(document, content?.schema);
  const body = type === 'application/json' ? JSON.stringify(example) : bodies[type];
  if (body === undefined) throw new Error(`${method} ${path}: the test has no body of ${type}`);
  return {
    path: address,
    init: { method, headers: { 'content-type': type }, body: body as Uint8Array<ArrayBuffer> },
  };
}

export function exampleOf({ components }: ApiDocument, schema: Schema | undefined): unknown {
  const name = schema?.$ref?.split('/').at(-1);
  return (name === undefined ? schema : components.schemas[name])?.example;
}
