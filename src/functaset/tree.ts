/**
 * The trees of an LMDB file, read page by page without LMDB, which trusts them: after one flipped bit in a branch it shows another
 * part of the functions, or ends the process. Here nothing is trusted: every page is where its number says, of the kind that its depth
 * asks for, and met once; keys rise within a page and between the bounds of the branch above; counts of pages and entries are those that
 * LMDB keeps of each tree.
 *
 * Layout, of lmdb-js 3.5 (LMDB's data version 2), 64 bit, little-endian: a page begins with its number u64, transaction u64, padding
 * u16, flags u16, and the bounds lower and upper of its free space u16, or for an overflow page u32 pages; after these 24 bytes, which
 * offsets do not count, offsets of nodes u16. A node is size u32 (low and high half), flags u16, bytes of the key u16, key and value; in a
 * branch those first 6 bytes are the number of a page. A tree is told by flags u16 (after u32 padding), depth u16, branch, leaf and overflow
 * pages, entries and root, each u64.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { AbortedError } from '../core/errors.ts';
import { readNewestMeta } from './file.ts';

export interface TreeReport {
  /** Entries that were met in the tree `functions`. */
  readonly functions: number;
  /** What is wrong, in order of meeting it; the walk goes on beside it. */
  readonly faults: readonly string[];
}

const headBytes = 24;
const nodeBytes = 8;
const treeBytes = 48;
const isBranch = 1;
const isLeaf = 2;
const isOverflow = 4;
/** Of a node: its value stands in overflow pages, or is a tree. */
const hasOverflow = 1;
const hasTree = 2;
const noPage = 2n ** 64n - 1n;
const pagesPerTurn = 256;
const maxFaults = 100;

interface Tree {
  readonly name: string;
  readonly depth: number;
  readonly branches: number;
  readonly leaves: number;
  readonly overflow: number;
  readonly entries: number;
  readonly root: bigint;
}

/** Walks all trees of the newest state of the file at `path`, which no writer may touch meanwhile. Throws AbortedError. */
export async function checkTrees(path: string, signal?: AbortSignal): Promise<TreeReport> {
  const file = openSync(path, 'r');
  try {
    return await new Walk(path, file).run(signal);
  } finally {
    closeSync(file);
  }
}

class Walk {
  readonly faults: string[] = [];
  readonly #file: number;
  readonly #pageBytes: number;
  readonly #pages: number;
  readonly #met: Uint8Array;
  readonly #main: Tree;
  #steps = 0;

  constructor(path: string, file: number) {
    this.#file = file;
    const { pageBytes, lastPage, main } = readNewestMeta(path, file);
    this.#pageBytes = pageBytes;
    this.#pages = Math.min(lastPage + 1, Math.ceil(fstatSync(file).size / pageBytes));
    this.#met = new Uint8Array(this.#pages);
    this.#main = readTree('the list of trees', main, 0);
  }

