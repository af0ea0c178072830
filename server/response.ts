/**
 * Responses that hand their bytes over a piece at a time. A body given whole to a socket counts as unsent until its
 * last byte is taken, so nobody could tell a client that reads slowly from one that does not read.
 */
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Connections } from './traffic/connections.ts';
import type { Pacer } from './traffic/pacer.ts';
import { Turns } from './traffic/turns.ts';

/** Bytes of a piece; far fewer than a client has to take in a window. */
export const pieceBytes = 2 ** 15;

/**
 * A class for `createServer`: its responses count large bodies among the bytes in memory until they are taken, and
 * write them in turns. Where there is no room for one, its connection is cut in the turn of refusals.
 */
export function pacedResponse(
  connections: Connections,
  pacer: Pick<Pacer, 'pace'>,
): typeof ServerResponse<IncomingMessage> {
  const turns = new Turns();
  return class PacedResponse extends ServerResponse<IncomingMessage> {
    override end(...given: unknown[]): this {
      const [body, encoding] = given;
      const isBody = typeof body === 'string' || body instanceof Uint8Array;
      if (!isBody || body.length <= pieceBytes) return super.end(...(given as []));
      const named = typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8';
      const done = given.find((value) => typeof value === 'function') as (() => void) | undefined;
      const bytes = typeof body === 'string' ? Buffer.from(body, named) : body;
      if (this.#hold(bytes.length)) this.#send(bytes, done);
      else this.#refuse();
      return this;
    }

    #hold(bytes: number): boolean {
      // of a request that was sent before the answer to another was read, the answer has no socket yet
      const hold = connections.of(this.req.socket).holdAnswer();
      this.once('close', () => hold.release());
      try {
        hold.add(bytes);
        return true;
      } catch {
        return false;
      }
    }

    /** The head has been written, so nothing is left to say; who comes back at once is to do so at the pace of refusals. */
    #refuse(): void {
      const { socket } = this.req;
      connections.of(socket).rest();
      const back = pacer.pace(() => socket.resetAndDestroy());
      socket.once('close', back);
    }

    #send(bytes: Uint8Array, done: (() => void) | undefined): void {
      let at = 0;
      const step = (): boolean => {
        if (this.destroyed || this.req.socket.destroyed) return false;
        const piece = bytes.subarray(at, at + pieceBytes);
        at += piece.length;
        if (at === bytes.length) {
          super.end(piece, done);
          return false;
        }
        if (super.write(piece)) return true;
        this.once('drain', () => turns.enter(step));
        return false;
      };
      turns.enter(step);
    }
  };
}
