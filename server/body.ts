/** Request bodies, read whole under a limit. */
import type { Context, MiddlewareHandler } from 'hono';
import { LimitError } from '../src/core/errors.ts';
import { checkContentType, jsonType } from './media.ts';
import { HttpFault } from './problem.ts';

/**
 * The body, at most `maxBytes`: a declared length over it is refused before a byte is read, an undeclared one as soon
 * as it is passed. Throws LimitError `limit-body-bytes`; HttpFault 400 `empty-body`, `body-cut-off`.
 */
export async function readBody(c: Context, maxBytes: number): Promise<Uint8Array> {
  const declared = Number(c.req.header('content-length') ?? 0);
  if (declared > maxBytes) throw tooLarge(declared, maxBytes);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of incoming(c)) {
    length += chunk.length;
    if (length > maxBytes) throw tooLarge(length, maxBytes);
    chunks.push(chunk);
  }
  if (length < declared) throw cutOff();
  if (length === 0)
    throw new HttpFault(400, 'empty-body', 'the request has no body; send the bytes of the signal');
  return Buffer.concat(chunks, length);
}

/** Lets only JSON bodies of at most `maxBytes` through to the validator, which reads them unbounded. */
export function smallJson(maxBytes: number): MiddlewareHandler {
  return async (c, next) => {
    checkContentType(c.req.header('content-type'), [jsonType]);
    const body = await readBody(c, maxBytes);
    try {
      c.req.bodyCache.json = Promise.resolve(
        JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)),
      );
    } catch {
      throw new HttpFault(
        400,
        'malformed-json',
        'the body is not JSON in UTF-8; send an object such as {"count": 16}',
      );
    }
    await next();
  };
}

async function* incoming(c: Context): AsyncIterable<Uint8Array> {
  const { body } = c.req.raw;
  if (body === null) return;
  try {
    for await (const chunk of body) yield chunk as Uint8Array;
  } catch (error) {
    if (error instanceof LimitError) throw error;
    throw cutOff();
  }
}

function cutOff(): HttpFault {
  return new HttpFault(400, 'body-cut-off', 'the body ended before its declared length; send it again whole');
}

function tooLarge(asked: number, allowed: number): LimitError {
  return new LimitError(
    'body-bytes',
    allowed,
    asked,
    'send a smaller signal, or code it with the command line',
  );
}
