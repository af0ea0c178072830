/**
 * Responses that hand their bytes over a piece at a time. A body given whole to a socket counts as unsent until its
 * last byte is taken, so nobody could tell a client that reads slowly from one that does not read.
 */
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Connections } from './connections.ts';

/** Bytes of a piece; far fewer than a client has to take in a window. */
export const pieceBytes = 2 ** 15;

/** A class for `createServer`: its responses count large bodies among the bytes in memory until they are taken. */
export function pacedResponse(connections: Connections): typeof ServerResponse<IncomingMessage> {
  return class PacedResponse extends ServerResponse<IncomingMessage> {
    override end(...given: unknown[]): this {
      const [body, encoding] = given;
      const isBody = typeof body === 'string' || body instanceof Uint8Array;
      if (!isBody || body.length <= pieceBytes) return super.end(...(given as []));
      const named = typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8';
      const done = given.find((value) => typeof value === 'function') as (() => void) | undefined;
      this.#send(typeof body === 'string' ? Buffer.from(body, named) : body, done);
      return this;
    }

    #send(bytes: Uint8Array, done: (() => void) | undefined): void {
      const hold = connections.of(this.socket ?? undefined).hold();
      this.once('close', () => hold.release());
      try {
        hold.add(bytes.length);
      } catch {
        // the head has been written: nothing is left to say
        this.destroy();
        return;
      }
      let at = 0;
      const go = () => {
        while (bytes.length - at > pieceBytes) {
          const taken = super.write(bytes.subarray(at, at + pieceBytes));
          at += pieceBytes;
          if (!taken) {
            this.once('drain', go);
            return;
          }
        }
        super.end(bytes.subarray(at), done);
      };
      go();
    }
  };
}
