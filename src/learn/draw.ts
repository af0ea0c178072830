/**
 * Which signals a step learns from, and where they are cut: a function of (seed, step) alone, so that a run that was
 * stopped goes on with exactly the batches it would have had.
 */
import { BadInputError } from '../core/errors.ts';
import { type Rng, rngAt } from '../core/rng.ts';
import type { Batch } from '../engine/engine.ts';
import type { ValueRange } from '../field/outputs.ts';
import { pointCount } from '../field/spec.ts';
import { makeBatch, toFieldUnits } from '../fit/batch.ts';
import { type Box, forEachRow, wholeOf } from '../signal/box.ts';
import type { SignalSource } from '../signal/source.ts';

/** Purposes of random numbers; each has its own stream at each step. */
export const purposes = {
  weights: 0,
  order: 1,
  crops: 2,
  noise: 3,
  quality: 4,
  probes: 5,
  calibration: 6,
} as const;

export function stepRng(seed: number, purpose: keyof typeof purposes, step: number): Rng {
  return rngAt(seed, step * 16 + purposes[purpose], 0);
}

export interface BatchDrawOptions {
  readonly shape: readonly number[];
  readonly count: number;
  readonly seed: number;
  readonly range: ValueRange;
  /** Cut at a random place from signals that are larger; smaller ones are padded with points of weight 0. */
  readonly crops: boolean;
  /** Axes mirrored with probability 1/2. */
  readonly flips: readonly number[];
}

/** Draws batches without replacement, a new order every epoch. A batch is valid until the next but one is drawn. */
export class BatchDrawer {
  readonly #source: SignalSource;
  readonly #options: BatchDrawOptions;
  readonly #points: number;
  readonly #buffers: { targets: Float32Array; weights: Float32Array }[];
  readonly #scratch: Float32Array;
  #turn = 0;
  #epoch = -1;
  #order = new Uint32Array(0);

  constructor(source: SignalSource, options: BatchDrawOptions) {
    if (source.length === 0) {
      throw new BadInputError(
        'empty-source',
        `${source.name} holds no signals; there is nothing to learn from`,
      );
    }
    this.#source = source;
    this.#options = options;
    this.#points = pointCount(options.shape);
    this.#buffers = [0, 1].map(() => ({
      targets: new Float32Array(options.count * this.#points * source.channels),
      weights: new Float32Array(options.count * this.#points),
    }));
    this.#scratch = new Float32Array(this.#points * source.channels);
  }

  /** The batch of `step` (0, 1, ...). Calls may not overlap. */
  async draw(step: number): Promise<Batch> {
    const { count, shape, seed } = this.#options;
    const buffer = this.#buffers[this.#turn]!;
    this.#turn = 1 - this.#turn;
    const rng = stepRng(seed, 'crops', step);
    let observed = 0;
    for (let s = 0; s < count; s++)
      observed += await this.#load(this.#indexAt(step * count + s), s, buffer, rng);
    if (observed === 0) {
      throw new BadInputError(
        'no-observed-points',
        `no signal of step ${step} has an observed value; leave signals without data out of ${this.#source.name}`,
      );
    }
    return makeBatch(shape, count, buffer.targets, buffer.weights);
  }

  #indexAt(position: number): number {
    const { length } = this.#source;
    const epoch = Math.floor(position / length);
    if (epoch !== this.#epoch) {
      this.#order = stepRng(this.#options.seed, 'order', epoch).shuffle(
        Uint32Array.from({ length }, (_, i) => i),
      );
      this.#epoch = epoch;
    }
    return this.#order[position % length]!;
  }

  async #load(
    index: number,
    slot: number,
    buffer: { targets: Float32Array; weights: Float32Array },
    rng: Rng,
  ): Promise<number> {
    const source = this.#source;
    const { shape, crops, range, flips } = this.#options;
    const { channels } = source;
    const points = this.#points;
    const values = buffer.targets.subarray(slot * points * channels, (slot + 1) * points * channels);
    const weights = buffer.weights.subarray(slot * points, (slot + 1) * points);
    const where = `signal ${index} of ${source.name}`;
    const full = await source.shapeOf(index);
    const crop = crops ? randomCrop(full, shape, rng, where) : wholeSignal(full, shape, where);
    if (pointCount(crop.count) === points) {
      await source.fill(index, crop, values);
      if (source.fillWeights === undefined) weights.fill(1);
      else await source.fillWeights(index, crop, weights);
    } else {
      const part = this.#scratch.subarray(0, pointCount(crop.count) * channels);
      await source.fill(index, crop, part);
      pad(part, channels, crop.count, shape, values);
      const partWeights = part.subarray(0, pointCount(crop.count));
      if (source.fillWeights === undefined) partWeights.fill(1);
      else await source.fillWeights(index, crop, partWeights);
      pad(partWeights, 1, crop.count, shape, weights);
    }
    for (const axis of flips) {
      if (rng.u32() >= 0x80000000) continue;
      mirror(values, shape, axis, channels);
      mirror(weights, shape, axis, 1);
    }
    return toFieldUnits(values, weights, channels, range, where);
  }
}

function wholeSignal(full: readonly number[], shape: readonly number[], where: string): Box {
  if (full.join() !== shape.join()) {
    throw new BadInputError(
      'signal-shape',
      `${where} has shape [${full}], the recipe learns on [${shape}]; set "crops" to cut signals of other sizes`,
    );
  }
  return wholeOf(shape);
}

function randomCrop(full: readonly number[], shape: readonly number[], rng: Rng, where: string): Box {
  if (full.length !== shape.length) {
    throw new BadInputError(
      'signal-shape',
      `${where} has ${full.length} axes, the recipe learns on ${shape.length}`,
    );
  }
  const size = shape.map((n, axis) => Math.min(n, full[axis]!));
  return { start: size.map((n, axis) => rng.below(full[axis]! - n + 1)), count: size };
}

/** Sets `part` [...small, channels] at the origin of `target` [...shape, channels], zeros elsewhere. */
function pad(
  part: Float32Array,
  channels: number,
  small: readonly number[],
  shape: readonly number[],
  target: Float32Array,
): void {
  target.fill(0);
  forEachRow(shape, wholeOf(small), (whole, at, samples) => {
    target.set(part.subarray(at * channels, (at + samples) * channels), whole * channels);
  });
}

/** Reverses an array [...shape, channels] along `axis`, in place. */
export function mirror(values: Float32Array, shape: readonly number[], axis: number, channels: number): void {
  const n = shape[axis]!;
  const inner = pointCount(shape.slice(axis + 1)) * channels;
  for (let base = 0; base < values.length; base += n * inner) {
    for (let i = 0; i < n >> 1; i++) {
      const a = base + i * inner;
      const b = base + (n - 1 - i) * inner;
      for (let k = 0; k < inner; k++) {
        const kept = values[a + k]!;
        values[a + k] = values[b + k]!;
        values[b + k] = kept;
      }
    }
  }
}
