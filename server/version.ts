/** Which state of a function an answer is of, and what a request says that it must be (RFC 9110, section 13). */
import { createHash } from 'node:crypto';
import { HttpFault } from './http-fault.ts';

/** The record of a function in a digest: another label, other metadata or another content is another version. */
export function versionOf(record: Uint8Array): string {
  return createHash('sha256').update(record).digest('base64url').slice(0, 22);
}

/** A strong validator: the version, and the representation that the answer is in. */
export function etagOf(version: string, representation: readonly (string | undefined)[] = []): string {
  const text = representation.map((part) => part ?? '').join('\n');
  return `"${version}.${createHash('sha256').update(text).digest('base64url').slice(0, 8)}"`;
}

/** What `if-match` and `if-none-match` of a request say, of versions in any representation. */
export interface Match {
  readonly ifMatch?: readonly string[] | undefined;
  readonly ifNoneMatch?: readonly string[] | undefined;
}

/** Undefined where nothing is said. */
export function matchOf(header: (name: string) => string | undefined): Match | undefined {
  const [ifMatch, ifNoneMatch] = [header('if-match'), header('if-none-match')].map(tagsOf);
  return ifMatch === undefined && ifNoneMatch === undefined ? undefined : { ifMatch, ifNoneMatch };
}

/** Throws HttpFault 412 `precondition-failed` unless the version that is there, if any, is one that was asked for. */
export function checkMatch(match: Match | undefined, version: string | undefined): void {
  const { ifMatch, ifNoneMatch } = match ?? {};
  const within = (tags: readonly string[]) =>
    version !== undefined && (tags.includes('*') || tags.includes(version));
  if (ifMatch !== undefined && !within(ifMatch)) {
    const now = version === undefined ? 'it is not there' : `it is of version ${version} now`;
    throw new HttpFault(412, 'precondition-failed', `if-match does not hold: ${now}; get it again`);
  }
  if (ifNoneMatch !== undefined && within(ifNoneMatch))
    throw new HttpFault(412, 'precondition-failed', 'if-none-match does not hold: it is there');
}

/** The versions in a list of entity tags; a weak tag is never equal where a strong one is asked for. */
function tagsOf(header: string | undefined): readonly string[] | undefined {
  return header?.split(',').map((tag) => {
    const text = tag.trim();
    return text === '*' ? '*' : (/^"([\w-]{22})(\.[\w-]{8})?"$/.exec(text)?.[1] ?? '');
  });
}
