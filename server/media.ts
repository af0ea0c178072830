/** Media types: what a body is, and what the client wants back (RFC 9110, sections 8.3 and 12.5.1). */
import { type Accept, parseAccept } from 'hono/utils/accept';
import { mediaType as functaType } from '../codec/header.ts';
import { BugError } from '../src/core/errors.ts';
import {
  formatOfFile,
  type SignalFormat,
  type SignalKind,
  signalFormats,
  titlesOf,
  type WrittenFormat,
  writtenFormats,
  writtenFormatsFor,
} from '../src/formats/formats.ts';
import { HttpFault } from './http-fault.ts';

export { functaType };
export const jsonType = 'application/json';
/** One JSON value a line. */
export const linesType = 'application/x-ndjson';
export const formType = 'multipart/form-data';
export const tarType = 'application/x-tar';
export const gzipType = 'application/gzip';
export const zipType = 'application/zip';
export const anyBytes = 'application/octet-stream';
/** Of a Content-Type header that is kept. */
export const mostTypeLength = 256;

/** Media types of the formats that signals are read from. */
export const signalTypes: readonly string[] = signalFormats.map(({ mediaType }) => mediaType);

/** Media types that decoded signals of some model are had in. */
export const signalReplies: readonly string[] = writtenFormats.map(({ mediaType }) => mediaType);

/** Those of a model's signals, the first unless another is asked for. */
export function repliesFor(kind: SignalKind): readonly string[] {
  return writtenFormatsFor(kind).map(({ mediaType }) => mediaType);
}

/** The format of one of `signalReplies`. */
export function formatOfType(type: string): WrittenFormat {
  const found = writtenFormats.find(({ mediaType }) => mediaType === type);
  if (found !== undefined) return found;
  throw new BugError(`no signal is written as ${type}`);
}

/** The media type of a Content-Type header, in lower case, without parameters. */
export function mediaType(header: string | undefined): string {
  return (header ?? '').split(';', 1)[0]!.trim().toLowerCase();
}

/** What a request says its body is, as it says it: bytes where it says nothing. Throws HttpFault 415 for what is too long to be kept. */
export function contentTypeOf(header: string | undefined): string {
  const told = header?.trim() || anyBytes;
  if (told.length <= mostTypeLength) return told;
  throw new HttpFault(
    415,
    'unsupported-media-type',
    `content-type has ${told.length} characters, at most ${mostTypeLength} are taken`,
  );
}

/** Throws HttpFault 415 unless the type is one of `allowed`, or, unless it must be `declared`, bytes of no declared kind. */
export function checkContentType(
  header: string | undefined,
  allowed: readonly string[],
  must?: 'declared',
): string {
  const type = mediaType(header);
  if (allowed.includes(type) || (must === undefined && type === anyBytes)) return type;
  const said = type === '' ? 'no content-type was sent' : `content-type ${type} is not taken here`;
  throw new HttpFault(415, 'unsupported-media-type', `${said}; send one of ${allowed.join(', ')}`, {
    accept: allowed.join(', '),
  });
}

/** The format of a signal by its first bytes, which must agree with what was declared. */
export function sniffSignal(declared: string, body: Uint8Array): SignalFormat {
  const found = formatOfFile(body, declared);
  if (found === undefined || (declared !== anyBytes && declared !== found.mediaType)) {
    const what = found?.mediaType ?? `none of ${titlesOf(signalFormats, 'and')}`;
    throw new HttpFault(
      415,
      'media-type-mismatch',
      `the body is declared as ${declared} and begins as ${what}; send one of ${signalTypes.join(', ')}`,
    );
  }
  return found;
}

/** The best of `offered` (server's order of preference) for an Accept header. Throws HttpFault 406. */
export function negotiate<T extends string>(header: string | undefined, offered: readonly T[]): T {
  const ranges = parseAccept(header?.trim() || '*/*');
  let best: { type: T; q: number } | undefined;
  for (const type of offered) {
    const q = weight(type, ranges);
    if (q > 0 && (best === undefined || q > best.q)) best = { type, q };
  }
  if (best !== undefined) return best.type;
  throw new HttpFault(
    406,
    'not-acceptable',
    `this can be had as ${offered.join(', ')}; send one of them in accept`,
  );
}

/** The most specific range that fits decides (RFC 9110, section 12.5.1); parameters of ranges are passed over. */
function weight(type: string, ranges: readonly Accept[]): number {
  for (const range of [type, `${type.split('/', 1)[0]}/*`, '*/*']) {
    const found = ranges.find((candidate) => candidate.type.toLowerCase() === range);
    if (found !== undefined) return found.q;
  }
  return 0;
}
