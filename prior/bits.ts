/**
 * Adaptive bits by binary arithmetic coding with 32-bit bounds and no carries, as in lossless compressors of the PAQ family
 * (Mahoney, "Adaptive weighing of context models for lossless data compression", 2005); see FORMAT.md, "Samples". All integers.
 *
 * A bit is coded under two contexts. Each keeps the probability of a 1 in 22 bits, and moves it by 1 / (n + 3/2) of what it was off
 * at the n-th bit; the coder takes the mean of both.
 *
 * Indices of hot loops are contexts below the counts that the coder was made for.
 */
import { logistic } from '../src/core/detmath.ts';
import { BadStreamError } from '../src/core/errors.ts';

/** Bits a context counts at most: it forgets what lies further back. */
const mostCounted = 254;
/** [mostCounted + 1]: floor(2^15 / (2 n + 3)), the share of the way in 2^-14. */
const shares = Int32Array.from({ length: mostCounted + 1 }, (_, n) => Math.floor(0x8000 / (2 * n + 3)));

const even = 1 << 21;

/**
 * Of chances in 2^12: ln(p / (1 - p)) in 256ths, and of those from -2048 on: chances in 2^16. Chances that contexts give are added so
 * (Mahoney, as above), each times a weight that is learnt.
 */
interface MixTables {
  readonly stretch: Int16Array;
  readonly squash: Uint16Array;
}
let mixTables: MixTables | undefined;
const most = 2047;

function makeMixTables(): MixTables {
  const squash = Uint16Array.from({ length: 2 * most + 1 }, (_, i) =>
    Math.max(1, Math.min(65535, Math.floor(65536 * logistic((i - most) / 256) + 0.5))),
  );
  let odds = 0;
  const stretch = Int16Array.from({ length: 4096 }, (_, p) => {
    while (odds < 2 * most && squash[odds]! < 16 * p + 8) odds++;
    return odds - most;
  });
  return { stretch, squash };
}

/** Of a context before any bit: 0.4 in 2^-16. */
const firstWeight = 26214;
const mostWeight = 1 << 18;

/** Encoding takes `bit` and returns it; decoding ignores it and returns the bit found. `a` and `b` are contexts. */
export abstract class BitCoder {
  readonly #chances: Int32Array;
  readonly #counts: Uint8Array;
  readonly #weights: Int32Array;

  /** `mixers`: of `mixed`. */
  constructor(contexts: number, mixers = 0) {
    this.#chances = new Int32Array(contexts).fill(even);
    this.#counts = new Uint8Array(contexts);
    this.#weights = new Int32Array(3 * mixers).fill(firstWeight);
  }

  /** Nothing was coded under any context. */
  protected forget(): void {
    this.#chances.fill(even);
    this.#counts.fill(0);
    this.#weights.fill(firstWeight);
  }

  bit(a: number, b: number, bit: number): number {
    const chances = this.#chances;
    const mean = (chances[a]! + chances[b]!) >> 7;
    const found = this.split(Math.min(65535, Math.max(1, mean)), bit);
    this.#learn(a, found);
    if (b !== a) this.#learn(b, found);
    return found;
  }

  /** A bit under three contexts, whose chances a mixer weighs as it has learnt to. */
  mixed(a: number, b: number, c: number, mixer: number, bit: number): number {
    mixTables ??= makeMixTables();
    const { stretch, squash } = mixTables;
    const chances = this.#chances;
    const weights = this.#weights;
    const k = 3 * mixer;
    const x = stretch[chances[a]! >> 10]!;
    const y = stretch[chances[b]! >> 10]!;
    const z = stretch[chances[c]! >> 10]!;
    const sum = (weights[k]! * x + weights[k + 1]! * y + weights[k + 2]! * z) >> 16;
    const ones = squash[Math.max(-most, Math.min(most, sum)) + most]!;
    const found = this.split(ones, bit);
    const off = (found << 16) - ones;
    weights[k] = weigh(weights[k]!, x * off);
    weights[k + 1] = weigh(weights[k + 1]!, y * off);
    weights[k + 2] = weigh(weights[k + 2]!, z * off);
    this.#learn(a, found);
    this.#learn(b, found);
    this.#learn(c, found);
    return found;
  }

  /** Whether what is coded has become longer than is of use: then nobody looks at the rest. */
  get isOver(): boolean {
    return false;
  }

  /** One bit that is a 1 with a chance of `ones` in 2^16, 1 to 2^16 - 1. */
  protected abstract split(ones: number, bit: number): number;

  #learn(context: number, bit: number): void {
    const chance = this.#chances[context]!;
    const count = this.#counts[context]!;
    this.#chances[context] = chance + (((((bit << 22) - chance) >> 6) * shares[count]!) >> 8);
    if (count < mostCounted) this.#counts[context] = count + 1;
  }
}

