/**
 * Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
 * The state is (seed, stream, position), so a run resumes exactly and streams never meet. Normal deviates use
 * deterministic arithmetic: the same seed gives the same bits on every machine.
 */
import { cos2pi, log } from './detmath.ts';
import { BadInputError } from './errors.ts';

const twoTo32 = 4294967296;

export class Rng {
  readonly #seedLow: number;
  readonly #seedHigh: number;
  readonly seed: bigint;
  readonly stream: number;
  readonly #block = new Uint32Array(4);
  #blockIndex = -1;
  #position: number;

  /** `seed` is taken modulo 2^64; `stream` and `position` are integers from 0 to 2^53. */
  constructor(seed: number | bigint, stream = 0, position = 0) {
    if (typeof seed === 'number' && !Number.isSafeInteger(seed)) {
      throw new BadInputError('seed', `a seed is an integer, not ${seed}`);
    }
    checkCounter('stream', stream);
    checkCounter('position', position);
    this.seed = BigInt.asUintN(64, BigInt(seed));
    this.#seedLow = Number(this.seed & 0xffffffffn);
    this.#seedHigh = Number(this.seed >> 32n);
    this.stream = stream;
    this.#position = position;
  }

  /** How many 32-bit words were taken: with seed and stream, the whole state. */
  get position(): number {
    return this.#position;
  }

  /** A generator of the same seed and stream at another position. */
  at(position: number): Rng {
    return new Rng(this.seed, this.stream, position);
  }

  /** A generator of the same seed, at the start of another stream. */
  fork(stream: number): Rng {
    return new Rng(this.seed, stream);
  }

  /** An integer in [0, 2^32). Takes one word. */
  u32(): number {
    const index = Math.floor(this.#position / 4);
    if (index !== this.#blockIndex) this.#fill(index);
    return this.#block[this.#position++ & 3]!;
  }

  /** A multiple of 2^-53 in [0, 1). Takes two words. */
  uniform(): number {
    const high = this.u32() >>> 5;
    const low = this.u32() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  }

  /** A standard normal deviate (Box and Muller's, the cosine one alone so that nothing is kept back). Takes four words. */
  normal(): number {
    const radius = Math.sqrt(-2 * log(1 - this.uniform()));
    return radius * cos2pi(this.uniform());
  }

  /** An integer in [0, n), all equally likely; n from 1 to 2^32. Takes one word, seldom more. */
  below(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > twoTo32)
      throw new BadInputError('range', `below(n) wants 1..2^32, not ${n}`);
    const accepted = twoTo32 - (twoTo32 % n);
    for (;;) {
      const word = this.u32();
      if (word < accepted) return word % n;
    }
  }

  /** Puts `array` in random order, in place (Fisher and Yates), and returns it. */
  shuffle<T extends { length: number; [index: number]: unknown }>(array: T): T {
    for (let i = array.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const kept = array[i];
      array[i] = array[j];
      array[j] = kept;
    }
    return array;
  }

  #fill(index: number): void {
    const { stream } = this;
    philox(
      this.#block,
      index >>> 0,
      Math.floor(index / twoTo32),
      stream >>> 0,
      Math.floor(stream / twoTo32),
      this.#seedLow,
      this.#seedHigh,
    );
    this.#blockIndex = index;
  }
}

/** The generator of (seed, stream) after `position` words. */
export function rngAt(seed: number | bigint, stream: number, position: number): Rng {
  return new Rng(seed, stream, position);
}

/** One Philox4x32-10 block: counter words c0..c3 and key words k0, k1, each in [0, 2^32), into `out`. */
export function philox(
  out: Uint32Array,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
): void {
  let [x0, x1, x2, x3] = [c0 | 0, c1 | 0, c2 | 0, c3 | 0];
  let [key0, key1] = [k0 | 0, k1 | 0];
  for (let round = 0; round < 10; round++) {
    const low0 = Math.imul(0xd2511f53, x0);
    const low1 = Math.imul(0xcd9e8d57, x2);
    const high0 = multiplyHigh(0xd251, 0x1f53, x0);
    const high1 = multiplyHigh(0xcd9e, 0x8d57, x2);
    x0 = high1 ^ x1 ^ key0;
    x1 = low1;
    x2 = high0 ^ x3 ^ key1;
    x3 = low0;
    key0 = (key0 + 0x9e3779b9) | 0;
    key1 = (key1 + 0xbb67ae85) | 0;
  }
  out[0] = x0;
  out[1] = x1;
  out[2] = x2;
  out[3] = x3;
}

/** Upper 32 bits of (high * 2^16 + low) * b, as unsigned numbers. */
function multiplyHigh(high: number, low: number, b: number): number {
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = high * bLow + ((low * bLow) >>> 16);
  const other = low * bHigh + (middle % 65536);
  return (high * bHigh + Math.floor(middle / 65536) + Math.floor(other / 65536)) | 0;
}

function checkCounter(name: 'stream' | 'position', value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new BadInputError(name, `${name} is an integer from 0 to 2^53 - 1, not ${value}`);
  }
}
