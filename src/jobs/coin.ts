/** `functa encode --recipe coin`: a network of its own for one signal (COIN, arXiv 2103.03123), in the bytes of its weights. */

import {
  encodeHalfNetwork,
  encodeSteppedNetwork,
  largestW0,
  multiplyAddsPerPoint,
  readHeader,
  stepCount,
  stepOf,
  tensorBits,
  valuesOf,
  weightTensors,
} from '../../codec/index.ts';
import { aSignal, check } from '../core/check.ts';
import { BadInputError } from '../core/errors.ts';
import { checkLimit, defaultLimits, type Limits } from '../core/limits.ts';
import { bitsPerPoint, psnrDb } from '../core/units.ts';
import type { Batch, Engine } from '../engine/engine.ts';
import { type Channels, channelCounts, outputsOfKind } from '../field/kinds.ts';
import type { ValueRange } from '../field/outputs.ts';
import { coin } from '../field/presets.ts';
import { type FieldSpec, pointCount, weightLayout } from '../field/spec.ts';
import { batchOf, fitOwnNetwork, type OwnSize, ownSizeFor, quantiseOwnNetwork, w0For } from '../fit/index.ts';
import { functionRows } from '../session/function-rows.ts';
import { networkFunction } from '../session/own-network.ts';
import { errorOfRows } from '../signal/errors.ts';
import { checkSignal, type Signal } from '../signal/signal.ts';
import { optionsOfCoin } from './arguments.ts';
import type { JobOptions } from './types.ts';

/** Bits of a weight as a half float. */
export const halfBits = 16;
/** Bits a weight that entropy coding is worth its while for, on average, at most. */
const mostSteppedBits = 12;
/** Share of the iterations that weights learn on for, through their rounding. */
const tuningShare = 0.25;

export interface CoinOptions extends JobOptions {
  readonly engine: Engine;
  /** Layers of sines and their width. Default: by the points of the signal, `ownSizeFor`; `publishedSizes` has those of the papers. */
  readonly size?: OwnSize | undefined;
  /** Frequency of the sines. Default: `w0For`; published: 30. */
  readonly w0?: number | undefined;
  /** Steps of Adam. Default 5,000; published: 50,000. */
  readonly iterations?: number | undefined;
  readonly learningRate?: number | undefined;
  /**
   * Bits a weight. 16 (default): half floats, as published. 12 or fewer, also fractions: steps by sensitivity, entropy coded; the weights
   * take at most so many on average.
   */
  readonly bits?: number | undefined;
  /** Default 0; the same seed, engine and threads or not: the same bytes. */
  readonly seed?: number | undefined;
  /** What the signal's channels are; default: by its axes and how many there are. */
  readonly channels?: Channels | undefined;
  readonly limits?: Limits | undefined;
}

export interface CoinEncoded {
  /** A whole `.functa` file, which needs no model. */
  readonly bytes: Uint8Array;
  readonly shape: readonly number[];
  readonly size: OwnSize;
  readonly weights: number;
  /** Of the file after its header and check, over `weights`. */
  readonly bitsPerWeight: number;
  /** Of the signal decoded from `bytes` against what was given, as in `Encoded`; of values of no kind over their own range. */
  readonly psnrDb: number;
  /** In units of peak squared. */
  readonly mse: number;
  /** Bits of the whole file over points. */
  readonly bitsPerPoint: number;
  readonly iterations: number;
  readonly seconds: number;
}

/** Steps of Adam unless told otherwise. */
export const defaultIterations = 5000;

/**
 * Fits a network of its own to a signal and writes its weights. Throws BadInputError `bits`, `iterations`, `network-size`,
 * `signal-channels` and what `batchOf` throws; LimitError `limit-samples`, `limit-multiply-adds`, `limit-symbols`; AbortedError.
 *
 * @example
 * const { bytes } = await fitCoin(signal, { engine: await openEngine(), bits: 8 });
 */
export async function fitCoin(signal: Signal, options: CoinOptions): Promise<CoinEncoded> {
  check('fitCoin', aSignal(signal, 'signal'), optionsOfCoin(options, 'options'));
  const started = performance.now();
  const { engine, bits = halfBits, iterations = defaultIterations, limits = defaultLimits } = options;
  if (bits !== halfBits && !(bits > 0 && bits <= mostSteppedBits))
    throw new BadInputError(
      'bits',
      `weights take ${halfBits} bits, or up to ${mostSteppedBits} on average, not ${bits}`,
    );
  const channels = options.channels ?? channelsOf(signal);
  const count = channelCounts[channels];
  if (count !== null && count !== signal.channels)
    throw new BadInputError(
      'signal-channels',
      `${signal.id} has ${signal.channels} channels, ${channels} has ${count}`,
    );
  checkSignal(signal);
  checkScale(signal, channels);
  const size = options.size ?? ownSizeFor(signal.shape, signal.channels);
  const spec = specOf(signal, size, options.w0 ?? w0For(signal.shape));
  checkWork(signal.shape, spec, iterations, limits);
  const values = channels === 'values' ? rangeOf(signal.values) : valuesOf(channels);
  const batch = batchOf([signal], signal.channels, values);
  const header = { shape: [...signal.shape], channels, values, spec };
  const bytes = await encodedWith(header, batch, { ...options, engine, bits, iterations });
  const found = networkFunction(bytes, limits);
  const context = { model: found.network, engine };
  const rows = functionRows(context, found, { limits, signal: options.signal });
  const { mse } = await errorOfRows(found.network.card, signal, rows);
  const weights = weightLayout(spec).length;
  return {
    bytes,
    shape: signal.shape,
    size,
    weights,
    bitsPerWeight: (8 * readHeader(bytes, limits).streamBytes) / weights,
    psnrDb: psnrDb(mse),
    mse,
    bitsPerPoint: bitsPerPoint(bytes.length, pointCount(signal.shape)),
    iterations,
    seconds: (performance.now() - started) / 1000,
  };
}

