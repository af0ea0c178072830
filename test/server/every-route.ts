/** Every route of the service, from its own OpenAPI document, with a small request that it should take. */

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

/** A request that the route should take. */
export function requestFor(
  { method, path, described }: Operation,
  document: ApiDocument,
  { names, bodies }: { readonly names: Names; readonly bodies: Bodies },
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
