/** Clients that misbehave slowly, on raw sockets: what a server has to bear without others noticing. */
import { createConnection, type Socket } from 'node:net';

export const slowKinds = ['header', 'idle', 'stalled', 'body', 'reading', 'leaving'] as const;
/**
 * `header`: a header that comes byte by byte. `idle`: a body of which nothing comes. `stalled`: one of which all
 * but the last byte comes. `body`: one that comes byte by
 * byte. `reading`: an answer that is never read. `leaving`: a request that is left as soon as it was sent, again and
 * again.
 */
export type SlowKind = (typeof slowKinds)[number];

export interface SlowOptions {
  readonly port: number;
  readonly kind: SlowKind;
  readonly count: number;
  /** Milliseconds between the bytes of a slow sender, and between the requests of one that leaves. */
  readonly everyMs: number;
  /** A request with a body: path and media type. */
  readonly upload: { readonly path: string; readonly type: string; readonly body: Uint8Array };
  /** What a client asks for at once, more bytes than the kernel takes in; clients take the lists in turn. */
  readonly download: readonly (readonly string[])[];
  /** One of several addresses of this machine to come from. */
  readonly from?: string;
}

export interface SlowClients {
  /** Connections that are open. */
  readonly open: number;
  /** Connections that were made, those that took the place of a cut one included. */
  readonly connected: number;
  /** First lines of the answers that came to clients that read. */
  readonly statuses: ReadonlyMap<string, number>;
  stop(): void;
}

/** Starts `count` slow clients; one that is cut comes back after `everyMs` when it is to `stay`. */
export function slowClients(options: SlowOptions & { readonly stay?: boolean }): SlowClients {
  const sockets = new Set<Socket>();
  const statuses = new Map<string, number>();
  let connected = 0;
  let stopped = false;
  const begin = (i: number) => {
    if (stopped) return;
    const socket = connect(options, i, (line) => statuses.set(line, (statuses.get(line) ?? 0) + 1));
    sockets.add(socket);
    socket.once('connect', () => connected++);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(socket);
      if (options.stay || options.kind === 'leaving') setTimeout(() => begin(i), options.everyMs).unref();
    });
  };
  for (let i = 0; i < options.count; i++) begin(i);
  return {
    get open() {
      return sockets.size;
    },
    get connected() {
      return connected;
    },
    statuses,
    stop() {
      stopped = true;
      for (const socket of sockets) socket.destroy();
    },
  };
}

function connect(
  { port, kind, everyMs, upload, download, from }: SlowOptions,
  i: number,
  told: (line: string) => void,
): Socket {
  const socket = createConnection({ port, host: '127.0.0.1', ...(from ? { localAddress: from } : {}) });
  const head = `POST ${upload.path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: ${upload.type}\r\n`;
  const length = `content-length: ${upload.body.length}\r\n\r\n`;
  if (kind !== 'reading') {
    socket.once('data', (data) => told(data.toString('latin1').split('\r\n', 1)[0]!));
  }
  socket.once('connect', () => {
    switch (kind) {
      case 'header':
        socket.write(`${head}x-slow: `);
        return drip(socket, everyMs, () => 'x');
      case 'idle':
        socket.write(head + length);
        return;
      case 'stalled':
        socket.write(head + length);
        socket.write(upload.body.subarray(0, -1));
        return;
      case 'body':
        socket.write(head + length);
        return drip(socket, everyMs, (sent) => upload.body.subarray(sent, sent + 1));
      case 'reading':
        socket.pause();
        for (const path of download[i % download.length] ?? []) {
          socket.write(
            `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/x-npy, */*;q=0.5\r\n\r\n`,
          );
        }
        return;
      case 'leaving':
        socket.write(head + length);
        socket.write(upload.body, () => setTimeout(() => socket.destroy(), 5));
        return;
      default:
        kind satisfies never;
    }
  });
  return socket;
}

function drip(socket: Socket, everyMs: number, next: (sent: number) => string | Uint8Array): void {
  let sent = 0;
  const timer = setInterval(() => socket.write(next(sent++)), everyMs);
  socket.once('close', () => clearInterval(timer));
}
