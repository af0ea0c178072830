/** Request bodies, read whole under a limit of bytes, a least rate and a budget over all requests. */
import type { IncomingMessage } from 'node:http';
import type { Context, MiddlewareHandler } from 'hono';
import { LimitError } from '../src/core/errors.ts';
import { parseJson } from './json.ts';
import type { ServerEnv } from './log.ts';
import { checkContentType, jsonType } from './media.ts';
import { HttpFault } from './problem.ts';
import { Turns } from './turns.ts';

/** A chunk of so many bytes has more behind it, as a rule. */
const pacedBytes = 2 ** 14;
/** Reading is asked for in a turn and done after it, by the kernel and Node, about 64 KiB each time. */
const reading = new Turns(undefined, { most: 8 });

/**
 * The body, at most `maxBytes`: a declared length over it is refused before a byte is read, an undeclared one as soon
 * as it is passed. Read it before taking a place. Throws LimitError `limit-body-bytes`; HttpFault 400 `empty-body`,
 * `body-cut-off`, 408 `too-slow`, 503 `overloaded` when too many bytes are in memory.
 */
export async function readBody<E extends ServerEnv>(c: Context<E>, maxBytes: number): Promise<Uint8Array> {
  const declared = Number(c.req.header('content-length') ?? 0);
  if (declared > maxBytes) throw tooLarge(declared, maxBytes);
  const chunks: Uint8Array[] = [];
  let length = 0;
  const hold = c.get('body');
  const take = (chunk: Uint8Array) => {
    length += chunk.length;
    if (length > maxBytes) throw tooLarge(length, maxBytes);
    hold.add(chunk.length);
    chunks.push(chunk);
  };
  const { incoming, outgoing } = c.env ?? {};
  if (incoming !== undefined && 'complete' in incoming) {
    if (incoming.headers.expect !== undefined) outgoing?.writeContinue();
    await receive(incoming as IncomingMessage, c, take);
  } else {
    for await (const chunk of c.req.raw.body ?? []) take(chunk as Uint8Array);
  }
  if (length < declared) throw cutOff();
  if (length === 0)
    throw new HttpFault(400, 'empty-body', 'the request has no body; send the bytes of the signal');
  return Buffer.concat(chunks, length);
}

/** Reads and parses a JSON body of at most `maxBytes` for the validator behind it. */
export function smallJson(maxBytes: number): MiddlewareHandler<ServerEnv> {
  return async (c, next) => {
    checkContentType(c.req.header('content-type'), [jsonType]);
    const { maxBodyBytes, traffic } = c.get('intake');
    const json = parseJson(await readBody(c, Math.min(maxBytes, maxBodyBytes)), traffic);
    c.req.bodyCache.json = Promise.resolve(json);
    await next();
  };
}

/** Gives `take` each chunk as it comes; what it throws ends the reading. */
function receive<E extends ServerEnv>(
  incoming: IncomingMessage,
  c: Context<E>,
  take: (chunk: Uint8Array) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let ended = false;
    const end = (fault?: Error) => {
      ended = true;
      awaited();
      incoming.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
      if (fault === undefined) return resolve();
      incoming.pause();
      reject(fault);
    };
    const onData = (chunk: Uint8Array) => {
      try {
        take(chunk);
      } catch (error) {
        return end(error as Error);
      }
      if (chunk.length < pacedBytes) return;
      incoming.pause();
      reading.enter(() => {
        if (!ended) incoming.resume();
        return false;
      });
    };
    const onEnd = () => end();
    const onClose = () => end(incoming.readableEnded ? undefined : cutOff());
    const awaited = c.get('connection').awaitBody(end);
    if (incoming.destroyed || incoming.readableEnded) return onClose();
    incoming.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
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
