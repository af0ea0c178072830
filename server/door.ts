/**
 * What every request passes before the application: whom it is addressed to, and whether there is room. A refusal
 * here costs no route, no body and one small answer.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { HostRule } from './access/hosts.ts';
import { HttpFault } from './http-fault.ts';
import { type AccessRecord, loggedPath } from './operations/log.ts';
import { problemOf } from './problem.ts';
import { type Admission, overloaded, type WorkClass } from './traffic/admission.ts';
import type { Connections } from './traffic/connections.ts';
import type { Pacer } from './traffic/pacer.ts';
import { Turns } from './traffic/turns.ts';

export interface DoorOptions {
  readonly admission: Pick<Admission, 'isFull'>;
  readonly connections: Connections;
  readonly pacer: Pacer;
  readonly mayBeCalled: HostRule;
  readonly log: ((record: AccessRecord) => void) | undefined;
  readonly now?: (() => Date) | undefined;
}

export type Listener = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

/** How long the rest of a body that nobody wants may come, so that its sender reads the answer and not a reset. */
const lingerMs = 2000;

/** The listener for `request` and for `checkContinue` of an HTTP server, which passes on to `inside`. */
export function doorTo(inside: Listener, options: DoorOptions): Listener {
  const { admission, connections, pacer, mayBeCalled } = options;
  const enter = newcomersInTurns(inside);
  return inOrder((incoming, outgoing) => {
    const misdirected = mayBeCalled(incoming.headers.host);
    if (misdirected !== undefined) {
      return refuse(new HttpFault(421, 'misdirected', misdirected), incoming, outgoing, options);
    }
    const kind = classOf(incoming);
    const length = Number(incoming.headers['content-length'] ?? 0);
    if (
      kind !== undefined &&
      (admission.isFull(kind, connections.of(incoming.socket).client) ||
        !connections.hasRoomForBody(incoming.socket, length))
    ) {
      const back = pacer.pace(() => refuse(overloaded(), incoming, outgoing, options));
      outgoing.once('close', back);
      return;
    }
    const connection = connections.of(incoming.socket);
    connection.work();
    outgoing.once('close', () => connection.rest());
    enter(incoming, outgoing);
  });
}

/** New connections whose requests are let in in one turn. */
const mostNew = 4;

/**
 * The first request of a connection goes in in turns, those of one that has had an answer at once: where a thousand connect together, who
 * was there before does not wait for all of them.
 */
function newcomersInTurns(listener: Listener): Listener {
  const known = new WeakSet<Socket>();
  const turns = new Turns(undefined, { most: mostNew });
  return (incoming, outgoing) => {
    const { socket } = incoming;
    if (known.has(socket)) return listener(incoming, outgoing);
    outgoing.once('finish', () => known.add(socket));
    turns.enter(() => {
      if (!outgoing.destroyed) listener(incoming, outgoing);
      return false;
    });
  };
}

/** Requests of one connection that wait for those ahead of them before no more are read. */
const mostAhead = 16;

/**
 * A request that was sent before the one ahead of it on its connection was answered waits for that: answers go out in
 * order anyway, and whoever asks for much and reads nothing is to cost one request. A connection on which many wait
 * is not read, since each of them takes memory.
 */
function inOrder(listener: Listener): Listener {
  const lines = new WeakMap<Socket, { last: ServerResponse; ahead: number }>();
  return (incoming, outgoing) => {
    const { socket } = incoming;
    const line = lines.get(socket);
    if (line === undefined || line.last.closed) {
      lines.set(socket, { last: outgoing, ahead: 0 });
      return listener(incoming, outgoing);
    }
    const before = line.last;
    line.last = outgoing;
    // Node reads on after each request that it has parsed, so that the pause has to come after all of this read
    if (++line.ahead === mostAhead) process.nextTick(() => line.ahead >= mostAhead && socket.pause());
    before.once('close', () => {
      if (--line.ahead === mostAhead - 1) socket.resume();
      if (!socket.destroyed) listener(incoming, outgoing);
    });
  };
}

/**
 * The least class of work that a request with a body can be of, by its path alone: what its body says is not known
 * before it is read, and a request that may be small is refused here only when nothing is taken.
 */
function classOf({ method, url = '' }: IncomingMessage): WorkClass | undefined {
  if (method !== 'POST') return undefined;
  return /\/(combine|complete)(\?|$)/.test(url) ? 'large' : 'small';
}

function refuse(
  fault: HttpFault,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { log, now = () => new Date() }: DoorOptions,
): void {
  if (outgoing.destroyed) return;
  const started = performance.now();
  const id = randomUUID();
  const { body, headers } = problemOf(fault, id);
  // who was not told to go on will not send the body, and its length no longer says where the next request begins
  const close = incoming.headers.expect === undefined ? {} : { connection: 'close' };
  outgoing.writeHead(fault.status, { ...headers, 'x-request-id': id, ...close });
  outgoing.end(body);
  if (!incoming.complete) {
    const timer = setTimeout(() => incoming.complete || incoming.socket.destroy(), lingerMs).unref();
    outgoing.once('close', () => incoming.complete && clearTimeout(timer));
  }
  log?.({
    time: now().toISOString(),
    id,
    method: incoming.method ?? '',
    path: loggedPath(incoming.url ?? ''),
    status: fault.status,
    ms: Math.round((performance.now() - started) * 10) / 10,
    code: fault.code,
  });
}
