/**
 * What happened to a job, one JSON object a line, numbered from 1. A line is only ever added behind the others, and what is half written is
 * cut off: what a process that died left of one when the log is opened again, what a full disk took of one at once.
 */
import { appendFile, readFile, stat, truncate } from 'node:fs/promises';
import { writeFailure } from '../../src/disk/failure.ts';

/** What a job tells of its work; `end` is the last one. */
export interface JobEventBody {
  readonly type: 'state' | 'start' | 'progress' | 'checkpoint' | 'note' | 'end';
  readonly [member: string]: unknown;
}

export type LoggedEvent = JobEventBody & { readonly id: number; readonly at: string };

/** One event as it goes over the wire. */
export interface EventLine {
  readonly id: number;
  readonly type: string;
  /** JSON. */
  readonly text: string;
}

const lineStart = /^\{"id":(\d+),"type":"([a-z]+)"/;

export class EventLog {
  readonly #path: string;
  #next: number;
  /** Bytes of whole lines. */
  #bytes: number;
  /** Lines that the disk did not take; they are written before the next one. */
  #unwritten: EventLine[] = [];
  #last: Promise<void> = Promise.resolve();

  private constructor(path: string, next: number, bytes: number) {
    this.#path = path;
    this.#next = next;
    this.#bytes = bytes;
  }

  /** Opens a log, or begins one. Throws EnvironmentError `disk-full` or `cannot-write`. */
  static async open(path: string): Promise<EventLog> {
    try {
      const text = await readFile(path, 'utf8').catch(noneYet);
      const whole = text.slice(0, text.lastIndexOf('\n') + 1);
      const bytes = Buffer.byteLength(whole);
      if (whole.length < text.length) await truncate(path, bytes);
      return new EventLog(path, (linesOf(whole).at(-1)?.id ?? 0) + 1, bytes);
    } catch (error) {
      throw writeFailure(path, error);
    }
  }

  /** The number of the last event; 0: there is none. */
  get last(): number {
    return this.#next - 1;
  }

  /**
   * Adds an event; `written` resolves when it is on the disk, and rejects with EnvironmentError `disk-full` or `cannot-write` where there is no
   * room for it: it is then kept here, and told by `after`.
   */
  add(body: JobEventBody, at: Date): { readonly line: EventLine; readonly written: Promise<void> } {
    const { type, ...rest } = body;
    const id = this.#next++;
    const text = JSON.stringify({ id, type, at: at.toISOString(), ...rest });
    const line = { id, type, text };
    const written = this.#last.then(() => this.#append(line));
    this.#last = written.catch(() => undefined);
    return { line, written };
  }

  /** Events after the one of number `after`, all that were added before, also those that could not be written. */
  after(after: number): Promise<EventLine[]> {
    // between two writes: one under way stands in the file or not
    const found = this.#last.then(async () => {
      const kept = await readEvents(this.#path, after);
      return [...kept, ...this.#unwritten.filter(({ id }) => id > after)];
    });
    this.#last = found.then(
      () => undefined,
      () => undefined,
    );
    return found;
  }

  async #append(line: EventLine): Promise<void> {
    this.#unwritten.push(line);
    const text = this.#unwritten.map((one) => `${one.text}\n`).join('');
    try {
      // a full disk takes a part of a write, and says so, or nothing, at the next
      await appendFile(this.#path, text);
    } catch (error) {
      const there = await stat(this.#path).catch(() => undefined);
      if (there !== undefined && there.size > this.#bytes)
        await truncate(this.#path, this.#bytes).catch(() => undefined);
      throw writeFailure(this.#path, error);
    }
    this.#bytes += Buffer.byteLength(text);
    this.#unwritten = [];
  }

  /** Resolves when all that was added is written, or could not be. */
  settled(): Promise<void> {
    return this.#last;
  }
}

/** Events after the one of number `after`, as they are on the disk. */
export async function readEvents(path: string, after: number): Promise<EventLine[]> {
  const text = await readFile(path, 'utf8').catch(noneYet);
  return linesOf(text).filter(({ id }) => id > after);
}

function linesOf(text: string): EventLine[] {
  return text.split('\n').flatMap((line) => {
    const [, id, type] = lineStart.exec(line) ?? [];
    return id === undefined || !line.endsWith('}') ? [] : [{ id: Number(id), type: type!, text: line }];
  });
}

function noneYet(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return '';
  throw error;
}
