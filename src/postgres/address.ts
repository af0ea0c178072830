/** Where a database is: `postgres://user:password@host:port/database`, with several hosts after one another for failover. */
import { BadInputError } from '../core/errors.ts';

export interface Address {
  /** For the driver, one for each host, in order. */
  readonly urls: readonly string[];
  /** Without the password: what may be told. */
  readonly name: string;
  /** What stands after `#`: a functaset. */
  readonly functaset: FunctasetName | undefined;
}

/** A functaset of a database. */
export interface FunctasetName {
  /** Empty: it is everybody's. */
  readonly namespace: string;
  readonly name: string;
}

const pattern = /^(postgres(?:ql)?:\/\/)(?:([^@/?#]*)@)?([^/?#]*)(\/[^?#]*)?(\?[^#]*)?(?:#(.*))?$/s;

export function isPostgres(text: string): boolean {
  return /^postgres(ql)?:/.test(text);
}

/** Throws BadInputError `store-url`. */
export function parseAddress(text: string): Address {
  const match = pattern.exec(text);
  if (match === null || /\s/.test(text)) throw badUrl();
  const [, scheme, user, hosts = '', path = '', query = '', fragment] = match;
  const login = user === undefined ? '' : `${user}@`;
  const shown = user === undefined ? '' : `${user.split(':', 1)[0]}@`;
  const secret = query.replace(/([?&](?:password|sslpassword)=)[^&]*/gi, '$1***');
  return {
    urls: hosts.split(',').map((host) => `${scheme}${login}${host}${path}${query}`),
    name: `${scheme}${shown}${hosts}${path}${secret}`,
    functaset: fragment === undefined ? undefined : functasetName(fragment),
  };
}

/** `name`, or `namespace/name`. Throws BadInputError `store-url`. */
export function functasetName(text: string): FunctasetName {
  const parts = text.split('/');
  if (parts.length > 2 || parts.some((part) => !/^[\w.-]{1,128}$/.test(part))) {
    throw new BadInputError(
      'store-url',
      `#${text.slice(0, 128)} names no functaset: a name is 1 to 128 letters, digits, dots, - and _, with a namespace and a slash before it where it is of one`,
    );
  }
  const [name, namespace = ''] = [...parts].reverse() as [string, string?];
  return { namespace, name };
}

export function functasetText({ namespace, name }: FunctasetName): string {
  return namespace === '' ? name : `${namespace}/${name}`;
}

/** Without what was given: there may be a password in it. */
function badUrl(): BadInputError {
  return new BadInputError(
    'store-url',
    'that is no address of a database; give postgres://user:password@host:port/database',
  );
}
