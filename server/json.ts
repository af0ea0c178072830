/**
 * JSON on the event loop, where it keeps everybody waiting. What parsing and checking cost goes with the number of
 * values, not of bytes: a text of a megabyte is one value. Values are counted before anything is parsed.
 */
import { checkLimit } from '../src/core/limits.ts';
import { HttpFault } from './http-fault.ts';
import type { TrafficLimits } from './traffic/traffic.ts';

/** Throws HttpFault 400 `malformed-json`; LimitError `limit-json-values`, `limit-json-members`, `limit-json-depth`. */
export function parseJson(
  body: Uint8Array,
  { jsonValues, jsonMembers }: Pick<TrafficLimits, 'jsonValues' | 'jsonMembers'>,
): unknown {
  const { values, members, depth } = sizeOfJson(body);
  checkLimit('json-depth', depth, maxDepth, 'no route takes values nested so deep');
  checkLimit('json-values', values, jsonValues, 'ask for less at once, or send a signal as a file in base64');
  checkLimit('json-members', members, jsonMembers, 'send the members that this route knows');
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new HttpFault(
      400,
      'malformed-json',
      'the body is not JSON in UTF-8; send an object such as {"count": 16}',
    );
  }
}

export const maxDepth = 32;
const quote = 0x22;
const backslash = 0x5c;

/**
 * At most how many values, members and levels there are, whether or not the bytes are JSON: one value after each
 * comma and each opening bracket, one member for each colon outside texts.
 */
export function sizeOfJson(body: Uint8Array): {
  readonly values: number;
  readonly members: number;
  readonly depth: number;
} {
  let values = 1;
  let members = 0;
  let level = 0;
  let depth = 0;
  for (let at = 0; at < body.length; at++) {
    switch (body[at]) {
      case quote:
        at = endOfText(body, at + 1);
        break;
      case 0x2c: // ,
        values++;
        break;
      case 0x5b: // [
      case 0x7b: // {
        values++;
        level++;
        if (level > depth) depth = level;
        break;
      case 0x5d: // ]
      case 0x7d: // }
        level--;
        break;
      case 0x3a: // :
        members++;
        break;
    }
  }
  return { values, members, depth };
}

/** Where the quote stands that ends a text, or the end of the body. */
function endOfText(body: Uint8Array, from: number): number {
  for (let at = from; ; at++) {
    at = body.indexOf(quote, at);
    if (at < 0) return body.length;
    let slashes = 0;
    while (at - slashes > from && body[at - slashes - 1] === backslash) slashes++;
    if (slashes % 2 === 0) return at;
  }
}
