/**
 * Every connection, and how fast its client moves bytes. The measure is taken at the socket, so that it holds for
 * every route: a body that comes too slowly is answered with 408, an answer that is not read is cut off, and when
 * there are too many connections the one that has been silent longest makes room.
 */
import type { Socket } from 'node:net';
import { HttpFault } from '../http-fault.ts';
import { ByteBudget, type Hold } from './budget.ts';
import type { TrafficLimits } from './traffic.ts';
import { Turns } from './turns.ts';

/** One connection, as the request that runs on it sees it. */
export interface Connection {
  /** Network address of the client; the first half of it where it is IPv6. */
  readonly client: string;
  /** A request has arrived: its connection is not cut for silence until `rest`. */
  work(): void;
  /** The answer is out. */
  rest(): void;
  /** The body of the request is awaited until the function returned is called; `onSlow` is told when it is too slow. */
  awaitBody(onSlow: (fault: HttpFault) => void): () => void;
  /** Counts bytes of the request's body in memory. */
  holdBody(): Hold;
  /** Counts bytes of its answer in memory. */
  holdAnswer(): Hold;
}

interface Kept extends Connection {
  readonly socket: Socket;
  readonly bodies: Set<Hold>;
  readonly answers: Set<Hold>;
  phase: 'rest' | 'body' | 'work';
  onSlow: ((fault: HttpFault) => void) | undefined;
  /** When bytes moved last. */
  movedAt: number;
  read: number;
  taken: number;
  /** Where the window over which the rate is measured begins. */
  windowAt: number;
  windowRead: number;
  windowTaken: number;
}

/** Sweeps in one window. */
const sweeps = 10;

/**
 * Bytes of each body that are not counted: a small request finds room however many large ones stall. As many small
 * ones as there may be connections take a quarter of the default bytes in flight.
 */
export const freeBodyBytes = 2 ** 14;
/** What is read of a body at once, about. */
const firstBytes = 2 ** 16;

export class Connections {
  readonly #limits: TrafficLimits;
  readonly #now: () => number;
  /** The one whose bytes moved longest ago comes first. */
  readonly #all = new Map<Socket, Kept>();
  readonly #perClient = new Map<string, number>();
  /** Apart, so that answers that nobody reads leave room for bodies. */
  readonly #bodies: ByteBudget;
  readonly #answers: ByteBudget;
  readonly #timer: NodeJS.Timeout;
  readonly #cuts: Turns;
  #sweptAt: number;

  constructor(limits: TrafficLimits, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
    this.#cuts = new Turns(now);
    this.#sweptAt = now();
    const half = { total: limits.bytesInFlight / 2, share: limits.clientShare };
    const bodies = { ...half, free: freeBodyBytes };
    this.#bodies = new ByteBudget(bodies, (client) => this.#cutSilent('bodies', client));
    this.#answers = new ByteBudget(half, (client) => this.#cutSilent('answers', client));
    this.#timer = setInterval(() => this.sweep(), limits.windowMs / sweeps).unref();
  }

  get count(): number {
    return this.#all.size;
  }

  /** Bytes of bodies and answers in memory. */
  get bytesHeld(): number {
    return this.#bodies.held + this.#answers.held;
  }

