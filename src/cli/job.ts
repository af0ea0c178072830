/** What every command gets beside its own arguments, and what it gives back. */
import type { Readable, Writable } from 'node:stream';
import type { FunctaError } from '../core/errors.ts';
import { defaultLimits, type Limits } from '../core/limits.ts';
import { UsageError } from './exit.ts';
import { standardStream, writeQuietly, writeReport } from './files.ts';
import { Progress, type ProgressSink } from './progress.ts';

/** Values of the flags that raise or lower limits; see limitOptions. */
export interface LimitFlags {
  readonly maxSamples: number;
  readonly maxWork: number;
  readonly maxBytes: number;
  readonly maxSymbols: number;
  readonly maxFreeSymbols: number;
  readonly maxAxis: number;
}

/** Flags that every command takes. */
export interface Globals extends Partial<Omit<LimitFlags, 'maxBytes'>> {
  readonly engine?: string;
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
  /** The report stands, and the command failed all the same: it found what it was to look for. */
  readonly fault?: FunctaError;
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

  /** What a command may ask for; `--max-bytes` is of commands that read files. */
  get limits(): Limits {
    return { ...defaultLimits, ...this.limitsAsked };
  }

  /** Limits that flags gave. */
  get limitsAsked(): Partial<Limits> {
    const { maxSamples, maxWork, maxSymbols, maxFreeSymbols, maxAxis } = this.globals;
    return {
      ...(maxSamples !== undefined && { maxSamples }),
      ...(maxWork !== undefined && { maxMultiplyAdds: maxWork }),
      ...(maxSymbols !== undefined && { maxSymbols }),
      ...(maxFreeSymbols !== undefined && { maxFreeSymbols }),
      ...(maxAxis !== undefined && { maxAxis }),
    };
  }

  /** With `--json` stdout belongs to the object: bytes may not go there too. */
  checkStdout(output: string): void {
    if (this.globals.json && output === standardStream) {
      throw new UsageError(
        'stdout-taken',
        '--json writes its object to stdout; give the bytes a file with --output',
      );
    }
  }

  /**
   * Prints a report: what a command returns is printed at its end, what runs on prints when it has something to say. Throws what
   * writing to stdout throws, unless its reader has gone.
   */
  async present(report: Report): Promise<void> {
    const { stdout, stderr } = this.streams;
    const { json, quiet } = this.globals;
    if (json) await writeReport(stdout, `${JSON.stringify(report.data, jsonNumber)}\n`);
    else if (report.lines.length > 0 && !(report.stdoutTaken && quiet)) {
      const text = `${report.lines.join('\n')}\n`;
      if (report.stdoutTaken) await writeQuietly(stderr, text);
      else await writeReport(stdout, text);
    }
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

/** JSON has no infinity: the PSNR of an exact copy is null. */
function jsonNumber(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? null : value;
}

const silent: ProgressSink = { write: () => true };
