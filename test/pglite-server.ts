/** PGlite behind a socket, one connection at a time: a database with the extensions that it brings, for programs that connect to one. */
import { mkdirSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { PGlite } from '@electric-sql/pglite';

export interface PgliteServer {
  readonly url: string;
  close(): void;
}

/** Codes in the place of a version ("Message Formats", in the manual): a question for encryption, which is answered with no. */
const askingFor = [80877103, 80877104];

export async function serve(db: PGlite, directory: string): Promise<PgliteServer> {
  mkdirSync(directory, { recursive: true });
  const server = createServer((socket) => void answer(db, socket));
  await new Promise<void>((resolve) => server.listen(join(directory, '.s.PGSQL.5432'), resolve));
  return {
    url: `postgres://postgres@/postgres?host=${encodeURIComponent(directory)}`,
    close: () => server.close(),
  };
}

async function answer(db: PGlite, socket: Socket): Promise<void> {
  socket.on('error', () => socket.destroy());
  let rest = Buffer.alloc(0);
  let started = false;
  for await (const chunk of socket) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    for (;;) {
      // a length, and before it, but in the first message, a letter
      const at = started ? 1 : 0;
      if (rest.length < at + 4) break;
      const length = at + rest.readInt32BE(at);
      if (rest.length < length) break;
      const message = rest.subarray(0, length);
      rest = rest.subarray(length);
      if (!started && askingFor.includes(message.readInt32BE(4))) socket.write('N');
      else if (message[0] === 'X'.charCodeAt(0)) return void socket.end();
      else {
        started = true;
        socket.write(await db.execProtocolRaw(new Uint8Array(message)));
      }
    }
  }
}
