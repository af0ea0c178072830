/**
 * A normalising flow over the modulations of a network, quantised at one quality with uniform noise of a step: an exact
 * density, and a latent in which modulations are normal. Its bits are an upper bound of what a code of the symbols would
 * take (L. Theis et al., arXiv 1511.01844, section 3.1).
 */
import { AbortedError, BadInputError, BadStreamError } from '../../src/core/errors.ts';
import type { Limits } from '../../src/core/limits.ts';
import { Rng } from '../../src/core/rng.ts';
import { elementCount } from '../../src/core/tensor.ts';
import { openTensorFlow, type TensorFlow } from '../../src/engine/tfjs/backend.ts';
import type { ModulationLayout } from '../../src/field/layout.ts';
import {
  checkModulationNumbers,
  type GenerativeCard,
  type GenerativeFile,
  layoutOf,
  readPriorFile,
  takeFloats,
  takeHalves,
  wholeOf,
} from '../train/prior-file.ts';
import { type FlowBase, forwardAlone, indicesOf, inverseBase, logDeterminant } from './base.ts';
import { couplingShapes, createCouplings } from './couplings.ts';
import { logRootTwoPi } from './normal.ts';
import { createWhitening } from './whitening.ts';

export { type FlowTraining, trainFlow } from './train.ts';

export interface Flow {
  readonly card: GenerativeCard;
  readonly layout: ModulationLayout;
  /** Nothing can be asked for. */
  readonly labels: readonly [];
  /** The quality whose steps the density is over. */
  readonly quality: number;
  /**
   * Modulations [count, m] to the latent [count, m], and -log2 of the density of each in units of steps at `quality`,
   * [count]. Without noise: what the caller wants between steps it adds.
   */
  encode(modulations: Float32Array): { readonly latent: Float32Array; readonly bits: Float64Array };
  /** And back. */
  decode(latent: Float32Array): Float32Array;
  /**
   * Bits of each symbol, [count]: modulations [count, m] rounded to steps, with uniform noise from `seed`. A bound of what
   * a code of the symbols takes.
   */
  symbolBits(modulations: Float32Array, seed: number): Float64Array;
  /** New modulations, [m] each; the first n of a larger sample are the sample of n. */
  sample(options: FlowDraw): Promise<Float32Array[]>;
  dispose(): void;
}

