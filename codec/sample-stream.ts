/**
 * A signal's samples as a stream: two bytes of check, then the samples as adaptive bits, or as they are where that is no longer. See
 * FORMAT.md, "Samples".
 */

import { BitDecoder, BitEncoder } from '../prior/bits.ts';
import { checkQuality, maxQuality } from '../prior/quantiser.ts';
import { BadInputError, BadStreamError } from '../src/core/errors.ts';
import { crc16 } from '../src/core/hash.ts';
import type { Limits } from '../src/core/limits.ts';
import { emptySamples, type SampleFormat, type Samples, sampleFormat } from '../src/field/samples.ts';
import { pointCount } from '../src/field/spec.ts';
import { type CodingModel, checkCodedShape, checkWork } from './coding-model.ts';
import { headerOf } from './header-of.ts';
import { type NumberGrid, walkNumbers } from './number-walk.ts';
import { checkSamplesPaid } from './paid.ts';
import { sampleContexts, walkSamples } from './sample-walk.ts';
import type { SampleCoding } from './sections.ts';
import { readWavelets, type WaveletSetting, writeWavelets } from './wavelet-samples.ts';
import { waveletContexts, waveletMixers } from './wavelet-walk.ts';

export interface SampleSetting {
  readonly quality: number;
  readonly shape: readonly number[];
  /** As a section of the file says; by guesses where it is not said. */
  readonly coding?: SampleCoding | undefined;
}

const checkBytes = 2;

/** [10]: floor(2^10 2^(k / 10)). */
const tenths = [1024, 1097, 1176, 1260, 1351, 1448, 1552, 1663, 1782, 1910];

/** Of samples at a quality: 1 at 100 (nothing is lost), twice as much for every ten below, rounded down. */
export function sampleStep(quality: number): number {
  checkQuality(quality);
  const below = maxQuality - quality;
  return (tenths[below % 10]! << Math.floor(below / 10)) >> 10;
}

/** Samples as a stream. */
export interface WrittenSamples {
  readonly stream: Uint8Array;
  /** As a decoder finds them. */
  readonly samples: Samples;
}

/** Throws BadInputError `shape`, `quality`, `sample-count`. */
export function writeSamples(model: CodingModel, setting: SampleSetting, samples: Samples): WrittenSamples {
  return writeSamplesWithin(model, setting, samples, Number.POSITIVE_INFINITY)!;
}

/** One for all samples, and one for wavelets: most are given up early, and a fresh one would cost as much as that. */
let encoder: BitEncoder | undefined;
let waveletEncoder: BitEncoder | undefined;

function encoderOf(setting: SampleSetting): BitEncoder {
  if (isByWavelets(setting)) {
    waveletEncoder ??= new BitEncoder(waveletContexts, Number.POSITIVE_INFINITY, waveletMixers);
    return waveletEncoder;
  }
  encoder ??= new BitEncoder(sampleContexts);
  return encoder;
}

/** The same, or undefined, found out early, where the stream would be longer than `most` bytes. */
export function writeSamplesWithin(
  model: CodingModel,
  setting: SampleSetting,
  samples: Samples,
  most: number,
): WrittenSamples | undefined {
  const { shape } = setting;
  checkCodedShape(model, shape);
  const format = sampleFormat(model.card);
  const count = pointCount(shape) * model.network.spec.outputs;
  if (samples.length !== count || samples.BYTES_PER_ELEMENT !== format.bytes) {
    throw new BadInputError(
      'sample-count',
      `a signal of [${shape}] has ${count} samples of ${format.bytes} bytes, not ${samples.length} of ${samples.BYTES_PER_ELEMENT}`,
    );
  }
  const plain = count * format.bytes;
  const encoder = encoderOf(setting);
  encoder.restart(Math.min(plain, most - checkBytes));
  const find = writeCoded(model, setting, samples, encoder);
  if (encoder.isOver && checkBytes + plain > most) return undefined;
  const coded = encoder.finish();
  if (checkBytes + Math.min(encoder.length, plain) > most) return undefined;
  const shorter = encoder.length < plain;
  const found = shorter ? find() : samples;
  const stream = new Uint8Array(checkBytes + (shorter ? coded.length : plain));
  const check = crc16(plainBytes(found), crc16(headerOf(model, { ...setting, prior: 'samples' })));
  stream.set([check & 255, check >> 8]);
  stream.set(shorter ? coded : plainBytes(samples), checkBytes);
  return { stream, samples: found };
}

/**
 * `at`: offset of the stream in its file. Throws LimitError before it allocates, and BadStreamError `truncated`, `payload`,
 * `sample-range` or `checksum`.
 */
