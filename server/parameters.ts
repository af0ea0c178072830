/** What stands in the query of an address: nothing that a route does not know, and nothing twice, so that nothing is dropped in silence. */
import type { MiddlewareHandler } from 'hono';
import { BadInputError } from '../src/core/errors.ts';
import type { ServerEnv } from './operations/log.ts';

/** Before a route: throws BadInputError `unknown-parameter`, `repeated-parameter`. Paths that no route has are not looked at. */
export function knownParameters(): MiddlewareHandler<ServerEnv> {
  return async (c, next) => {
    const given = Object.entries(c.req.queries());
    const route = c.get('route');
    if (route !== undefined) {
      for (const [name, values] of given) {
        if (!route.query.includes(name)) {
          throw new BadInputError(
            'unknown-parameter',
            `no query parameter is called ${JSON.stringify(name.slice(0, 64))} here; there ${namesText(route.query)}`,
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

/** What a request says that its schema does not take: the first of `issues`, found in `where`. */
export function badParameter(
  where: string,
  [issue]: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): BadInputError {
  const at = issue === undefined || issue.path.length === 0 ? where : issue.path.join('.');
  return new BadInputError('bad-parameter', `${at}: ${(issue?.message ?? 'is not valid').slice(0, 256)}`);
}

function namesText(names: readonly string[]): string {
  return names.length === 0 ? 'are none' : `are: ${names.join(', ')}`;
}