/** Fits weights and writes them in 16 bits, or in fewer, learning on through their rounding. */
async function encodedWith(
  header: Parameters<typeof encodeHalfNetwork>[0],
  batch: Batch,
  options: CoinOptions & { readonly bits: number; readonly iterations: number },
): Promise<Uint8Array> {
  const { engine, bits, iterations, learningRate, seed, signal } = options;
  const { spec, values } = header;
  const stepped = bits !== halfBits;
  const tuning = stepped ? Math.ceil(tuningShare * iterations) : 0;
  const total = iterations + tuning;
  const events = eventsOf(options, total, values.scale);
  events.start();
  const fitted = await fitOwnNetwork(engine, spec, batch, {
    iterations,
    learningRate,
    seed,
    onIteration: events.progress(0),
    signal,
  });
  if (!stepped) {
    events.end();
    return encodeHalfNetwork(header, fitted.weights);
  }
  const coding = { tensors: weightTensors(spec), steps: stepCount, stepOf, bitsOf: tensorBits };
  const found = await quantiseOwnNetwork(engine, spec, batch, fitted.weights, coding, {
    bits: bits * fitted.weights.length,
    iterations: tuning,
    onIteration: events.progress(iterations),
    signal,
  });
  events.end();
  return encodeSteppedNetwork(header, found);
}

function eventsOf({ onEvent = () => {} }: CoinOptions, total: number, scale: number) {
  const started = performance.now();
  const job = 'fit';
  return {
    start: () => onEvent({ type: 'start', job, total, done: 0, unit: 'iterations' }),
    progress: (before: number) => (done: number, mse: number) => {
      const figures = { psnrDb: psnrDb(mse * scale * scale) };
      onEvent({ type: 'progress', job, done: before + done, total, figures });
    },
    end: () => onEvent({ type: 'end', job, done: total, seconds: (performance.now() - started) / 1000 }),
  };
}

/** The field, after checking what a file can hold. Throws BadInputError `network-size`. */
function specOf({ shape, channels }: Signal, size: OwnSize, w0: number): FieldSpec {
  if (!(Number.isInteger(w0) && w0 >= 1 && w0 <= largestW0))
    throw new BadInputError('network-size', `w0 is a whole number from 1 to ${largestW0}, not ${w0}`);
  try {
    return coin({ axes: shape.length, outputs: channels, ...size, w0 });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new BadInputError('network-size', message, { cause });
  }
}

/** Held against the limits before anything is fitted: every iteration is about three passes over the network for each point. */
function checkWork(shape: readonly number[], spec: FieldSpec, iterations: number, limits: Limits): void {
  const hint = 'allow more, or take fewer iterations, a smaller network or a smaller signal';
  const points = pointCount(shape);
  for (const n of shape) checkLimit('axis', n, limits.maxAxis, hint);
  checkLimit('samples', points, limits.maxSamples, hint);
  checkLimit('symbols', weightLayout(spec).length, limits.maxSymbols, hint);
  const work = 3 * iterations * points * multiplyAddsPerPoint(spec);
  checkLimit('multiply-adds', work, limits.maxMultiplyAdds, hint);
}

/** What a signal is, by its axes, channels and range, where nobody says it: values of another scale are numbers as they are. */
function channelsOf(signal: Signal): Channels {
  const { shape, channels } = signal;
  const names: Readonly<Record<string, Channels>> = {
    '1,1': 'mono',
    '1,2': 'stereo',
    '2,1': 'grey',
    '2,3': 'rgb',
    '2,4': 'rgba',
  };
  const named = names[`${shape.length},${channels}`];
  return named !== undefined && isOnScale(signal, named) ? named : 'values';
}

/** Throws BadInputError `signal-range` for values that are certainly on another scale than samples of these channels. */
function checkScale(signal: Signal, channels: Channels): void {
  if (isOnScale(signal, channels)) return;
  throw new BadInputError(
    'signal-range',
    `${signal.id} has values that are no ${channels} samples; bring them to that scale, or leave out channels, and they are numbers as they are`,
  );
}

function isOnScale({ values }: Signal, channels: Channels): boolean {
  if (channels === 'values') return true;
  const outputs = outputsOfKind(channels, valuesOf(channels));
  return values.every((value, i) => {
    const { low, peak } = outputs[i % outputs.length]!;
    return !Number.isFinite(value) || Math.abs((value - low) / peak - 0.5) <= 0.5 + beyondSamples;
  });
}

/** How far an overshoot may go, in lengths of the range. */
const beyondSamples = 0.5;

/** Numbers from the least to the greatest become field values from -1 to 1. */
function rangeOf(values: Float32Array): ValueRange {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  const scale = Math.fround((most - least) / 2);
  const offset = Math.fround((most + least) / 2);
  return {
    offset: Number.isFinite(offset) ? offset : 0,
    scale: Number.isFinite(scale) && scale > 0 ? scale : 1,
  };
}
