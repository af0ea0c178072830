/** A part of an answer's bytes (RFC 9110, section 14): one range; several at once are answered with the whole, as the standard lets. */
import { HttpFault } from './http-fault.ts';

export interface ByteRange {
  readonly start: number;
  /** One past the last. */
  readonly end: number;
}

/**
 * The range that a request asks for, of so many bytes; undefined: the whole. `ifRange`: the range is meant of this entity tag alone.
 * Throws HttpFault 416 `range`.
 */
export function rangeOf(
  header: (name: string) => string | undefined,
  length: number,
  etag: string,
): ByteRange | undefined {
  const asked = /^bytes=(\d*)-(\d*)$/.exec(header('range')?.trim() ?? '');
  if (asked === null) return undefined;
  const ifRange = header('if-range');
  if (ifRange !== undefined && ifRange.trim() !== etag) return undefined;
  const [, from = '', to = ''] = asked;
  if (from === '' && to === '') return undefined;
  const start = from === '' ? Math.max(0, length - Number(to)) : Number(from);
  const end = from === '' || to === '' ? length : Math.min(length, Number(to) + 1);
  if (from !== '' && to !== '' && Number(to) < Number(from)) return undefined;
  if (start < end) return { start, end };
  throw new HttpFault(416, 'range', `there are ${length} bytes, and none in this range`, {
    'content-range': `bytes */${length}`,
  });
}

/** An answer of these bytes, or of the part that is asked for. */
export function rangedReply(
  header: (name: string) => string | undefined,
  bytes: Uint8Array,
  headers: Readonly<Record<string, string>> & { readonly etag: string },
): Response {
  const range = rangeOf(header, bytes.length, headers.etag);
  const { start, end } = range ?? { start: 0, end: bytes.length };
  const part = bytes.subarray(start, end) as Uint8Array<ArrayBuffer>;
  return new Response(part, {
    status: range === undefined ? 200 : 206,
    headers: {
      ...headers,
      'accept-ranges': 'bytes',
      'content-length': String(part.length),
      ...(range === undefined ? {} : { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` }),
    },
  });
}
