/** What was asked of a thread and is not answered yet, by numbers that answers bring back. */
import { type PlainError, revive } from './wire-error.ts';

export type ThreadAnswer<T> =
  | { readonly job: number; readonly done: T }
  | { readonly job: number; readonly error: PlainError };

export class Questions<T> {
  readonly #waiting = new Map<number, { resolve(done: T): void; reject(error: Error): void }>();
  #next = 1;

  get size(): number {
    return this.#waiting.size;
  }

  /** Gives the question a number, with which `say` is called at once. */
  ask(say: (job: number) => void): Promise<T> {
    const job = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(job, { resolve, reject });
      say(job);
    });
  }

  answered(answer: ThreadAnswer<T>): void {
    const asked = this.#waiting.get(answer.job);
    this.#waiting.delete(answer.job);
    if ('error' in answer) asked?.reject(revive(answer.error));
    else asked?.resolve(answer.done);
  }

  /** The thread is no more. */
  lost(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
