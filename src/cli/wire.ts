/** What the thread of a command and the thread that owns the terminal say to each other. */
import { Readable, Writable } from 'node:stream';
import type { MessagePort } from 'node:worker_threads';

export type StreamName = 'stdout' | 'stderr';

/** From the command. */
export type Told =
  | { readonly type: 'write'; readonly stream: StreamName; readonly id: number; readonly piece: Uint8Array }
  /** The next piece of stdin is wanted. */
  | { readonly type: 'read' }
  /** A temporary file is there, or gone. */
  | { readonly type: 'file'; readonly path: string; readonly there: boolean }
  /** The interruption was heard: the command comes to its end. */
  | { readonly type: 'heard' }
  | { readonly type: 'exit'; readonly code: number };

/** To the command. */
export type Asked =
  | {
      readonly type: 'written';
      readonly stream: StreamName;
      readonly id: number;
      readonly fault?: WriteFault | undefined;
    }
  | { readonly type: 'piece'; readonly piece: Uint8Array | null; readonly fault?: WriteFault | undefined }
  | { readonly type: 'abort' };

/** What crosses of an error of the system. */
export interface WriteFault {
  readonly message: string;
  readonly code?: string | undefined;
  readonly syscall?: string | undefined;
}

export interface ThreadData {
  readonly argv: readonly string[];
  /** [1]: not 0 when the command is to stop. */
  readonly stop: Int32Array;
  /** What the thread holds where it must not be ended. */
  readonly latch: Int32Array;
  readonly terminal: { readonly isTTY: boolean; readonly columns: number | undefined };
}

export function faultOf(error: NodeJS.ErrnoException): WriteFault {
  return { message: error.message, code: error.code, syscall: error.syscall };
}

function errorOf({ message, ...facts }: WriteFault): Error {
  return Object.assign(new Error(message), facts);
}

/** Writes through another thread, which answers when a piece is written. */
export class WireWritable extends Writable {
  readonly isTTY: boolean;
  readonly columns: number | undefined;
  readonly #port: MessagePort;
  readonly #name: StreamName;
  readonly #waiting = new Map<number, (error?: Error | null) => void>();
  #id = 0;

  constructor(port: MessagePort, name: StreamName, terminal?: ThreadData['terminal']) {
    super();
    this.#port = port;
    this.#name = name;
    this.isTTY = terminal?.isTTY ?? false;
    this.columns = terminal?.columns;
  }

  override _write(piece: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    const id = this.#id++;
    this.#waiting.set(id, done);
    // Copied: what a caller does with its bytes later is its own affair, and small ones share a pool.
    const told: Told = { type: 'write', stream: this.#name, id, piece: Uint8Array.from(piece) };
    this.#port.postMessage(told);
  }

  answered(id: number, fault: WriteFault | undefined): void {
    const done = this.#waiting.get(id);
    this.#waiting.delete(id);
    done?.(fault && errorOf(fault));
  }
}

/** Reads through another thread, a piece when one is wanted. */
export class WireReadable extends Readable {
  readonly #port: MessagePort;

  constructor(port: MessagePort) {
    super();
    this.#port = port;
  }

  override _read(): void {
    const told: Told = { type: 'read' };
    this.#port.postMessage(told);
  }

  answered(piece: Uint8Array | null, fault: WriteFault | undefined): void {
    if (fault !== undefined) this.destroy(errorOf(fault));
    else this.push(piece === null ? null : Buffer.from(piece));
  }
}