  async run(signal?: AbortSignal): Promise<TreeReport> {
    const trees: Tree[] = [];
    await this.#walk(this.#main, signal, (key, value) => {
      const name = new TextDecoder().decode(key).replace(/\0$/, '');
      if (value.byteLength === treeBytes) trees.push(readTree(name, value, 0));
    });
    let functions = 0;
    for (const tree of trees) {
      const count = await this.#walk(tree, signal);
      if (tree.name === 'functions') functions = count;
    }
    return { functions, faults: this.faults };
  }

  /** Entries of a tree. */
  async #walk(
    tree: Tree,
    signal: AbortSignal | undefined,
    onEntry?: (key: Uint8Array, value: DataView) => void,
  ): Promise<number> {
    const found = { branches: 0, leaves: 0, overflow: 0, entries: 0 };
    interface Step {
      readonly page: bigint;
      readonly depth: number;
      readonly from: Uint8Array | undefined;
      readonly to: Uint8Array | undefined;
    }
    const steps: Step[] =
      tree.root === noPage ? [] : [{ page: tree.root, depth: 1, from: undefined, to: undefined }];
    for (let step = steps.pop(); step !== undefined; step = steps.pop()) {
      if (++this.#steps % pagesPerTurn === 0) {
        if (signal?.aborted) throw new AbortedError();
        await new Promise(setImmediate);
      }
      const { depth, from, to } = step;
      const bad = (what: string) => this.#fault(`${tree.name}, page ${step.page}: ${what}`);
      const view = this.#read(step.page, 1, bad);
      if (view === undefined) continue;
      const leaf = depth === tree.depth;
      const flags = view.getUint16(18, true);
      if (flags !== (leaf ? isLeaf : isBranch)) {
        bad(`flags ${flags} of a page at depth ${depth} of ${tree.depth}`);
        continue;
      }
      if (leaf) found.leaves++;
      else found.branches++;
      const nodes = nodesOf(view, leaf, bad);
      let before = from;
      for (const [i, node] of nodes.entries()) {
        // The first key of a branch is empty: it stands for the bound above.
        const key = !leaf && i === 0 ? from : node.key;
        if (key !== undefined && before !== undefined && (i > 0 || leaf)) {
          const order = compare(before, key);
          if (order > 0 || (order === 0 && i > 0)) bad(`key ${i} does not come after the one before`);
        }
        if (key !== undefined && to !== undefined && compare(key, to) >= 0)
          bad(`key ${i} is beyond the branch above`);
        before = key ?? before;
        if (!leaf) continue;
        found.entries++;
        found.overflow += this.#value(node, bad);
        if ((node.flags & hasTree) !== 0) onEntry?.(node.key, node.value);
      }
      if (leaf) continue;
      for (let i = nodes.length - 1; i >= 0; i--) {
        const page = nodes[i]!.page;
        steps.push({
          page,
          depth: depth + 1,
          from: i === 0 ? from : nodes[i]!.key,
          to: nodes[i + 1]?.key ?? to,
        });
      }
    }
    for (const name of ['branches', 'leaves', 'overflow', 'entries'] as const) {
      if (found[name] !== tree[name])
        this.#fault(`${tree.name}: ${found[name]} ${name} are reached, of ${tree[name]}`);
    }
    return found.entries;
  }

  /** Overflow pages of a leaf's value. */
  #value({ flags, size, value }: Node, bad: (what: string) => void): number {
    if ((flags & hasOverflow) === 0) return 0;
    if (value.byteLength < 24) {
      bad('the place of a large value is cut off');
      return 0;
    }
    const page = value.getBigUint64(0, true);
    const count = Math.ceil((size + headBytes) / this.#pageBytes);
    const view = this.#read(page, count, bad);
    if (view === undefined) return 0;
    if (view.getUint16(18, true) !== isOverflow || view.getUint32(20, true) !== count) {
      bad(`page ${page} is no large value of ${count} pages`);
    }
    return count;
  }

  /** The first of `count` pages that have not been met yet. */
  #read(page: bigint, count: number, bad: (what: string) => void): DataView | undefined {
    const first = Number(page);
    if (page < 2n || first + count > this.#pages) {
      bad(`it is not one of the ${this.#pages} pages of the file`);
      return undefined;
    }
    for (let i = first; i < first + count; i++) {
      if (this.#met[i] === 1) {
        bad(`page ${i} is part of a tree already`);
        return undefined;
      }
      this.#met[i] = 1;
    }
    const view = new DataView(new ArrayBuffer(this.#pageBytes));
    readSync(this.#file, view, 0, this.#pageBytes, first * this.#pageBytes);
    if (view.getBigUint64(0, true) === page) return view;
    bad(`page ${first} calls itself ${view.getBigUint64(0, true)}`);
    return undefined;
  }

  #fault(what: string): void {
    if (this.faults.length < maxFaults) this.faults.push(what);
  }
}

interface Node {
  readonly key: Uint8Array;
  readonly flags: number;
  /** Of the value of a leaf's node. */
  readonly size: number;
  readonly value: DataView;
  /** Below a branch's node. */
  readonly page: bigint;
}

function nodesOf(view: DataView, leaf: boolean, bad: (what: string) => void): Node[] {
  const lower = view.getUint16(20, true);
  const upper = view.getUint16(22, true);
  const room = view.byteLength - headBytes;
  if (lower > upper || upper > room || lower % 2 !== 0 || lower < 2) {
    bad(`free space from ${lower} to ${upper}`);
    return [];
  }
  const nodes: Node[] = [];
  for (let i = 0; i < lower / 2; i++) {
    const offset = view.getUint16(headBytes + 2 * i, true);
    const at = headBytes + offset;
    if (offset < upper || offset + nodeBytes > room) {
      bad(`node ${i} at ${offset}`);
      continue;
    }
    const low = view.getUint16(at, true);
    const high = view.getUint16(at + 2, true);
    const flags = view.getUint16(at + 4, true);
    const keyBytes = view.getUint16(at + 6, true);
    const size = low + 65536 * high;
    const inPage = !leaf ? 0 : (flags & hasOverflow) !== 0 ? 24 : size;
    const valueAt = at + nodeBytes + keyBytes;
    if (valueAt + inPage > view.byteLength || (leaf && flags > (hasOverflow | hasTree))) {
      bad(`node ${i} of ${keyBytes} and ${size} bytes, flags ${flags}`);
      continue;
    }
    nodes.push({
      key: new Uint8Array(view.buffer, at + nodeBytes, keyBytes),
      flags,
      size,
      value: new DataView(view.buffer, valueAt, inPage),
      page: BigInt(low) + (BigInt(high) << 16n) + (BigInt(flags) << 32n),
    });
  }
  return nodes;
}

function readTree(name: string, view: DataView, at: number): Tree {
  const count = (offset: number) => Number(view.getBigUint64(at + offset, true));
  return {
    name,
    depth: view.getUint16(at + 6, true),
    branches: count(8),
    leaves: count(16),
    overflow: count(24),
    entries: count(32),
    root: view.getBigUint64(at + 40, true),
  };
}

function compare(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}