export interface FlowDraw {
  readonly count: number;
  readonly seed: number;
  /** Scale of the latent: 1 is the flow's own distribution. */
  readonly temperature?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Modulations that pass the couplings together. */
const group = 64;

/** Opens the bytes of a `flow.safetensors`. Throws what `readPriorFile` and `openTensorFlow` throw. */
export async function openFlow(
  bytes: Uint8Array,
  options: {
    readonly networkId?: string | undefined;
    readonly threads?: number | undefined;
    readonly limits?: Limits | undefined;
  } = {},
): Promise<Flow> {
  const file = readPriorFile(bytes, 'flow', options);
  const { tf } = await openTensorFlow({ threads: options.threads });
  return flowOf(tf, file);
}

/** Numbers of a modulation, at most: the whitening has a half of their square. */
const maxNumbers = 2 ** 14;

export function flowOf(tf: TensorFlow, file: GenerativeFile): Flow {
  const { card } = file;
  const layout = layoutOf(card, maxNumbers);
  const { length } = layout;
  const base = readBase(file, length);
  const steps = takeFloats(file, 'steps', length);
  const whitening = createWhitening(tf, base, layout);
  const { together, tokens } = whitening;
  const size = {
    tokens: tokens.tokens,
    slots: tokens.slots,
    couplings: wholeOf(card, 'couplings', 1, 64),
    hidden: wholeOf(card, 'hidden', 1, 4096),
  };
  const quality = wholeOf(card, 'quality', 1, 100);
  const sizes = [...couplingShapes(size)].map(([name, shape]) => [name, elementCount(shape)] as const);
  const couplings = createCouplings(tf, size, tokens.used, takeHalves(file, new Map(sizes)));
  const n = together.length;
  const row = tokens.tokens * tokens.slots;
  const constant = logDeterminant(base, together);

  /** Numbers in steps, [count, m]. */
  function encodeSteps(x: Float32Array) {
    const count = x.length / length;
    const latent = new Float32Array(x.length);
    const bits = new Float64Array(count);
    for (let start = 0; start < count; start += group) {
      const items = Math.min(group, count - start);
      const numbers = new Float32Array(items * n);
      for (let i = 0; i < items; i++) {
        const at = (start + i) * length;
        bits[start + i] = forwardAlone(base, x.subarray(at, at + length), latent.subarray(at, at + length));
        for (let j = 0; j < n; j++) numbers[i * n + j] = x[at + together[j]!]!;
      }
      const z = whitening.whiten(numbers);
      const passed = tf.tidy(() => couplings.forward(tf.tensor3d(z, [items, tokens.tokens, tokens.slots])));
      const [found, slopes] = [passed.latent.dataSync(), passed.logSlope.dataSync()];
      tf.dispose([passed.latent, passed.logSlope]);
      for (let i = 0; i < items; i++) {
        const at = (start + i) * length;
        for (let j = 0; j < n; j++) latent[at + together[j]!] = found[i * row + tokens.places[j]!]!;
        let nats = logRootTwoPi * length - bits[start + i]! - constant - slopes[i]!;
        for (let d = 0; d < length; d++) nats += 0.5 * latent[at + d]! ** 2;
        bits[start + i] = nats / Math.LN2;
      }
    }
    return { latent, bits };
  }

  function decode(latent: Float32Array): Float32Array {
    checkModulationNumbers(latent, length);
    const count = latent.length / length;
    const scratch = new Float64Array(n);
    const modulations = new Float32Array(latent.length);
    for (let start = 0; start < count; start += group) {
      const items = Math.min(group, count - start);
      const given = new Float32Array(items * row);
      for (let i = 0; i < items; i++)
        for (let j = 0; j < n; j++)
          given[i * row + tokens.places[j]!] = latent[(start + i) * length + together[j]!]!;
      const white = couplings.inverse(given, items);
      for (let i = 0; i < items; i++) {
        const at = (start + i) * length;
        const z = latent.slice(at, at + length);
        for (let j = 0; j < n; j++) z[together[j]!] = white[i * row + tokens.places[j]!]!;
        const x = modulations.subarray(at, at + length);
        inverseBase(base, together, z, x, scratch);
        for (let d = 0; d < length; d++) x[d]! *= steps[d]!;
      }
    }
    return modulations;
  }

  return {
    card,
    layout,
    labels: [],
    quality,
    encode(modulations) {
      checkModulationNumbers(modulations, length);
      return encodeSteps(modulations.map((value, i) => value / steps[i % length]!));
    },
    decode,
    symbolBits(modulations, seed) {
      checkModulationNumbers(modulations, length);
      const rng = new Rng(seed);
      const noisy = (value: number, i: number) =>
        Math.floor(value / steps[i % length]! + 0.5) + rng.uniform() - 0.5;
      return encodeSteps(modulations.map(noisy)).bits;
    },
    async sample({ count, seed, temperature = 1, signal }) {
      if (!Number.isSafeInteger(count) || count < 1) {
        throw new BadInputError('bad-count', `count is a whole number from 1, not ${count}`);
      }
      if (!(Number.isFinite(temperature) && temperature >= 0)) {
        throw new BadInputError('temperature', `a temperature is a number from 0 on, not ${temperature}`);
      }
      const drawn: Float32Array[] = [];
      for (let i = 0; i < count; i++) {
        if (signal?.aborted) throw new AbortedError();
        const rng = new Rng(seed, i);
        drawn.push(decode(Float32Array.from({ length }, () => temperature * rng.normal())));
      }
      return drawn;
    },
    dispose() {
      couplings.dispose();
      whitening.dispose();
    },
  };
}

function readBase(file: GenerativeFile, length: number): FlowBase {
  const alone = file.tensors.get('alone')?.data;
  if (!(alone instanceof Uint8Array) || alone.length !== length || alone.some((flag) => flag > 1)) {
    throw new BadStreamError('prior-format', 8, 'tensor "alone" is not one flag a number');
  }
  const n = indicesOf(alone).length;
  const [whitening] = takeHalves(file, new Map([['whitening', (n * (n + 1)) / 2]]));
  const base = {
    alone,
    first: takeFloats(file, 'first', length),
    second: takeFloats(file, 'second', length),
    whitening: whitening!,
  };
  let fits = base.second.every((scale) => scale > 0);
  for (let i = 0, at = 0; i < n; i++, at += i + 1) fits &&= base.whitening[at]! > 0;
  for (let d = 0; d < length; d++) fits &&= alone[d] === 0 || (base.first[d]! > 0 && base.first[d]! < 1);
  if (!fits) throw new BadStreamError('prior-format', 8, 'a scale or a mass of the flow is out of range');
  return base;
}
