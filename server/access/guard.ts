/** Who is let in to which route: one middleware, by what the route says it needs. */
import type { MiddlewareHandler } from 'hono';
import { HttpFault } from '../http-fault.ts';
import type { ServerEnv } from '../operations/log.ts';
import { type RouteTable, routeOf } from '../route-table.ts';
import type { Rates } from '../traffic/rates.ts';
import { type Access, allows, defaultNamespace, openAccess, type Scope } from './access.ts';
import type { Keyring } from './keyring.ts';

export interface Gate {
  readonly keyring: Keyring;
  /** What may be done without a key, where the operator says so. */
  readonly anonymous: Scope | 'none' | undefined;
  /** Addresses of pages (`https://host`) that may use the service from a browser. */
  readonly origins: readonly string[];
  readonly rates: Rates;
  /** Set once it is known that only this machine reaches the server: without any key all is open then. */
  loopback: boolean;
}

/**
 * Throws HttpFault 401 `key-needed`, `key-unknown`, `key-expired`, `key-revoked`; 403 `scope-needed`, `cross-origin`; 429
 * `too-many-requests`; 503
 * `key-unreadable`. A path that no route has is nobody's, and passes.
 */
export function guard(table: () => RouteTable, gate: Gate): MiddlewareHandler<ServerEnv> {
  return async (c, next) => {
    const route = routeOf(c, table());
    c.set('route', route);
    if (route !== undefined) {
      const access = accessOf(c.req.header('authorization'), gate);
      c.set('access', access);
      // probes of health come from one address, and are to be answered
      if (route.needs !== 'none') gate.rates.take(access.key ?? c.get('connection').client);
      if (!allows(access, route.needs)) throw missing(access, route.needs as Scope);
      if (route.method !== 'GET') checkOrigin(c.req.header('origin'), c.req.header('host'), gate.origins);
    }
    await next();
  };
}

function accessOf(header: string | undefined, { keyring, anonymous, loopback }: Gate): Access {
  if (header !== undefined) {
    const key = /^bearer +(\S+) *$/i.exec(header)?.[1];
    // not 400: what is not a key opens nothing, whatever it is
    return keyring.check(key ?? '');
  }
  if (anonymous !== undefined) return { scope: anonymous, namespace: defaultNamespace };
  return loopback && !keyring.any ? openAccess : { scope: 'none', namespace: defaultNamespace };
}

/** RFC 6750, section 3: without a key nothing is said but that one is needed. */
function missing({ key, scope }: Access, needed: Scope): HttpFault {
  if (key === undefined) {
    return new HttpFault(
      401,
      'key-needed',
      `this needs a key with the scope ${needed}; send authorization: Bearer KEY`,
      { 'www-authenticate': `Bearer realm="functa", scope="${needed}"` },
    );
  }
  return new HttpFault(
    403,
    'scope-needed',
    `this needs the scope ${needed}, and key ${key} has ${scope}; use another key`,
    { 'www-authenticate': `Bearer realm="functa", error="insufficient_scope", scope="${needed}"` },
  );
}

/**
 * A page of another site can have a browser send a form to a service on this machine, which needs no key. The browser says where the
 * page is from; programs that are no browsers say nothing.
 */
function checkOrigin(origin: string | undefined, host: string | undefined, allowed: readonly string[]): void {
  if (origin === undefined || allowed.includes(origin)) return;
  if (URL.canParse(origin) && new URL(origin).host === host?.toLowerCase()) return;
  throw new HttpFault(
    403,
    'cross-origin',
    'a page of another site may not change anything here; the operator allows it with --allow-origin',
  );
}
