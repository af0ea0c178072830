/**
 * How far a long job is: a bar with rate and time left on a terminal, plain lines every few seconds elsewhere.
 * The clock and the stream are passed in.
 */
import { bytesText } from './text.ts';

export interface ProgressSink {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

export interface ProgressOptions {
  /** What is being done, in one or two words: the first word of the line. */
  readonly label: string;
  /** Plural of what is counted: `steps`, `signals`. */
  readonly unit: string;
  /** Milliseconds, from any start. */
  readonly now: () => number;
}

const barIntervalMs = 100;
const lineIntervalMs = 5000;
/** Time over which the rate is smoothed. */
const memoryMs = 10_000;
const barCells = 24;

export class Progress {
  private readonly sink: ProgressSink;
  private readonly options: ProgressOptions;
  private sampledMs: number;
  private sampled: number | undefined;
  private perMs = 0;
  private shownMs: number;
  private barShown = false;
  private last: { done: number; total: number | undefined; note: string; unit: string };

  constructor(sink: ProgressSink, options: ProgressOptions) {
    this.sink = sink;
    this.options = options;
    this.last = { done: 0, total: undefined, note: '', unit: options.unit };
    this.sampledMs = options.now();
    this.shownMs = sink.isTTY ? Number.NEGATIVE_INFINITY : this.sampledMs;
  }

  /** Says that `done` of `total` units are done. The rate counts from the first call, and again from where `done` falls or the unit is another. */
  update(done: number, total?: number, note = '', unit = this.options.unit): void {
    if (unit !== this.last.unit) this.sampled = undefined;
    this.last = { done, total, note, unit };
    const now = this.options.now();
    this.measure(done, now);
    const interval = this.sink.isTTY ? barIntervalMs : lineIntervalMs;
    if (now - this.shownMs < interval) return;
    this.shownMs = now;
    this.show();
  }

  /** Clears the bar for another line on the same stream; the next update draws it again. */
  clear(): void {
    if (!this.barShown) return;
    this.sink.write('\r\x1b[K');
    this.barShown = false;
    this.shownMs = Number.NEGATIVE_INFINITY;
  }

  /** Takes the bar away. */
  end(): void {
    this.clear();
  }

  private measure(done: number, now: number): void {
    if (this.sampled === undefined || done < this.sampled) {
      this.sampled = done;
      this.sampledMs = now;
      this.perMs = 0;
      return;
    }
    const elapsed = now - this.sampledMs;
    if (elapsed < barIntervalMs) return;
    const measured = (done - this.sampled) / elapsed;
    const weight = this.perMs === 0 ? 1 : elapsed / (elapsed + memoryMs);
    this.perMs += weight * (measured - this.perMs);
    this.sampled = done;
    this.sampledMs = now;
  }

  private show(): void {
    if (this.sink.isTTY) {
      const width = (this.sink.columns ?? 80) - 1;
      this.sink.write(`\r${this.bar().slice(0, width)}\x1b[K`);
      this.barShown = true;
    } else {
      this.sink.write(`${this.line()}\n`);
    }
  }

  private bar(): string {
    const { done, total } = this.last;
    const parts = [this.options.label];
    if (total !== undefined && total > 0) {
      const filled = Math.min(barCells, Math.floor((done / total) * barCells));
      parts.push(`[${'#'.repeat(filled)}${'.'.repeat(barCells - filled)}]`);
    }
    return [...parts, ...this.facts()].join('  ');
  }

  private line(): string {
    return `${this.options.label}: ${this.facts().join(', ')}`;
  }

  private facts(): string[] {
    const { done, total, note, unit } = this.last;
    const amount = (n: number) => (unit === 'bytes' ? bytesText(n) : `${n} ${unit}`);
    const facts = [
      total === undefined ? amount(done) : `${unit === 'bytes' ? amount(done) : done} of ${amount(total)}`,
    ];
    if (total !== undefined && total > 0) facts.push(`${Math.floor((100 * done) / total)} %`);
    if (this.perMs > 0) {
      const perSecond = this.perMs * 1000;
      facts.push(unit === 'bytes' ? `${bytesText(perSecond)}/s` : `${rateText(perSecond)} ${unit}/s`);
      if (total !== undefined && total > done)
        facts.push(`${durationText((total - done) / this.perMs / 1000)} left`);
    }
    if (note !== '') facts.push(note);
    return facts;
  }
}

/** Seconds as `9 s`, `4:05` or `2:04:05`. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const pad = (n: number) => String(n).padStart(2, '0');
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${pad(whole % 60)}`;
  return `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(whole % 60)}`;
}

function rateText(perSecond: number): string {
  if (perSecond >= 100) return perSecond.toFixed(0);
  return perSecond.toPrecision(3);
}
