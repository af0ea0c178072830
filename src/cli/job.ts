/** What every command gets beside its own arguments, and what it gives back. */
import type { Readable, Writable } from 'node:stream';
import { Progress, type ProgressSink } from './progress.ts';

export const engineNames = ['native', 'wasm', 'tfjs', 'reference'] as const;

/** Flags that every command takes. */
export interface Globals {
  readonly engine?: (typeof engineNames)[number];
  readonly threads?: number;
  readonly quiet: boolean;
  readonly json: boolean;
}

export interface Streams {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable & ProgressSink;
}

/** What a command found: one JSON object with `--json`, else these lines. */
export interface Report {
  readonly data: Record<string, unknown>;
  readonly lines: readonly string[];
  /** The command wrote its bytes to stdout: lines go to stderr. */
  readonly stdoutTaken?: boolean;
}

export class Job {
  readonly globals: Globals;
  readonly streams: Streams;
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  private running: Progress | undefined;

  constructor(globals: Globals, streams: Streams, signal: AbortSignal) {
    this.globals = globals;
    this.streams = streams;
    this.signal = signal;
  }

  /** One line to stderr beside the results; `--quiet` drops it. */
  note(line: string): void {
    if (this.globals.quiet) return;
    this.running?.clear();
    this.streams.stderr.write(`${line}\n`);
  }

  /** Runs `work` under a progress display on stderr. */
  async progress<T>(label: string, unit: string, work: (progress: Progress) => Promise<T>): Promise<T> {
    const sink = this.globals.quiet ? silent : this.streams.stderr;
    const progress = new Progress(sink, { label, unit, now: () => performance.now() });
    this.running = progress;
    try {
      return await work(progress);
    } finally {
      progress.end();
      this.running = undefined;
    }
  }
}

const silent: ProgressSink = { write: () => true };
