/** Validators for what does not change while the server runs (RFC 9110, section 13.1.2). */
import { createHash } from 'node:crypto';
import type { Context } from 'hono';
import { NotFoundError } from '../src/core/errors.ts';
import { etagOf } from './version.ts';

/**
 * Answers 304 when the client holds this `version` in the representation it asks for; else what `make` gives, with
 * its ETag. `vary` names the headers of requests by which the representation is chosen.
 */
export function etagged<T extends Response>(
  c: Context,
  version: string,
  make: () => T | Promise<T>,
  { vary = 'accept' }: { readonly vary?: string } = {},
): Promise<T> {
  const tag = `"${createHash('sha256').update(version).digest('base64url').slice(0, 22)}"`;
  return validated(c, { etag: tag, 'cache-control': 'no-cache', vary }, async () => make());
}

/**
 * The same of a version of a function in a representation, with a strong validator that says both (version.ts). Where the address names the
 * version, nothing else is ever had there. Throws NotFoundError `unknown-version` where it names another.
 */
export async function versioned(
  c: Context,
  {
    version,
    representation,
    v,
    id,
  }: {
    readonly version: string;
    readonly representation: readonly (string | undefined)[];
    /** The version that the address names. */
    readonly v: string | undefined;
    readonly id: string;
  },
  make: (etag: string) => Promise<Response>,
): Promise<Response> {
  if (v !== undefined && v !== version)
    throw new NotFoundError('unknown-version', `function ${id} is of version ${version} now; get it again`);
  const etag = etagOf(version, representation);
  const control = v !== undefined ? 'private, max-age=31536000, immutable' : 'no-cache';
  return validated(c, { etag, 'cache-control': control, vary: 'accept' }, () => make(etag));
}

/** What `make` gives with these headers; a client that holds the tag gets 304, which stands for any answer of the route. */
async function validated<T extends Response>(
  c: Context,
  headers: { readonly etag: string; readonly 'cache-control': string; readonly vary: string },
  make: () => Promise<T>,
): Promise<T> {
  const held = c.req.header('if-none-match');
  if (held !== undefined && holds(held, headers.etag))
    return new Response(null, { status: 304, headers }) as T;
  const made = await make();
  for (const [name, value] of Object.entries(headers)) made.headers.set(name, value);
  return made;
}

function holds(header: string, tag: string): boolean {
  return header === '*' || header.split(',').some((held) => held.trim().replace(/^W\//, '') === tag);
}
