/** What stands in the query of an address: nothing that a route does not know, and nothing twice, so that nothing is dropped in silence. */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import { matchedRoutes } from 'hono/route';
import { BadInputError } from '../src/core/errors.ts';
import type { ServerEnv } from './log.ts';

/** Before a route: throws BadInputError `unknown-parameter`, `repeated-parameter`. Paths that no route has are not looked at. */
export function knownParameters(app: OpenAPIHono<ServerEnv>): MiddlewareHandler<ServerEnv> {
  let known: ReadonlyMap<string, readonly string[]> | undefined;
  return async (c, next) => {
    const given = Object.entries(c.req.queries());
    const route = matchedRoutes(c).findLast(({ method }) => method !== 'ALL');
    if (given.length > 0 && route !== undefined) {
      known ??= parametersOf(app);
      const names = known.get(`${route.method} ${route.path}`) ?? [];
      for (const [name, values] of given) {
        if (!names.includes(name)) {
          throw new BadInputError(
            'unknown-parameter',
            `no query parameter is called ${JSON.stringify(name.slice(0, 64))} here; there ${namesText(names)}`,
          );
        }
        if (values.length > 1) {
          throw new BadInputError(
            'repeated-parameter',
            `${name} is given ${values.length} times; give it once`,
          );
        }
      }
    }
    await next();
  };
}

/** Of each method and path, the parameters that its route reads. */
function parametersOf(app: OpenAPIHono<ServerEnv>): Map<string, readonly string[]> {
  const known = new Map<string, readonly string[]>();
  for (const definition of app.openAPIRegistry.definitions) {
    if (definition.type !== 'route') continue;
    const { method, path, request } = definition.route;
    const query = request?.query;
    const shape = query !== undefined && 'shape' in query ? (query.shape as object) : {};
    known.set(`${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`, Object.keys(shape));
  }
  return known;
}

function namesText(names: readonly string[]): string {
  return names.length === 0 ? 'are none' : `are: ${names.join(', ')}`;
}