export function readSamples(
  model: CodingModel,
  setting: SampleSetting,
  stream: Uint8Array,
  at: number,
  limits: Limits,
): Samples {
  const { shape } = setting;
  checkWork(model, [{ shape, prior: 'samples' }], limits);
  if (stream.length < checkBytes)
    throw new BadStreamError('truncated', at, 'samples begin with a check of two bytes');
  const format = sampleFormat(model.card);
  const count = pointCount(shape) * model.network.spec.outputs;
  const bytes = stream.subarray(checkBytes);
  const plain = count * format.bytes;
  if (bytes.length > plain)
    throw new BadStreamError('payload', at, `${count} samples in ${bytes.length} bytes`);
  if (bytes.length < plain) checkSamplesPaid(count, bytes.length, at + checkBytes);
  const samples = emptySamples(model.card, count);
  if (bytes.length === plain) fromPlain(bytes, samples);
  else {
    const [contexts, mixers] = isByWavelets(setting) ? [waveletContexts, waveletMixers] : [sampleContexts, 0];
    const decoder = new BitDecoder(contexts, bytes, at + checkBytes, mixers);
    readCoded(model, setting, samples, decoder);
    decoder.end();
  }
  const stored = stream[0]! + 256 * stream[1]!;
  const computed = crc16(plainBytes(samples), crc16(headerOf(model, { ...setting, prior: 'samples' })));
  if (stored !== computed) {
    const text = (check: number) => check.toString(16).padStart(4, '0');
    throw new BadStreamError(
      'checksum',
      at,
      `the file is damaged: check stored ${text(stored)}, computed ${text(computed)}`,
    );
  }
  return samples;
}

function isByWavelets({ coding }: SampleSetting): boolean {
  return coding === 'wavelets' || coding === 'wavelets-round';
}

/** Writes samples; what a reader finds. */
function writeCoded(
  model: CodingModel,
  setting: SampleSetting,
  samples: Samples,
  coder: BitEncoder,
): () => Samples {
  if (isByWavelets(setting)) return writeWavelets(waveletsOf(model, setting), samples, coder);
  const { walk, grid, step, format } = foretellingOf(model, setting);
  const levels = step === 1 ? samples.slice() : toLevels(samples, step);
  walk(grid, levels, coder);
  return () => fromLevels(levels, step, format);
}

function readCoded(model: CodingModel, setting: SampleSetting, into: Samples, coder: BitDecoder): void {
  if (isByWavelets(setting)) {
    readWavelets(waveletsOf(model, setting), coder, into);
    return;
  }
  const { walk, grid, step, format } = foretellingOf(model, setting);
  walk(grid, into, coder);
  if (step > 1) fromLevels(into, step, format);
}

function foretellingOf(model: CodingModel, { shape, quality, coding }: SampleSetting) {
  const format = sampleFormat(model.card);
  const step = sampleStep(quality);
  const walk = coding === 'least-squares' ? walkNumbers : walkSamples;
  return { walk, grid: gridOf(model, shape, format, step), step, format };
}

/** The last axes are columns and rows, all before them slices. */
function waveletsOf(model: CodingModel, { shape, quality, coding }: SampleSetting): WaveletSetting {
  const [rows = 1, columns] = shape.length < 2 ? [1, shape[0]!] : shape.slice(-2);
  const sizes = [pointCount(shape) / (rows * columns!), rows, columns!];
  return {
    grid: { sizes, channels: model.network.spec.outputs, isRing: coding === 'wavelets-round' },
    step: sampleStep(quality),
    format: sampleFormat(model.card),
  };
}

/** The last axis is the columns; all before it are rows. */
function gridOf(
  model: CodingModel,
  shape: readonly number[],
  { low, high }: SampleFormat,
  step: number,
): NumberGrid {
  const columns = shape.at(-1)!;
  const rows = pointCount(shape) / columns;
  return {
    rows,
    columns,
    sliceRows: shape.length < 3 ? rows : pointCount(shape.slice(1)) / columns,
    channels: model.network.spec.outputs,
    low: levelOf(low, step),
    high: levelOf(high, step),
  };
}

/** The nearest, halves upwards. */
function levelOf(sample: number, step: number): number {
  return Math.floor((2 * sample + step) / (2 * step));
}

function toLevels(samples: Samples, step: number): Samples {
  const levels = samples.slice();
  for (let i = 0; i < levels.length; i++) levels[i] = levelOf(levels[i]!, step);
  return levels;
}

/** In place. */
function fromLevels(levels: Samples, step: number, { low, high }: SampleFormat): Samples {
  for (let i = 0; i < levels.length; i++) {
    const sample = levels[i]! * step;
    levels[i] = sample < low ? low : sample > high ? high : sample;
  }
  return levels;
}

/** Little-endian; a view of bytes as they are. */
function plainBytes(samples: Samples): Uint8Array {
  if (samples instanceof Uint8Array) return samples;
  const view = new DataView(new ArrayBuffer(2 * samples.length));
  for (let i = 0; i < samples.length; i++) view.setInt16(2 * i, samples[i]!, true);
  return new Uint8Array(view.buffer);
}

function fromPlain(bytes: Uint8Array, into: Samples): void {
  if (into instanceof Uint8Array) {
    into.set(bytes);
    return;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < into.length; i++) into[i] = view.getInt16(2 * i, true);
}
