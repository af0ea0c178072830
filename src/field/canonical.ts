/** One text for one value, so that equal values have equal digests. */
import { sha256Hex } from '../core/hash.ts';
import type { FieldSpec } from './spec.ts';

/** JSON without spaces, the members of every object in order of their names; members that are undefined are left out. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}

/** SHA-256 of a field specification, in hex: equal for equal fields, however they were written down. */
export function specDigest(spec: FieldSpec): string {
  return sha256Hex(new TextEncoder().encode(canonicalJson(spec)));
}
