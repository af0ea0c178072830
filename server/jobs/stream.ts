/** Events of a job as server-sent events (HTML Living Standard, section 9.2): each with its number, and a comment where nothing happens. */
import type { EventLine } from './log.ts';

/** What of a stream of Hono is used. */
export interface EventSink {
  write(text: string): Promise<unknown>;
  onAbort(listener: () => void): void;
}

export interface StreamOptions {
  readonly heartbeatMs: number;
  /** Calls back again and again until the function returned is called. */
  readonly every: (ms: number, beat: () => void) => () => void;
  /** Ends the stream: the server goes down. */
  readonly ended: AbortSignal;
}

/** Starts watching; the function returned ends it. */
export type Watch = (tell: (line: EventLine) => void) => () => void;

/** Writes events until the one called `end`; resolves when it is written, the reader is gone or the server goes down. */
export async function writeEvents(sink: EventSink, watch: Watch, options: StreamOptions): Promise<void> {
  const { heartbeatMs, every, ended } = options;
  let waiting: EventLine[] = [];
  let beat = false;
  let over = false;
  let wake: () => void = () => undefined;
  const stop = () => {
    over = true;
    wake();
  };
  sink.onAbort(stop);
  ended.addEventListener('abort', stop, { once: true });
  const unwatch = watch((line) => {
    waiting.push(line);
    wake();
  });
  const rest = every(heartbeatMs, () => {
    beat = true;
    wake();
  });
  try {
    if (ended.aborted) return;
    // proxies and browsers take the stream for open once a byte has come
    await sink.write(`retry: ${retryMs}\n\n`);
    while (!over) {
      const lines = waiting;
      waiting = [];
      if (lines.length > 0) await sink.write(lines.map(eventText).join(''));
      else if (beat) await sink.write(':\n\n');
      beat = false;
      if (lines.some(({ type }) => type === 'end')) return;
      if (waiting.length > 0 || over) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    unwatch();
    rest();
    ended.removeEventListener('abort', stop);
  }
}

/** After which a browser asks again for a stream that broke off. */
const retryMs = 1000;

function eventText({ id, type, text }: EventLine): string {
  return `id: ${id}\nevent: ${type}\ndata: ${text}\n\n`;
}
