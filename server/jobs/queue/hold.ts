/** A worker's hold on a job: renewed while it works, through which it says how far it is, and by which it learns that the job is not its own any more. */
import type { JobQueue, QueuedEvent, Turn } from '../../../src/postgres/index.ts';
import { type JobProgress, progressed } from '../book.ts';
import type { JobEventBody } from '../log.ts';
import { eventOf } from './record.ts';

export interface HoldOptions {
  /** Called once: the job was cancelled, or somebody else has it. */
  readonly onLost: () => void;
  /** Milliseconds for which events gather. */
  readonly gatherMs?: number | undefined;
}

export class Hold {
  readonly #queue: JobQueue;
  readonly #turn: Turn;
  readonly #options: HoldOptions;
  readonly #renewing: ReturnType<typeof setInterval>;
  #gathering: ReturnType<typeof setTimeout> | undefined;
  #waiting: QueuedEvent[] = [];
  #progress: JobProgress | undefined;
  #gotOn = false;
  /** The number of the last event. */
  #last: number;
  #saying: Promise<void> = Promise.resolve();
  #lost = false;

  constructor(queue: JobQueue, turn: Turn, options: HoldOptions) {
    this.#queue = queue;
    this.#turn = turn;
    this.#options = options;
    this.#last = turn.job.events;
    this.#renewing = setInterval(() => void this.check(), queue.leaseMs / 3);
  }

  get lost(): boolean {
    return this.#lost;
  }

  say(event: JobEventBody): void {
    this.#waiting.push(eventOf(event));
    this.#progress = progressed(this.#progress, event);
    this.#gotOn ||= event.type === 'progress' || event.type === 'checkpoint';
    this.#gathering ??= setTimeout(() => void this.said(), this.#options.gatherMs ?? 100);
  }

  /** Resolves when all events are told, or cannot be for now: they are tried again. */
  said(): Promise<void> {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    this.#saying = this.#saying.then(() => this.#tell());
    return this.#saying;
  }

  /** Looks whether the job is still held, and holds it on. A database that is away says nothing of that. */
  async check(): Promise<void> {
    const held = await this.#queue.renew(this.#turn).catch(() => undefined);
    if (held === false) this.#lose();
    if (this.#waiting.length > 0) await this.said();
  }

  /** Renews no more: the job is about to be ended or given back. */
  async stop(): Promise<void> {
    clearInterval(this.#renewing);
    await this.said();
    clearTimeout(this.#gathering);
  }

  async #tell(): Promise<void> {
    const events = this.#waiting.slice(0, 1000);
    if (events.length === 0 || this.#lost) return;
    const [progress, gotOn] = [this.#progress, this.#gotOn];
    try {
      const last = await this.#queue.tell(this.#turn, this.#last, events, { progress, gotOn });
      if (last === undefined) return this.#lose();
      this.#last = last;
      this.#waiting.splice(0, events.length);
      this.#gotOn = false;
    } catch {
      // tried again with the next hold
    }
  }

  #lose(): void {
    if (this.#lost) return;
    this.#lost = true;
    clearInterval(this.#renewing);
    this.#options.onLost();
  }
}
