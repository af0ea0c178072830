/**
 * What happened to a job, one JSON object a line, numbered from 1. A line is only ever added behind the others; what a process that died
 * left half written is cut off when the log is opened again.
 */
import { appendFile, open, readFile } from 'node:fs/promises';
import { writeFailure } from '../../src/disk/whole.ts';

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
  #last: Promise<void> = Promise.resolve();

  private constructor(path: string, next: number) {
    this.#path = path;
    this.#next = next;
  }

  /** Opens a log, or begins one. Throws EnvironmentError `disk-full` or `cannot-write`. */
  static async open(path: string): Promise<EventLog> {
    try {
      const text = await readFile(path, 'utf8').catch(noneYet);
      const whole = text.lastIndexOf('\n') + 1;
      if (whole < text.length) {
        const file = await open(path, 'r+');
        try {
          await file.truncate(Buffer.byteLength(text.slice(0, whole)));
        } finally {
          await file.close();
        }
      }
      return new EventLog(path, (linesOf(text.slice(0, whole)).at(-1)?.id ?? 0) + 1);
    } catch (error) {
      throw writeFailure(path, error);
    }
  }

  /** The number of the last event; 0: there is none. */
  get last(): number {
    return this.#next - 1;
  }

  /** Adds an event; resolves when it is written, and rejects with EnvironmentError `disk-full` or `cannot-write`. */
  add(body: JobEventBody, at: Date): { readonly line: EventLine; readonly written: Promise<void> } {
    const { type, ...rest } = body;
    const id = this.#next++;
    const text = JSON.stringify({ id, type, at: at.toISOString(), ...rest });
    const written = this.#last.then(() => appendFile(this.#path, `${text}\n`)).catch(failing(this.#path));
    this.#last = written.catch(() => undefined);
    return { line: { id, type, text }, written };
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

function failing(path: string): (error: unknown) => never {
  return (error) => {
    throw writeFailure(path, error);
  };
}
