/**
 * Vectors of a functaset and the search among them: all of them, block by block, or by a graph (`graph.ts`). Both compute with
 * usearch's kernels where it is installed; without it the whole scan is plain TypeScript, and there is no graph.
 */
import { setImmediate } from 'node:timers/promises';
import { AbortedError } from '../core/errors.ts';
import { unbroken } from '../core/unbroken.ts';
import { Best } from './best.ts';
import { Graph } from './graph.ts';
import { loadUsearch, requiredUsearch, type Usearch } from './usearch.ts';

export interface Match {
  readonly row: number;
  /** Squared distance. */
  readonly distance: number;
}

export interface VectorsOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Rows of a block: 64 MB of 256 numbers each, scanned in a few milliseconds. */
const blockRows = 2 ** 16;

export class Vectors {
  readonly count: number;
  readonly dimensions: number;
  /** [blockRows, dimensions] each, the last one shorter. */
  readonly #blocks: Float32Array[];
  #graph: Graph | undefined;

  /** Zeros. */
  constructor(count: number, dimensions: number) {
    this.count = count;
    this.dimensions = dimensions;
    this.#blocks = Array.from(
      { length: Math.ceil(count / blockRows) },
      (_, b) => new Float32Array(Math.min(blockRows, count - b * blockRows) * dimensions),
    );
  }

  /** The arrays that hold the vectors, in order. */
  get blocks(): readonly Float32Array[] {
    return this.#blocks;
  }

  /** A view of one vector. */
  row(row: number): Float32Array {
    return this.rows(row, 1);
  }

  /** A view of `count` vectors, which stand in one block. */
  rows(row: number, count: number): Float32Array {
    const at = (row % blockRows) * this.dimensions;
    return this.#blocks[Math.floor(row / blockRows)]!.subarray(at, at + count * this.dimensions);
  }

  /** Runs of at most `size` rows, none over the border of two blocks. */
  *runs(size: number): Generator<{ readonly first: number; readonly count: number }> {
    for (let first = 0; first < this.count; ) {
      const count = Math.min(size, this.count - first, blockRows - (first % blockRows));
      yield { first, count };
      first += count;
    }
  }

  set(row: number, vectors: Float32Array): void {
    for (let i = 0; i < vectors.length / this.dimensions; i++) {
      this.row(row + i).set(vectors.subarray(i * this.dimensions, (i + 1) * this.dimensions));
    }
  }

  /** The `k` nearest to `query` [dimensions], nearest first. Throws AbortedError. */
  async exact(query: Float32Array, k: number, { signal }: VectorsOptions = {}): Promise<Match[]> {
    const usearch = await loadUsearch();
    let best: Match[] = [];
    for (const [b, block] of this.#blocks.entries()) {
      if (signal?.aborted) throw new AbortedError();
      const rows = block.length / this.dimensions;
      const wanted = Math.min(k, rows);
      const found = usearch ? byUsearch(usearch, block, query, wanted) : byScan(block, query, wanted);
      for (const { row, distance } of found) best.push({ row: b * blockRows + row, distance });
      if (b > 0) best = nearestOf(best, k);
      await setImmediate();
    }
    return nearestOf(best, k);
  }

  get hasGraph(): boolean {
    return this.#graph !== undefined;
  }

  /** Makes the graph over all vectors; false where none finds its own rows. Throws EnvironmentError `hnsw-absent`, AbortedError. */
  async link(options: VectorsOptions = {}): Promise<boolean> {
    this.#graph = await Graph.link(await requiredUsearch(), this, options);
    return this.#graph !== undefined;
  }

  /** Writes the graph of `link`. */
  saveGraph(path: string): void {
    this.#graph?.save(path);
  }

  /** Reads a graph; false where the file is none over these vectors, or none that finds them. Throws EnvironmentError `hnsw-absent`. */
  async loadGraph(path: string): Promise<boolean> {
    this.#graph = Graph.load(await requiredUsearch(), this, path);
    return this.#graph !== undefined;
  }

  /** About the `k` nearest by the graph, with exact distances, nearest first. `link` or `loadGraph` comes first. */
  approximate(query: Float32Array, k: number): Match[] {
    return this.#graph!.search(query, k);
  }
}

/** `block` and `query` begin their buffers: usearch reads those and not the views. */
function byUsearch(usearch: Usearch, block: Float32Array, query: Float32Array, k: number): Match[] {
  const { MetricKind, exactSearch } = usearch;
  const { keys, distances } = unbroken(() =>
    exactSearch(block, query.slice(), query.length, k, MetricKind.L2sq, 1),
  );
  return Array.from(keys as BigUint64Array, (key, i) => ({ row: Number(key), distance: distances[i]! }));
}

function byScan(block: Float32Array, query: Float32Array, k: number): Match[] {
  const d = query.length;
  const rows = block.length / d;
  const best = new Best<number>(k);
  for (let row = 0; row < rows; row++)
    best.offer(row, squaredDistance(block.subarray(row * d, (row + 1) * d), query));
  return best.take().map(({ item, score }) => ({ row: item, distance: score }));
}

/** Nearest first; of equal ones the first row. */
export function nearestOf(matches: readonly Match[], k: number): Match[] {
  return [...matches].sort((a, b) => a.distance - b.distance || a.row - b.row).slice(0, k);
}

export function squaredDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return sum;
}
