/** Media types: what a body is, and what the client wants back (RFC 9110, sections 8.3 and 12.5.1). */
import { HttpFault } from './problem.ts';

export const functaType = 'application/vnd.functa';
export const npyType = 'application/x-npy';
export const pngType = 'image/png';
export const jsonType = 'application/json';
/** One JSON value a line. */
export const linesType = 'application/x-ndjson';
const anyBytes = 'application/octet-stream';

/** Types by the bytes they begin with. */
const magics: readonly { readonly type: string; readonly at: number; readonly bytes: readonly number[] }[] = [
  { type: pngType, at: 0, bytes: [0x89, 0x50, 0x4e, 0x47] },
  { type: 'image/jpeg', at: 0, bytes: [0xff, 0xd8, 0xff] },
  { type: 'image/webp', at: 8, bytes: [0x57, 0x45, 0x42, 0x50] },
  { type: npyType, at: 0, bytes: [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59] },
];

export const signalTypes = ['image/png', 'image/jpeg', 'image/webp', npyType] as const;

/** The media type of a Content-Type header, in lower case, without parameters. */
export function mediaType(header: string | undefined): string {
  return (header ?? '').split(';', 1)[0]!.trim().toLowerCase();
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

/** The type of a signal by its first bytes, which must agree with what was declared. */
export function sniffSignal(declared: string, body: Uint8Array): string {
  const found = magics.find(({ at, bytes }) => bytes.every((byte, i) => body[at + i] === byte))?.type;
  if (found === undefined || (declared !== anyBytes && declared !== found)) {
    const what = found ?? 'none of PNG, JPEG, WebP and npy';
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
  const ranges = parseAccept(header);
  let best: { type: T; q: number } | undefined;
  for (const type of offered) {
    const q = quality(type, ranges);
    if (q > 0 && (best === undefined || q > best.q)) best = { type, q };
  }
  if (best !== undefined) return best.type;
  throw new HttpFault(
    406,
    'not-acceptable',
    `this can be had as ${offered.join(', ')}; send one of them in accept`,
  );
}

interface AcceptRange {
  readonly range: string;
  readonly q: number;
}

function parseAccept(header: string | undefined): AcceptRange[] {
  if (header === undefined || header.trim() === '') return [{ range: '*/*', q: 1 }];
  return header.split(',').map((item) => {
    const [range = '', ...parameters] = item.split(';').map((part) => part.trim().toLowerCase());
    const q = parameters.find((parameter) => parameter.startsWith('q='));
    const value = q === undefined ? 1 : Number(q.slice(2));
    return { range, q: value >= 0 && value <= 1 ? value : 0 };
  });
}

/** The most specific range that fits decides. */
function quality(type: string, ranges: readonly AcceptRange[]): number {
  const fits = [type, `${type.split('/', 1)[0]}/*`, '*/*'];
  for (const range of fits) {
    const found = ranges.find((candidate) => candidate.range === range);
    if (found !== undefined) return found.q;
  }
  return 0;
}
