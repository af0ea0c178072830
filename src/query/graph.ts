/**
 * A graph over vectors (HNSW, Malkov and Yashunin, arXiv 1603.09320, by `usearch`) that is known to find what is in it.
 *
 * A vector that joins keeps links to those near it, but to none that is nearer to another of its neighbours than to itself. A
 * vector in the middle of all others, as the mean picture is, is nearer to each of them than any two are: if it comes early, later
 * ones link to it alone, its own links are few, and most vectors are never found. Many equal vectors do the same. Hence equal
 * vectors are in the graph once, the middle may come last, and a graph is used only after it has found a sample of its own rows.
 */
import { setImmediate } from 'node:timers/promises';
import type { Index } from 'usearch';
import { AbortedError } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import { unbroken } from '../core/unbroken.ts';
import type { Usearch } from './usearch.ts';
import { type Match, nearestOf, squaredDistance, type Vectors, type VectorsOptions } from './vectors.ts';

/** Vectors that join a graph between two turns of the event loop. */
const joinRows = 128;
/** Nodes looked at when one joins, and when one is looked for. */
const expansion = { expansion_add: 96, expansion_search: 192 } as const;
/** Rows that a graph must find again, and how many of them. */
const probes = 256;
export const leastFound = 0.98;
/** Probes whose neighbours are compared with those by looking at all, how many neighbours, and the least share that is found. */
const recallProbes = 32;
const recallOf = 10;
const leastRecall = 0.8;
/** Of the squared distance: neighbours as near as the farthest that is wanted are as good. */
const alike = 1 + 1e-4;

type Order = 'as stored' | 'the middle last' | 'shuffled';

/** In turn, until one finds its own rows. A number of a vector is kept in 16 bits, or in 32 where 16 make too many equal. */
const recipes: readonly { readonly order: Order; readonly links: number; readonly bits: 16 | 32 }[] = [
  { order: 'as stored', links: 16, bits: 16 },
  { order: 'the middle last', links: 16, bits: 16 },
  { order: 'shuffled', links: 32, bits: 32 },
  { order: 'the middle last', links: 32, bits: 32 },
];

export class Graph {
  readonly #vectors: Vectors;
  readonly #index: Index;
  readonly #distinct: Distinct;

  private constructor(vectors: Vectors, index: Index, distinct: Distinct) {
    this.#vectors = vectors;
    this.#index = index;
    this.#distinct = distinct;
  }

