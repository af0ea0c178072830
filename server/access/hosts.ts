/**
 * Whom a request may be addressed to. A page of the web can have its own name resolved to this machine's loopback
 * address (DNS rebinding) and then read a local service as if it were its own; what gives it away is the name in
 * `Host`.
 */
import { isIP } from 'node:net';

/** Says what is wrong with a `Host` header; undefined: nothing. */
export type HostRule = (host: string | undefined) => string | undefined;

const loopbackNames = ['localhost', '127.0.0.1', '[::1]'];

/**
 * On a loopback address: its names, and `allowed` ones. Elsewhere any name, unless `allowed` says which.
 * `address` is what the server listens on.
 */
export function hostRule(address: string, allowed: readonly string[] = []): HostRule {
  const checked = isLoopback(address) || allowed.length > 0;
  const names = new Set([...loopbackNames, bracketed(address), ...allowed.map((name) => name.toLowerCase())]);
  return (host) => {
    const name = nameOf(host ?? '');
    if (name === undefined) return 'the host header is not a name or an address';
    if (!checked || names.has(name)) return undefined;
    return `this server is not called ${name}; start it with --allow-host ${name} if it is`;
  };
}

export function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./i.test(address) || address === 'localhost';
}

/** The host of `host:port` in lower case; undefined when it is neither a name nor an address. */
function nameOf(host: string): string | undefined {
  const found = /^(?<name>[a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(:\d{1,5})?$/i.exec(host);
  return found?.groups?.name?.toLowerCase();
}

function bracketed(address: string): string {
  return isIP(address) === 6 ? `[${address}]` : address.toLowerCase();
}
