/** What a classifier computes, as its file says it; and the limits that it must keep. */
import { BadInputError } from '../core/errors.ts';
import { pointCount } from '../field/spec.ts';

/**
 * Maps [cells, channels] to logits [classes]: stages of convolutions, the mean over cells, one linear layer. The first stage
 * begins with a convolution over 3 cells along each axis, a later one with a convolution that merges 2 cells along each axis
 * into one; `blocks` residual convolutions follow. Without stages it is a linear probe.
 */
export interface Architecture {
  readonly cells: readonly number[];
  readonly channels: number;
  readonly stages: readonly Stage[];
  readonly classes: number;
}

export interface Stage {
  readonly width: number;
  readonly blocks: number;
}

/** A convolution of a network. */
export interface Layer {
  readonly kind: 'start' | 'merge' | 'block';
  /** Of what it reads. */
  readonly cells: readonly number[];
  readonly inputs: number;
  readonly outputs: number;
  /** Cells read for each that is made. */
  readonly taps: number;
}

const most = { axes: 3, cells: 4096, channels: 1 << 16, stages: 6, width: 1024, blocks: 16, classes: 10_000 };

/** Throws BadInputError `architecture` for what is no architecture, or one past the limits. */
export function checkArchitecture(given: unknown): asserts given is Architecture {
  const { cells, channels, stages, classes } = (given ?? {}) as Partial<Architecture>;
  const whole = (n: unknown, least: number, limit: number) =>
    Number.isInteger(n) && (n as number) >= least && (n as number) <= limit;
  const fits =
    Array.isArray(cells) &&
    whole(cells.length, 1, most.axes) &&
    cells.every((n) => whole(n, 1, most.cells)) &&
    pointCount(cells) <= most.cells &&
    whole(channels, 1, most.channels) &&
    Array.isArray(stages) &&
    stages.length <= most.stages &&
    stages.every((s) => whole(s?.width, 1, most.width) && whole(s?.blocks, 0, most.blocks)) &&
    whole(classes, 2, most.classes);
  if (!fits) {
    throw new BadInputError(
      'architecture',
      `a classifier has up to ${most.axes} axes, ${most.cells} cells, ${most.stages} stages of ${most.width} units and ${most.blocks} blocks, and 2 to ${most.classes} classes`,
    );
  }
}

export function layersOf({ cells, channels, stages }: Architecture): Layer[] {
  const layers: Layer[] = [];
  let [at, inputs] = [cells, channels];
  for (const [i, { width, blocks }] of stages.entries()) {
    const start = i === 0 ? 'start' : 'merge';
    layers.push({ kind: start, cells: at, inputs, outputs: width, taps: (i === 0 ? 3 : 2) ** at.length });
    if (i > 0) at = at.map((n) => Math.ceil(n / 2));
    inputs = width;
    for (let block = 0; block < blocks; block++)
      layers.push({ kind: 'block', cells: at, inputs, outputs: width, taps: 3 ** at.length });
  }
  return layers;
}

/** Numbers that come out of the last stage: what the linear layer sees. */
export function mapInputCount({ channels, stages }: Architecture): number {
  return stages.at(-1)?.width ?? channels;
}

/** Multiply-adds of one item. */
export function multiplyAdds(architecture: Architecture): number {
  const convolutions = layersOf(architecture).map(({ kind, cells, inputs, outputs, taps }) => {
    const made = kind === 'merge' ? cells.map((n) => Math.ceil(n / 2)) : cells;
    return pointCount(made) * taps * inputs * outputs;
  });
  return convolutions.reduce((sum, n) => sum + n, mapInputCount(architecture) * architecture.classes);
}

/** How a network is learnt. */
export interface Learning {
  readonly epochs: number;
  readonly batch: number;
  /** Highest learning rate. */
  readonly rate: number;
  /** Share of the features left out at each step, from 0 to under 1. */
  readonly dropout: number;
  /** Share of a label's weight that goes to all classes alike, from 0 to under 1. */
  readonly smoothing: number;
  readonly seed: number;
}