  /** The graph of all vectors; undefined where none was made that finds its own rows. Throws AbortedError. */
  static async link(
    usearch: Usearch,
    vectors: Vectors,
    { signal, onProgress }: VectorsOptions = {},
  ): Promise<Graph | undefined> {
    const distinct = distinctRows(vectors);
    const { rows } = distinct;
    for (const recipe of recipes) {
      const index = emptyIndex(usearch, vectors.dimensions, recipe);
      const order = ordered(vectors, rows, recipe.order);
      for (let first = 0; first < order.length; first += joinRows) {
        if (signal?.aborted) throw new AbortedError();
        const joining = order.subarray(first, first + joinRows);
        const joined = new Float32Array(joining.length * vectors.dimensions);
        joining.forEach((row, i) => {
          joined.set(vectors.row(row), i * vectors.dimensions);
        });
        unbroken(() => index.add(BigUint64Array.from(joining, BigInt), joined, 1));
        if (first % (joinRows * 16) === 0) onProgress?.(first, order.length);
        await setImmediate();
      }
      const graph = new Graph(vectors, index, distinct);
      if (graph.#findsItself() && (await graph.#agreesWithAll(signal))) return graph;
    }
    return undefined;
  }

  /** Reads a graph; undefined where the file is none over these vectors, or does not find its own rows. */
  static load(usearch: Usearch, vectors: Vectors, path: string): Graph | undefined {
    const distinct = distinctRows(vectors);
    // A file says itself how many links its nodes have, and in how many bits their numbers are.
    const index = emptyIndex(usearch, vectors.dimensions, recipes[0]!);
    try {
      unbroken(() => index.load(path));
    } catch {
      return undefined;
    }
    const fits = unbroken(
      () => index.size() === distinct.rows.length && index.dimensions() === vectors.dimensions,
    );
    if (!fits) return undefined;
    const graph = new Graph(vectors, index, distinct);
    return graph.#findsItself() ? graph : undefined;
  }

  save(path: string): void {
    unbroken(() => this.#index.save(path));
  }

  /** About the `k` nearest to `query` [dimensions], with exact distances, nearest first. */
  search(query: Float32Array, k: number): Match[] {
    const wanted = Math.min(k, this.#distinct.rows.length);
    const { keys } = unbroken(() => this.#index.search(query.slice(), wanted, 1));
    const matches: Match[] = [];
    for (const key of keys) {
      const row = Number(key);
      const distance = squaredDistance(this.#vectors.row(row), query);
      matches.push({ row, distance });
      for (const same of this.#distinct.equalTo.get(row) ?? []) matches.push({ row: same, distance });
    }
    return nearestOf(matches, k);
  }

  #findsItself(): boolean {
    const rows = spread(this.#distinct.rows, probes);
    const found = rows.filter((row) => this.#has(row));
    return found.length >= leastFound * rows.length;
  }

  #has(row: number): boolean {
    const wanted = Math.min(recallOf, this.#distinct.rows.length);
    const { keys } = unbroken(() => this.#index.search(this.#vectors.row(row).slice(), wanted, 1));
    return keys.includes(BigInt(row));
  }

  /** What is found by the graph is about what is found by looking at all. */
  async #agreesWithAll(signal: AbortSignal | undefined): Promise<boolean> {
    let [found, wanted] = [0, 0];
    for (const row of spread(this.#distinct.rows, recallProbes)) {
      const query = this.#vectors.row(row);
      const all = await this.#vectors.exact(query, recallOf, { signal });
      const far = all.at(-1)!.distance * alike;
      wanted += all.length;
      found += this.search(query, recallOf).filter(({ distance }) => distance <= far).length;
    }
    return found >= leastRecall * wanted;
  }
}

interface Distinct {
  /** Rows of which no earlier one is equal. */
  readonly rows: Uint32Array;
  /** The later rows that are equal to one of them. */
  readonly equalTo: ReadonlyMap<number, readonly number[]>;
}

/** Rows that a graph over `vectors` is asked for before it is used: no two are equal, and they are spread evenly. */
export function probesOf(vectors: Vectors): number[] {
  return spread(distinctRows(vectors).rows, probes);
}

function distinctRows(vectors: Vectors): Distinct {
  const byHash = new Map<number, number[]>();
  const rows: number[] = [];
  const equalTo = new Map<number, number[]>();
  for (let row = 0; row < vectors.count; row++) {
    const bits = bitsOf(vectors.row(row));
    const hash = hashOf(bits);
    const alikes = byHash.get(hash);
    const first = alikes?.find((other) => bitsOf(vectors.row(other)).every((word, i) => word === bits[i]));
    if (first !== undefined) {
      const same = equalTo.get(first);
      if (same === undefined) equalTo.set(first, [row]);
      else same.push(row);
      continue;
    }
    rows.push(row);
    if (alikes === undefined) byHash.set(hash, [row]);
    else alikes.push(row);
  }
  return { rows: Uint32Array.from(rows), equalTo };
}

function bitsOf(vector: Float32Array): Uint32Array {
  return new Uint32Array(vector.buffer, vector.byteOffset, vector.length);
}

/** FNV-1a by words. */
function hashOf(words: Uint32Array): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < words.length; i++) hash = Math.imul(hash ^ words[i]!, 0x01000193);
  return hash ^ (hash >>> 15);
}

function ordered(vectors: Vectors, rows: Uint32Array, order: Order): Uint32Array {
  switch (order) {
    case 'as stored':
      return rows;
    case 'the middle last': {
      const zero = new Float32Array(vectors.dimensions);
      const away = new Map(Array.from(rows, (row) => [row, squaredDistance(vectors.row(row), zero)]));
      return rows.slice().sort((a, b) => away.get(b)! - away.get(a)! || a - b);
    }
    case 'shuffled': {
      const shuffled = rows.slice();
      const rng = new Rng(1);
      for (let i = shuffled.length - 1; i > 0; i--) {
        const j = Math.floor(rng.uniform() * (i + 1));
        [shuffled[i], shuffled[j]] = [shuffled[j]!, shuffled[i]!];
      }
      return shuffled;
    }
    default:
      return order satisfies never;
  }
}

/** At most `most` of the rows, evenly spread. */
function spread(rows: Uint32Array, most: number): number[] {
  const n = Math.min(most, rows.length);
  return Array.from({ length: n }, (_, i) => rows[Math.floor((i * rows.length) / n)]!);
}

function emptyIndex(
  { Index, MetricKind, ScalarKind }: Usearch,
  dimensions: number,
  { links, bits }: { readonly links: number; readonly bits: 16 | 32 },
): Index {
  return unbroken(
    () =>
      new Index({
        dimensions,
        metric: MetricKind.L2sq,
        quantization: bits === 16 ? ScalarKind.BF16 : ScalarKind.F32,
        connectivity: links,
        ...expansion,
        multi: false,
      }),
  );
}
