/** Request bodies, read whole under a limit of bytes, a least rate and a budget over all requests. */
import type { IncomingMessage } from 'node:http';
import type { Context, MiddlewareHandler } from 'hono';
import { FunctaError, LimitError } from '../src/core/errors.ts';
import { HttpFault } from './http-fault.ts';
import { parseJson } from './json.ts';
import { checkContentType, jsonType } from './media.ts';
import type { ServerEnv } from './operations/log.ts';
import { Turns } from './traffic/turns.ts';

/** Bytes that have more behind them, as a rule. */
const pacedBytes = 2 ** 14;
/** Bytes on the wire that may be no body: the frames of chunks. */
const frameBytes = 2 ** 16;
/** Reading is asked for in a turn and done after it, by the kernel and Node, about 64 KiB each time. */
const reading = new Turns(undefined, { most: 8 });

/**
 * The body, at most `maxBytes`: a declared length over it is refused before a byte is read, an undeclared one as soon
 * as it is passed. Read it before taking a place. Throws LimitError `limit-body-bytes`; HttpFault 400 `empty-body`,
 * `body-cut-off`, `chunks-too-small`, 408 `too-slow`, 503 `overloaded` when too many bytes are in memory.
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
  if (length === 0) throw emptyBody();
  return Buffer.concat(chunks, length);
}

/**
 * The body as it comes, for who puts it away: what was given is not counted among the bytes in memory. Throws as `readBody`.
 */
export async function* bodyPieces<E extends ServerEnv>(
  c: Context<E>,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  const declared = Number(c.req.header('content-length') ?? 0);
  if (declared > maxBytes) throw tooLarge(declared, maxBytes);
  let length = 0;
  for await (const piece of arriving(c)) {
    length += piece.length;
    if (length > maxBytes) throw tooLarge(length, maxBytes);
    yield piece;
  }
  if (length < declared) throw cutOff();
  if (length === 0) throw emptyBody();
}

async function* arriving<E extends ServerEnv>(c: Context<E>): AsyncGenerator<Uint8Array> {
  const { incoming, outgoing } = c.env ?? {};
  if (incoming === undefined || !('complete' in incoming)) {
    for await (const piece of c.req.raw.body ?? []) yield piece as Uint8Array;
    return;
  }
  if (incoming.headers.expect !== undefined) outgoing?.writeContinue();
  let slow: (fault: Error) => void = () => undefined;
  const tooSlow = new Promise<never>((_, reject) => {
    slow = reject;
  });
  tooSlow.catch(() => undefined);
  const awaited = c.get('connection').awaitBody(slow);
  const pieces = (incoming as IncomingMessage).iterator({ destroyOnReturn: false });
  try {
    for (;;) {
      const next = await Promise.race([pieces.next(), tooSlow]);
      if (next.done) return;
      yield next.value as Uint8Array;
    }
  } catch (error) {
    throw error instanceof FunctaError ? error : cutOff();
  } finally {
    awaited();
    incoming.pause();
  }
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

/** Gives `take` what comes, in turns where it is much; what it throws ends the reading. */
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
      incoming.off('readable', onReadable).off('end', onEnd).off('close', onClose).off('error', onClose);
      if (fault === undefined) return resolve();
      incoming.pause();
      reject(fault);
    };
    const { socket } = incoming;
    const start = socket.bytesRead;
    let taken = 0;
    // All chunks that came together are one: each on its own would cost an event, and memory beyond its bytes.
    const drain = () => {
      try {
        for (let chunk: Buffer | null = incoming.read(); chunk !== null; chunk = incoming.read()) {
          take(chunk);
          taken += chunk.length;
        }
        if (socket.bytesRead - start > 2 * taken + frameBytes) throw tooManyChunks();
      } catch (error) {
        end(error as Error);
      }
    };
    const onReadable = () => {
      if (incoming.readableLength < pacedBytes) return drain();
      reading.enter(() => {
        if (!ended) drain();
        return false;
      });
    };
    const onEnd = () => end();
    const onClose = () => end(incoming.readableEnded ? undefined : cutOff());
    const awaited = c.get('connection').awaitBody(end);
    if (incoming.destroyed || incoming.readableEnded) return onClose();
    incoming.on('readable', onReadable).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
}

function tooManyChunks(): HttpFault {
  return new HttpFault(
    400,
    'chunks-too-small',
    'the body comes in chunks that are mostly frames; send larger ones, or its length',
    { connection: 'close' },
  );
}

function emptyBody(): HttpFault {
  return new HttpFault(400, 'empty-body', 'the request has no body; send the bytes of the signal');
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
