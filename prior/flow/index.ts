/**
 * A normalising flow over the modulations of a network, quantised at one quality with uniform noise of a step: an exact
 * density, and a latent in which modulations are normal. Its bits are an upper bound of what a code of the symbols would
 * take (L. Theis et al., arXiv 1511.01844, section 3.1).
 */
import { BadInputError, BadStreamError } from '../../src/core/errors.ts';
import { checkLimit, type Limits } from '../../src/core/limits.ts';
import { Rng } from '../../src/core/rng.ts';
import { elementCount, takeTensor } from '../../src/core/tensor.ts';
import { openTensorFlow, type TensorFlow } from '../../src/engine/tfjs/backend.ts';
import { pointCount } from '../../src/field/spec.ts';
import type { SymbolLayout } from '../prior.ts';
import { valuesOf } from '../train/loop.ts';
import { type GenerativeCard, type GenerativeFile, readPriorFile, takeHalves } from '../train/prior-file.ts';
import {
  denseWhitening,
  type FlowBase,
  forwardAlone,
  indicesOf,
  inverseBase,
  logDeterminant,
} from './base.ts';
import { couplingShapes, createCouplings } from './couplings.ts';
import { logRootTwoPi } from './normal.ts';
import { flowTokens } from './tokens.ts';

export { type FlowTraining, trainFlow } from './train.ts';

export interface Flow {
  readonly card: GenerativeCard;
  readonly layout: SymbolLayout;
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

export function flowOf(tf: TensorFlow, file: GenerativeFile): Flow {
  const { card } = file;
  const length = card.levels.reduce((sum, { cells, channels }) => sum + pointCount(cells) * channels, 0);
  checkLimit('symbols', length, 2 ** 14, 'a flow over so many numbers is not one of ours');
  const layout: SymbolLayout = { levels: card.levels, length };
  const base = readBase(file, length);
  const steps = readFloats(file, 'steps', length);
  const together = indicesOf(base.alone);
  const tokens = flowTokens(layout, together);
  const size = {
    tokens: tokens.tokens,
    slots: tokens.slots,
    couplings: whole(card, 'couplings', 64),
    hidden: whole(card, 'hidden', 4096),
  };
  const quality = whole(card, 'quality', 100);
  const sizes = [...couplingShapes(size)].map(([name, shape]) => [name, elementCount(shape)] as const);
  const couplings = createCouplings(tf, size, tokens.used, takeHalves(file, new Map(sizes)));
  const n = together.length;
  const row = tokens.tokens * tokens.slots;
  const whitening = tf.tensor2d(denseWhitening(base, n), [n, n]);
  const constant = logDeterminant(base, together);

  /** Numbers in steps, [count, m]. */
  function encodeSteps(x: Float32Array) {
    const count = x.length / length;
    const latent = new Float32Array(x.length);
    const bits = new Float64Array(count);
    for (let start = 0; start < count; start += group) {
      const items = Math.min(group, count - start);
      const rows = new Float32Array(items * n);
      for (let i = 0; i < items; i++) {
        const at = (start + i) * length;
        bits[start + i] = forwardAlone(base, x.subarray(at, at + length), latent.subarray(at, at + length));
        for (let j = 0; j < n; j++) {
          const d = together[j]!;
          rows[i * n + j] = (x[at + d]! - base.first[d]!) / base.second[d]!;
        }
      }
      const white = valuesOf(tf, () => tf.matMul(tf.tensor2d(rows, [items, n]), whitening, false, true));
      const z = new Float32Array(items * row);
      for (let i = 0; i < items; i++)
        for (let j = 0; j < n; j++) z[i * row + tokens.places[j]!] = white[i * n + j]!;
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
    checkLength(latent, length);
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
      checkLength(modulations, length);
      return encodeSteps(modulations.map((value, i) => value / steps[i % length]!));
    },
    decode,
    symbolBits(modulations, seed) {
      checkLength(modulations, length);
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
        signal?.throwIfAborted();
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
    first: readFloats(file, 'first', length),
    second: readFloats(file, 'second', length),
    whitening: whitening!,
  };
  let fits = base.second.every((scale) => scale > 0);
  for (let i = 0, at = 0; i < n; i++, at += i + 1) fits &&= base.whitening[at]! > 0;
  for (let d = 0; d < length; d++) fits &&= alone[d] === 0 || (base.first[d]! > 0 && base.first[d]! < 1);
  if (!fits) throw new BadStreamError('prior-format', 8, 'a scale or a mass of the flow is out of range');
  return base;
}

function readFloats({ tensors }: GenerativeFile, name: string, length: number): Float32Array {
  try {
    return takeTensor(tensors, name, 'F32', length);
  } catch (error) {
    if (!(error instanceof BadInputError)) throw error;
    throw new BadStreamError('prior-format', 8, error.message);
  }
}

function whole({ recipe }: GenerativeCard, name: string, most: number): number {
  const value = recipe[name];
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new BadStreamError('prior-format', 8, `recipe.${name} is not from 1 to ${most}`);
}

function checkLength({ length }: Float32Array, m: number): void {
  if (length === 0 || length % m !== 0) {
    throw new BadInputError('modulation', `numbers by the ${m} are needed, not ${length}`);
  }
}
