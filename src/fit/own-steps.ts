/**
 * Quantising a network that is one signal's alone. Tensors differ in how much an error of their weights matters, so each has a step of its
 * own: what the error of the signal grows by is measured for every tensor alone at every octave of its step, and the steps are those at which
 * error + weight * bits is least (a Lagrangian; Shoham and Gersho, IEEE Transactions on Acoustics, Speech and Signal Processing 36(9), 1988),
 * with the weight that meets the bits asked for. Then weights learn on through the rounding.
 */
import { AbortedError, BadInputError } from '../core/errors.ts';
import type { Batch, CallOptions, Engine } from '../engine/engine.ts';
import { coveringGrid } from '../field/coordinates.ts';
import type { FieldSpec } from '../field/spec.ts';
import { fitOwnNetwork, learningRateOf, type OwnNetwork } from './own-network.ts';

/** How weights are written: a step is known by a number, and is half as large two numbers on. */
export interface StepCoding {
  /** The tensors of a network: weights of one share a step. */
  readonly tensors: readonly { readonly at: number; readonly length: number }[];
  /** Numbers are below this. */
  readonly steps: number;
  stepOf(k: number): number;
  /** Bits that a tensor of these symbols takes. */
  bitsOf(symbols: Int32Array): number;
}

export interface SteppedNetwork extends OwnNetwork {
  /** [tensors]: numbers of the steps. */
  readonly steps: Uint8Array;
  /** [weights]. */
  readonly symbols: Int32Array;
  readonly bits: number;
}

export interface OwnStepsOptions extends CallOptions {
  /** What all symbols may take together, at most. */
  readonly bits: number;
  /** Of learning on through the rounding; 0: none. */
  readonly iterations: number;
  readonly onIteration?: ((done: number, mse: number) => void) | undefined;
}

/** Octaves of a step that are tried: from the largest weight of a tensor down to a 2,048th of it. */
const octaves = 11;
/** Halvings of the interval that the weight of bits lies in. */
const bisections = 40;
/** Learning on begins at this share of the rate that weights were fitted by: what is left to do is small. */
const tuningShare = 0.3;
/** Weights that learn on may come to cost more: the bits aimed at shrink by this much more than the excess, at most so often. */
const margin = 0.002;
const mostTries = 4;

/** Throws BadInputError `bits` where no steps meet the bits, AbortedError, and what engines throw. */
export async function quantiseOwnNetwork(
  engine: Engine,
  spec: FieldSpec,
  batch: Batch,
  weights: Float32Array,
  coding: StepCoding,
  options: OwnStepsOptions,
): Promise<SteppedNetwork> {
  const { signal, iterations, onIteration } = options;
  const loss = lossOf(engine, spec, batch, signal);
  const choices = await measure(weights, coding, loss);
  const untuned = async (aim: number) => rounded(weights, stepsFor(choices, aim), coding, loss);
  const plain = await untuned(options.bits);
  if (iterations === 0) return plain;
  for (let aim = options.bits, tries = 0; tries < mostTries; tries++) {
    const steps = stepsFor(choices, aim);
    const tuned = await fitOwnNetwork(engine, spec, batch, {
      iterations,
      start: weights,
      learningRate: tuningShare * learningRateOf(spec),
      through: (latent) => dequantised(roundAll(latent, steps, coding), steps, coding),
      onIteration,
      signal,
    });
    const found = await rounded(tuned.weights, steps, coding, loss);
    if (found.bits <= options.bits) return found.loss < plain.loss ? found : plain;
    aim *= options.bits / found.bits - margin;
  }
  return plain;
}

/** One step of a tensor, and what it comes to. */
interface Choice {
  readonly k: number;
  /** By which the loss grows, all else as it was. */
  readonly loss: number;
  readonly bits: number;
}

type Loss = (weights: Float32Array) => Promise<number>;

