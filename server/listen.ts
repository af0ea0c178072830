/** The HTTP server itself: its deadlines, its door, how it listens and how it goes down. */
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { EnvironmentError } from '../src/core/errors.ts';
import { type HostRule, hostRule } from './access/hosts.ts';
import type { ServerContext } from './context.ts';
import { doorTo } from './door.ts';
import { HttpFault } from './http-fault.ts';
import type { AccessRecord } from './operations/log.ts';
import { problemOf } from './problem.ts';
import { pacedResponse } from './response.ts';
import { Turns } from './traffic/turns.ts';

/** Longer than proxies and clients keep a connection, so that they close it and not we under their next request. */
const keepAliveTimeoutMs = 75_000;
/** Between looks, while draining, at whose last answer has been given. */
const idleCheckMs = 50;

/** Connections that wait to be taken; the kernel drops those beyond it, and their clients ask again after seconds. */
const backlog = 4096;

/** Time between looks at headers that are late: those that came together are refused a few at a time. */
const checkingMs = 50;

/** How long who sent no request has to read why. */
const lingerMs = 1000;

export interface ListenOptions {
  readonly port: number;
  readonly host: string;
  readonly allowedHosts: readonly string[];
  readonly log: ((record: AccessRecord) => void) | undefined;
}

export interface Listening {
  readonly port: number;
  /** The address that is listened on, which tells whether others than this machine reach it. */
  readonly address: string;
  /** No new connections; those at rest are closed, those at work get `graceMs`. */
  drain(graceMs: number): Promise<void>;
}

type Fetch = Parameters<typeof getRequestListener>[0];

/** Throws EnvironmentError `port-in-use` or `cannot-listen`. */
export async function listen(
  fetch: Fetch,
  context: ServerContext,
  { port, host, allowedHosts, log }: ListenOptions,
): Promise<Listening> {
  const { headersMs, requestMs, connections: mostConnections } = context.traffic;
  const server = createServer({
    headersTimeout: headersMs,
    requestTimeout: Math.max(headersMs, requestMs),
    keepAliveTimeout: keepAliveTimeoutMs,
    ServerResponse: pacedResponse(context.connections, context.pacer),
    connectionsCheckingInterval: Math.min(checkingMs, headersMs / 4),
  });
  let rule: HostRule | undefined;
  const { admission, connections, pacer } = context;
  const inside = getRequestListener(fetch);
  const door = doorTo((incoming, outgoing) => void inside(incoming, outgoing), {
    admission,
    connections,
    pacer,
    mayBeCalled: (name) => rule?.(name),
    log,
  });
  // should room-making ever fail to keep the count
  server.maxConnections = mostConnections + 64;
  server.on('connection', (socket: Socket) => connections.take(socket));
  server.on('request', door);
  // the body is asked for when it is read
  server.on('checkContinue', door);
  const turns = new Turns();
  server.on('clientError', (error, socket) => {
    turns.enter(() => {
      answerClientError(error, socket as Socket);
      return false;
    });
  });
  const at = await bind(server, port, host);
  rule = hostRule(at.address, allowedHosts);
  return { port: at.port, address: at.address, drain: (graceMs) => drain(server, context, graceMs) };
}

function bind(server: Server, port: number, host: string): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const busy = error.code === 'EADDRINUSE';
      const message = busy
        ? `port ${port} of ${host} is in use; choose another, or stop what listens there`
        : `cannot listen on port ${port} of ${host}: ${error.message}`;
      reject(new EnvironmentError(busy ? 'port-in-use' : 'cannot-listen', message, { cause: error }));
    });
    server.listen({ port, host, backlog }, () => resolve(server.address() as AddressInfo));
  });
}

async function drain(server: Server, context: ServerContext, graceMs: number): Promise<void> {
  context.state.draining = true;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.on('request', (_request: IncomingMessage, response: ServerResponse) => {
    if (!response.headersSent) response.setHeader('connection', 'close');
  });
  context.pacer.close();
  server.closeIdleConnections();
  // An answer that was under way keeps its connection alive, for which nobody waits any more.
  const idle = setInterval(() => server.closeIdleConnections(), idleCheckMs);
  const timer = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(timer);
  clearInterval(idle);
}

/** What is said to one that never became a request, by the code of Node's error: bad syntax, too large, too slow. */
const clientErrors: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: wireText(
    new HttpFault(431, 'headers-too-large', 'the header fields are too large; send fewer'),
  ),
  ERR_HTTP_REQUEST_TIMEOUT: wireText(
    new HttpFault(408, 'request-timeout', 'the request took too long to arrive; send it again'),
  ),
  HPE_INVALID_EOF_STATE: wireText(
    new HttpFault(400, 'body-cut-off', 'the request ended early; send it again whole'),
  ),
};
const malformed = wireText(new HttpFault(400, 'malformed-request', 'the request is not valid HTTP/1.1'));

function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  socket.end(clientErrors[error.code ?? ''] ?? malformed);
  // its other half would stay open for as long as the client likes
  setTimeout(() => socket.destroy(), lingerMs).unref();
}

/** A whole answer, for a socket that has no response. */
function wireText(fault: HttpFault): string {
  const { body, headers } = problemOf(fault, '');
  const fields = Object.entries({ ...headers, connection: 'close' });
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `HTTP/1.1 ${fault.status} ${STATUS_CODES[fault.status]}\r\n${lines}\r\n${body}`;
}
