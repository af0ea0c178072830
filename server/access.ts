/** What a request may do, and whose functasets, jobs and models it sees. */

/** Each holds those before it. */
export const scopes = ['read', 'write', 'admin'] as const;
export type Scope = (typeof scopes)[number];

export interface Access {
  readonly scope: Scope;
  /** What it makes stands here, and it sees what stands here and what the operator serves to all. */
  readonly namespace: string;
}

/** Access of a server that asks for no key. */
export const openAccess: Access = { scope: 'admin', namespace: 'default' };

/** Says in a route, and so in the OpenAPI document, which scope a key must have: `security: needs('write')`. */
export function needs(scope: Scope): { key: string[] }[] {
  return [{ key: [scope] }];
}
