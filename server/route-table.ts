/** What each route says of itself, by the route that a request met: the one table of whom it serves and what it reads. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { matchedRoutes } from 'hono/route';
import { BugError } from '../src/core/errors.ts';
import { type Scope, scopes } from './access/access.ts';
import type { ServerEnv } from './operations/log.ts';

export interface RouteEntry {
  /** In capitals. */
  readonly method: string;
  /** Path as the OpenAPI document has it: `/v1/models/{m}`. A label of logs and metrics: there are only so many. */
  readonly path: string;
  readonly needs: Scope | 'none';
  /** Parameters of the query that it reads. */
  readonly query: readonly string[];
}

export type RouteTable = ReadonlyMap<string, RouteEntry>;

/** Throws BugError where a route does not say which scope it needs: what nobody thought of is not served. */
export function routeTable(app: OpenAPIHono<ServerEnv>): RouteTable {
  const table = new Map<string, RouteEntry>();
  for (const definition of app.openAPIRegistry.definitions) {
    if (definition.type !== 'route') continue;
    const { path, request, security } = definition.route;
    const method = definition.route.method.toUpperCase();
    const query = request?.query;
    const shape = query !== undefined && 'shape' in query ? (query.shape as object) : {};
    const name = `${method} ${path}`;
    const entry = { method, path, needs: scopeOf(name, security), query: Object.keys(shape) };
    table.set(`${method} ${path.replaceAll(/\/\{(.+?)\}/g, '/:$1')}`, entry);
  }
  for (const { method, path } of app.routes) {
    if (method !== 'ALL' && !table.has(`${method} ${path}`)) throw undeclared(`${method} ${path}`);
  }
  return table;
}

/** The route that answers a request; undefined where no route has its path. */
export function routeOf(c: Context<ServerEnv>, table: RouteTable): RouteEntry | undefined {
  const route = matchedRoutes(c).findLast(({ method }) => method !== 'ALL');
  return route && table.get(`${route.method} ${route.path}`);
}

function scopeOf(
  route: string,
  security: readonly Readonly<Record<string, readonly string[]>>[] | undefined,
): Scope | 'none' {
  if (security === undefined) throw undeclared(route);
  if (security.length === 0) return 'none';
  const [scope] = security.length === 1 ? (security[0]!.key ?? []) : [];
  const found = scopes.find((known) => known === scope);
  if (found === undefined) throw undeclared(route);
  return found;
}

function undeclared(route: string): BugError {
  return new BugError(`route ${route} does not say which scope it needs`);
}