function weigh(weight: number, by: number): number {
  return Math.max(-mostWeight, Math.min(mostWeight, weight + ((by + 0x2000) >> 14)));
}

/** Where an interval [low, high] of 32-bit numbers is parted: ones lie at or below it. */
function partAt(low: number, high: number, ones: number): number {
  const range = high - low;
  return low + (range >>> 16) * ones + (((range & 0xffff) * ones) >>> 16);
}

/** 2^32, 2^24, 2^16, 2^8: what a number of 0, 1, 2, 3 bytes is a multiple of. */
const units = [0x100000000, 0x1000000, 0x10000, 0x100];

/** The fewest bytes of a number in [low, high], the least of those, what follows being zeros. */
function lastBytes(low: number, high: number): number[] {
  for (let count = 0; count < 4; count++) {
    const unit = units[count]!;
    const value = Math.ceil(low / unit) * unit;
    if (value <= high) return bytesOf(value).slice(0, count);
  }
  return bytesOf(low);
}

function bytesOf(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

/** Room that is not given back. */
const keptBytes = 1 << 16;

export class BitEncoder extends BitCoder {
  #most: number;
  #bytes = new Uint8Array(64);
  #length = 0;
  #low = 0;
  #high = 0xffffffff;

  /** Bytes beyond `most` are counted and not kept: the caller has something better. */
  constructor(contexts: number, most = Number.POSITIVE_INFINITY, mixers = 0) {
    super(contexts, mixers);
    this.#most = most;
  }

  /** As made anew, in the room that is there. */
  restart(most = Number.POSITIVE_INFINITY): void {
    this.forget();
    this.#most = most;
    if (this.#bytes.length > keptBytes) this.#bytes = new Uint8Array(64);
    this.#length = 0;
    this.#low = 0;
    this.#high = 0xffffffff;
  }

  get length(): number {
    return this.#length;
  }

  override get isOver(): boolean {
    return this.#length > this.#most;
  }

  /** What was written; fewer bytes cannot be read. */
  finish(): Uint8Array {
    for (const byte of lastBytes(this.#low, this.#high)) this.#put(byte);
    return this.#bytes.slice(0, Math.min(this.#length, this.#most));
  }

  protected split(ones: number, bit: number): number {
    const middle = partAt(this.#low, this.#high, ones);
    if (bit === 1) this.#high = middle;
    else this.#low = middle + 1;
    while (((this.#low ^ this.#high) & 0xff000000) === 0) {
      this.#put(this.#low >>> 24);
      this.#low = (this.#low << 8) >>> 0;
      this.#high = ((this.#high << 8) | 255) >>> 0;
    }
    return bit;
  }

  #put(byte: number): void {
    const at = this.#length++;
    if (at >= this.#most) return;
    if (at === this.#bytes.length) {
      const larger = new Uint8Array(2 * at);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[at] = byte;
  }
}

/** Reads bits from bytes, of which it keeps a view; `end` says whether they were all of them. */
export class BitDecoder extends BitCoder {
  readonly #bytes: Uint8Array;
  readonly #origin: number;
  #next = 4;
  #low = 0;
  #high = 0xffffffff;
  #at: number;

  /** `origin`: offset of the bytes in their file, for messages. */
  constructor(contexts: number, bytes: Uint8Array, origin = 0, mixers = 0) {
    super(contexts, mixers);
    this.#bytes = bytes;
    this.#origin = origin;
    this.#at = [0, 1, 2, 3].reduce((at, i) => at * 256 + (bytes[i] ?? 0), 0);
  }

  /** After the last bit. Throws BadStreamError `payload` when the bytes are not those that the encoder writes. */
  end(): void {
    const shifted = this.#next - 4;
    const last = lastBytes(this.#low, this.#high);
    const whole =
      this.#bytes.length === shifted + last.length &&
      last.every((byte, i) => this.#bytes[shifted + i] === byte);
    if (!whole) throw this.#damaged();
  }

  #damaged(): BadStreamError {
    return new BadStreamError(
      'payload',
      this.#origin + Math.min(this.#next - 4, this.#bytes.length),
      'the samples do not end where the bytes do: the stream is damaged',
    );
  }

  protected split(ones: number): number {
    const middle = partAt(this.#low, this.#high, ones);
    const bit = this.#at <= middle ? 1 : 0;
    if (bit === 1) this.#high = middle;
    else this.#low = middle + 1;
    while (((this.#low ^ this.#high) & 0xff000000) === 0) {
      this.#low = (this.#low << 8) >>> 0;
      this.#high = ((this.#high << 8) | 255) >>> 0;
      this.#at = ((this.#at << 8) | (this.#bytes[this.#next] ?? 0)) >>> 0;
      this.#next++;
      if (this.#next - 4 > this.#bytes.length) throw this.#damaged();
    }
    return bit;
  }
}