/** For each tensor the steps that can be chosen, coarse to fine. */
async function measure(weights: Float32Array, coding: StepCoding, loss: Loss): Promise<Choice[][]> {
  const exact = await loss(weights);
  const all: Choice[][] = [];
  for (const { at, length } of coding.tensors) {
    const own = weights.subarray(at, at + length);
    const largest = own.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0);
    // Twice as coarse as the largest weight, all are 0; finer than the last number there is nothing.
    const first = Math.max(0, Math.floor(-2 * Math.log2(Math.max(largest, 1e-9))) - 1);
    const choices: Choice[] = [];
    for (let octave = 0; octave <= octaves; octave++) {
      const k = first + 2 * octave;
      if (k >= coding.steps) break;
      const tried = weights.slice();
      const symbols = roundTo(own, coding.stepOf(k));
      tried.set(symbols.length > 0 ? Float32Array.from(symbols, (s) => s * coding.stepOf(k)) : own, at);
      const grown = Math.max(0, (await loss(tried)) - exact);
      const before = choices.at(-1);
      // Between octaves the error is about the mean of its logarithms; the bits are counted.
      if (before !== undefined) {
        const between = roundTo(own, coding.stepOf(k - 1));
        choices.push({ k: k - 1, loss: Math.sqrt(before.loss * grown), bits: coding.bitsOf(between) });
      }
      choices.push({ k, loss: grown, bits: coding.bitsOf(symbols) });
    }
    if (choices.length === 0)
      choices.push({ k: coding.steps - 1, loss: 0, bits: coding.bitsOf(new Int32Array(length)) });
    all.push(choices);
  }
  return all;
}

/** The steps of least error + weight * bits, for the least weight at which all bits are within `most`. */
function stepsFor(choices: readonly (readonly Choice[])[], most: number): Uint8Array {
  const at = (weight: number) =>
    choices.map((own) =>
      own.reduce((best, choice) => (cost(choice, weight) < cost(best, weight) ? choice : best)),
    );
  const bitsOf = (chosen: readonly Choice[]) => chosen.reduce((sum, { bits }) => sum + bits, 0);
  const fewest = choices.reduce((sum, own) => sum + Math.min(...own.map(({ bits }) => bits)), 0);
  if (fewest > most)
    throw new BadInputError(
      'bits',
      `the weights of this network take ${Math.ceil(fewest)} bits at least; allow more bits a weight`,
    );
  let [low, high] = [-60, 60];
  for (let i = 0; i < bisections; i++) {
    const middle = (low + high) / 2;
    if (bitsOf(at(2 ** middle)) <= most) high = middle;
    else low = middle;
  }
  return Uint8Array.from(at(2 ** high), ({ k }) => k);
}

function cost({ loss, bits }: Choice, weight: number): number {
  return loss + weight * bits;
}

async function rounded(
  weights: Float32Array,
  steps: Uint8Array,
  coding: StepCoding,
  loss: Loss,
): Promise<SteppedNetwork> {
  const symbols = roundAll(weights, steps, coding);
  const bits = coding.tensors.reduce(
    (sum, { at, length }) => sum + coding.bitsOf(symbols.subarray(at, at + length)),
    0,
  );
  const found = dequantised(symbols, steps, coding);
  return { weights: found, steps, symbols, bits, loss: await loss(found) };
}

function roundAll(weights: Float32Array, steps: Uint8Array, { tensors, stepOf }: StepCoding): Int32Array {
  const symbols = new Int32Array(weights.length);
  for (const [t, { at, length }] of tensors.entries())
    symbols.set(roundTo(weights.subarray(at, at + length), stepOf(steps[t]!)), at);
  return symbols;
}

function roundTo(weights: Float32Array, step: number): Int32Array {
  return Int32Array.from(weights, (weight) => Math.floor(weight / step + 0.5));
}

function dequantised(symbols: Int32Array, steps: Uint8Array, { tensors, stepOf }: StepCoding): Float32Array {
  const weights = new Float32Array(symbols.length);
  for (const [t, { at, length }] of tensors.entries()) {
    const step = stepOf(steps[t]!);
    for (let i = at; i < at + length; i++) weights[i] = symbols[i]! * step;
  }
  return weights;
}

/** Half the weighted sum of squared errors of a signal under some weights, without a gradient. */
function lossOf(engine: Engine, spec: FieldSpec, batch: Batch, signal: AbortSignal | undefined): Loss {
  const points = coveringGrid(batch.shape);
  const { targets, weights: mass } = batch;
  return async (weights) => {
    if (signal?.aborted) throw new AbortedError();
    const net = { spec, weights, rates: new Float32Array(0) };
    const values = await engine.evaluate(net, batch.shape, new Float32Array(0), points, { signal });
    let sum = 0;
    for (let i = 0; i < values.length; i++) {
      const error = values[i]! - targets[i]!;
      sum += (mass?.[Math.floor(i / spec.outputs)] ?? 1) * error * error;
    }
    return sum / 2;
  };
}