  /** Keeps a new connection, or closes it when there is no room and none can be made. */
  take(socket: Socket): void {
    const client = clientOf(socket.remoteAddress);
    const own = this.#perClient.get(client) ?? 0;
    const { connections, clientShare } = this.#limits;
    const full = this.#all.size >= connections;
    const ownFull = own >= Math.max(1, connections * clientShare);
    if ((full || ownFull) && !this.#makeRoom(ownFull ? client : undefined)) {
      socket.destroy();
      return;
    }
    this.#perClient.set(client, (this.#perClient.get(client) ?? 0) + 1);
    this.#all.set(socket, this.#kept(socket, client));
    socket.once('close', () => this.#forget(socket));
  }

  /** The connection of a request; one that nobody watches for a request that came by none. */
  of(socket: Socket | undefined): Connection {
    const found = socket && this.#all.get(socket);
    return found ?? this.#unwatched(socket);
  }

  /** Whether the first bytes of a body of a declared length would find room now. */
  hasRoomForBody(socket: Socket | undefined, declared: number): boolean {
    const counted = Math.min(declared, firstBytes) - freeBodyBytes;
    return !(counted > 0) || this.#bodies.hasRoom(this.of(socket).client, counted);
  }

  /** Looks how far every connection has come, and cuts those below the least rate, in turns. */
  sweep(): void {
    const now = this.#now();
    const { windowMs, leastBytesPerSecond } = this.#limits;
    // After a pause of this process the clients' bytes wait in the kernel: nobody is to blame for the time before.
    const late = now - this.#sweptAt > windowMs / 2;
    this.#sweptAt = now;
    for (const kept of [...this.#all.values()]) {
      const { socket } = kept;
      const read = socket.bytesRead;
      const taken = socket.bytesWritten - socket.writableLength;
      if (read !== kept.read || taken !== kept.taken) this.#moved(kept, now);
      kept.read = read;
      kept.taken = taken;
      const reads = socket.writableLength > 0;
      const awaited = reads || kept.phase === 'body';
      if (awaited && !late && now - kept.windowAt < windowMs) continue;
      const moved = reads ? taken - kept.windowTaken : read - kept.windowRead;
      if (awaited && !late && moved < (leastBytesPerSecond * windowMs) / 1000) {
        // those that came together are due together
        this.#cuts.enter(() => {
          if (this.#all.has(socket)) this.#cutSlow(kept);
          return false;
        });
      }
      kept.windowAt = now;
      kept.windowRead = read;
      kept.windowTaken = taken;
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #kept(socket: Socket, client: string): Kept {
    const now = this.#now();
    const kept: Kept = {
      socket,
      client,
      bodies: new Set(),
      answers: new Set(),
      phase: 'rest',
      onSlow: undefined,
      movedAt: now,
      read: 0,
      taken: 0,
      windowAt: now,
      windowRead: 0,
      windowTaken: 0,
      work: () => this.#enter(kept, 'work'),
      rest: () => this.#enter(kept, 'rest'),
      awaitBody: (onSlow) => {
        this.#enter(kept, 'body');
        kept.onSlow = onSlow;
        return () => {
          kept.onSlow = undefined;
          if (kept.phase === 'body') this.#enter(kept, 'work');
        };
      },
      holdBody: () => this.#hold(kept, 'bodies'),
      holdAnswer: () => this.#hold(kept, 'answers'),
    };
    return kept;
  }

  #unwatched(socket: Socket | undefined): Connection {
    const client = clientOf(socket?.remoteAddress);
    return {
      client,
      work: () => undefined,
      rest: () => undefined,
      awaitBody: () => () => undefined,
      holdBody: () => this.#bodies.hold(client),
      holdAnswer: () => this.#answers.hold(client),
    };
  }

  #hold(kept: Kept, of: 'bodies' | 'answers'): Hold {
    const budget = of === 'bodies' ? this.#bodies : this.#answers;
    const hold = budget.hold(kept.client);
    const counted: Hold = {
      add: (bytes) => hold.add(bytes),
      release: () => {
        kept[of].delete(counted);
        hold.release();
      },
    };
    kept[of].add(counted);
    return counted;
  }

  #enter(kept: Kept, phase: Kept['phase']): void {
    const now = this.#now();
    kept.phase = phase;
    kept.windowAt = now;
    kept.windowRead = kept.socket.bytesRead;
    kept.windowTaken = kept.socket.bytesWritten - kept.socket.writableLength;
    this.#moved(kept, now);
  }

  #moved(kept: Kept, now: number): void {
    kept.movedAt = now;
    // to the end of the order; one that was cut does not come back
    if (this.#all.delete(kept.socket)) this.#all.set(kept.socket, kept);
  }

  #cutSlow(kept: Kept): void {
    const { leastBytesPerSecond } = this.#limits;
    if (kept.onSlow === undefined || kept.socket.writableLength > 0) {
      this.#cut(kept);
      return;
    }
    kept.onSlow(
      new HttpFault(
        408,
        'too-slow',
        `the body came at less than ${leastBytesPerSecond} bytes a second; send it again at once`,
        { connection: 'close' },
      ),
    );
  }

  /** Cuts the connection that has been silent longest, of one client or of any, unless the server works on it. */
  #makeRoom(client: string | undefined): boolean {
    for (const kept of this.#all.values()) {
      if (client !== undefined && kept.client !== client) continue;
      if (kept.phase === 'work' && kept.socket.writableLength === 0) continue;
      this.#cut(kept);
      return true;
    }
    return false;
  }

  /** Cuts the one that has held bytes of a kind longest without moving any. */
  #cutSilent(of: 'bodies' | 'answers', client: string | undefined): boolean {
    const now = this.#now();
    const { windowMs } = this.#limits;
    for (const kept of this.#all.values()) {
      if (now - kept.movedAt < windowMs / sweeps) return false;
      if (kept[of].size === 0 || (client !== undefined && kept.client !== client)) continue;
      if (kept.phase === 'work' && kept.socket.writableLength === 0) continue;
      this.#cut(kept);
      return true;
    }
    return false;
  }

  #cut(kept: Kept): void {
    const { socket } = kept;
    this.#forget(socket);
    // the kernel would keep what it took, megabytes of it, for as long as the client does not read
    if (socket.writableLength > 0) socket.resetAndDestroy();
    else socket.destroy();
  }

  #forget(socket: Socket): void {
    const kept = this.#all.get(socket);
    if (kept === undefined) return;
    this.#all.delete(socket);
    const left = (this.#perClient.get(kept.client) ?? 1) - 1;
    if (left > 0) this.#perClient.set(kept.client, left);
    else this.#perClient.delete(kept.client);
    for (const hold of [...kept.bodies, ...kept.answers]) hold.release();
  }
}

/** IPv4 as it is; of IPv6 the network, since one client has all addresses of it. */
export function clientOf(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped) return mapped[1]!;
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('%', 1)[0]!.split('::');
  const groups = head === '' ? [] : head.split(':');
  const last = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros =
    tail === undefined ? [] : Array<string>(Math.max(0, 8 - groups.length - last.length)).fill('0');
  return [...groups, ...zeros, ...last].slice(0, 4).join(':');
}
