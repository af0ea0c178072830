/** What a request may do, and whose functasets, jobs and models it sees. */

/** Each holds those before it. */
export const scopes = ['read', 'write', 'admin'] as const;
export type Scope = (typeof scopes)[number];

export interface Access {
  /** `none`: who has no key, at a route that needs none. */
  readonly scope: Scope | 'none';
  /** What it makes stands here, and it sees what stands here and what the operator serves to all. */
  readonly namespace: string;
  /** Public id of the key that was sent; absent: none was. */
  readonly key?: string;
}

/** Namespace of keys that name no other, and of who has no key. */
export const defaultNamespace = 'default';

/** Access of a server that asks for no key. */
export const openAccess: Access = { scope: 'admin', namespace: defaultNamespace };

/** Whether an access holds a scope. */
export function allows({ scope }: Pick<Access, 'scope'>, needed: Scope | 'none'): boolean {
  return rank(scope) >= rank(needed);
}

/** Says in a route, and so in the OpenAPI document, which scope a key must have: `security: needs('write')`. */
export function needs(scope: Scope): { key: string[] }[] {
  return [{ key: [scope] }];
}

/** Says in a route that anybody may ask it, without a key: health, and the page that describes the service. */
export const needsNothing: { key: string[] }[] = [];

function rank(scope: Scope | 'none'): number {
  return scope === 'none' ? -1 : scopes.indexOf(scope);
}
