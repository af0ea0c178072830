/** Validators for what does not change while the server runs (RFC 9110, section 13.1.2). */
import { createHash } from 'node:crypto';
import type { Context } from 'hono';

/**
 * Answers 304 when the client holds this `version` in the representation it asks for; else what `make` gives, with
 * its ETag.
 */
export function etagged<T extends Response>(c: Context, version: string, make: () => T): T;
export function etagged<T extends Response>(c: Context, version: string, make: () => Promise<T>): Promise<T>;
export function etagged<T extends Response>(
  c: Context,
  version: string,
  make: () => T | Promise<T>,
): T | Promise<T> {
  const tag = `"${createHash('sha256').update(version).digest('base64url').slice(0, 22)}"`;
  const headers = { etag: tag, 'cache-control': 'no-cache', vary: 'accept' };
  const held = c.req.header('if-none-match');
  if (held !== undefined && holds(held, tag)) {
    // A 304 stands for the answer of the route, whatever its type.
    return new Response(null, { status: 304, headers }) as T;
  }
  const tagged = (response: T) => {
    for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
    return response;
  };
  const made = make();
  return made instanceof Promise ? made.then(tagged) : tagged(made);
}

function holds(header: string, tag: string): boolean {
  return header === '*' || header.split(',').some((held) => held.trim().replace(/^W\//, '') === tag);
}
