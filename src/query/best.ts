/** The few of many with the smallest scores, in a heap whose root is the worst that is kept. */
interface Scored<T> {
  readonly item: T;
  readonly score: number;
  readonly order: number;
}

export class Best<T> {
  readonly #k: number;
  readonly #heap: Scored<T>[] = [];
  #offered = 0;

  constructor(k: number) {
    this.#k = k;
  }

  /** Of equal scores the first offered is kept. */
  offer(item: T, score: number): void {
    const heap = this.#heap;
    const fresh = { item, score, order: this.#offered++ };
    if (heap.length < this.#k) {
      heap.push(fresh);
      this.#rise(heap.length - 1);
    } else if (this.#k > 0 && follows(heap[0]!, fresh)) {
      heap[0] = fresh;
      this.#sink();
    }
  }

  /** Smallest score first. */
  take(): { readonly item: T; readonly score: number }[] {
    return [...this.#heap].sort((a, b) => (follows(a, b) ? 1 : -1));
  }

  #rise(from: number): void {
    const heap = this.#heap;
    for (let i = from; i > 0; ) {
      const parent = (i - 1) >> 1;
      if (!follows(heap[i]!, heap[parent]!)) return;
      [heap[i], heap[parent]] = [heap[parent]!, heap[i]!];
      i = parent;
    }
  }

  #sink(): void {
    const heap = this.#heap;
    for (let i = 0; ; ) {
      let worst = i;
      for (const child of [2 * i + 1, 2 * i + 2]) {
        if (child < heap.length && follows(heap[child]!, heap[worst]!)) worst = child;
      }
      if (worst === i) return;
      [heap[i], heap[worst]] = [heap[worst]!, heap[i]!];
      i = worst;
    }
  }
}

function follows<T>(a: Scored<T>, b: Scored<T>): boolean {
  return a.score > b.score || (a.score === b.score && a.order > b.order);
}
