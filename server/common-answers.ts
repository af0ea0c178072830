/** Answers that every route may give, written into the OpenAPI document once and not into each route. */
import { problems } from './schemas.ts';

interface Operation {
  readonly security?: readonly object[];
  readonly requestBody?: object;
  readonly responses?: Readonly<Record<string, unknown>>;
  readonly operationId?: string;
}

interface Described {
  readonly paths?: Readonly<Record<string, object>> | undefined;
}

const schema = { $ref: '#/components/schemas/Problem' };

/** The document with what the service may say before a route is reached. */
export function withCommonAnswers<T extends Described>(document: T): T {
  const paths = Object.entries(document.paths ?? {}).map(([path, operations]) => [
    path,
    Object.fromEntries(
      Object.entries(operations as Readonly<Record<string, Operation>>).map(([method, operation]) => [
        method,
        {
          operationId: nameOf(method, path),
          ...operation,
          responses: { ...common(method, operation), ...operation.responses },
        },
      ]),
    ),
  ]);
  return { ...document, paths: Object.fromEntries(paths) };
}

/** For a route that gives itself no name: `post /v1/functasets/{s}/functions` is `postFunctasetsFunctions`. */
function nameOf(method: string, path: string): string {
  const words = path.match(/[A-Za-z]+(?![^{]*\})/g) ?? [];
  const named = words.filter((word) => word !== 'v').map((word) => word[0]!.toUpperCase() + word.slice(1));
  const inner = [...path.matchAll(/\{(\w+)\}$/g)].length > 0 ? 'One' : '';
  return `${method}${named.join('')}${inner}`;
}

function common(method: string, { security, requestBody }: Operation): Record<string, unknown> {
  const asked = security !== undefined && security.length > 0;
  const made = {
    ...problems(401, 421, 422, 429, 500, 503),
    ...(asked ? problems(403) : {}),
    ...(method === 'get' ? {} : problems(400, 403, 408, 507)),
    ...(requestBody === undefined ? {} : problems(400, 408, 413, 415)),
  };
  return Object.fromEntries(
    Object.entries(made).map(([status, { description }]) => [
      status,
      { description, content: { 'application/problem+json': { schema } } },
    ]),
  );
}
