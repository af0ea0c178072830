/**
 * PCA of the training set with our quantiser and coder: the baseline without a network, for sets of one size.
 *
 * Axes come from one part of the training split, tables from another part, so that a coefficient is not judged by pictures its
 * axis was made from. All coefficients have one step: axes are orthonormal, so equal steps are equal errors. Every
 * coefficient has its own table at every quality, the best of the bank for its training counts (the `factorized` prior).
 * Bytes are those of a real archive, decoded again for its PSNR. Mean and axes are not counted, as our network is not.
 */
import { encodeArchive, openArchive, signalsPerStream } from '../../codec/index.ts';
import { makeBank, readBank } from '../../prior/bank.ts';
import { SymbolCounts } from '../../prior/counts.ts';
import { fitFactorized } from '../../prior/factorized.ts';
import { dequantise, quantise, stepsAt } from '../../prior/quantiser.ts';
import { type Multiply, principalAxes } from '../../src/core/eigen.ts';
import { BadInputError } from '../../src/core/errors.ts';
import { defaultLimits } from '../../src/core/limits.ts';
import { psnrDb, psnrOfMeanMse } from '../../src/core/units.ts';
import type { ModelCard } from '../../src/field/card.ts';
import { initialWeights } from '../../src/field/initialise.ts';
import { axesOfKind, outputsOfKind } from '../../src/field/kinds.ts';
import { modulationLayout } from '../../src/field/layout.ts';
import { type Model, readModel, writeModel } from '../../src/field/model.ts';
import { type FieldSpec, totalChannels } from '../../src/field/spec.ts';
import { errorOf, type Picture } from '../../src/jobs/peer-codecs.ts';
import { archiveBits } from './archive.ts';
import { type Curve, type Point, pointOf } from './curve.ts';
import { bestOf } from './peer.ts';

export interface PcaOptions {
  /** Axes kept at most. */
  readonly axes: number;
  readonly qualities: readonly number[];
  readonly multiply: Multiply;
}

export interface Pca {
  readonly dimensions: number;
  /** [dimensions], samples in [0, 1]. */
  readonly mean: Float32Array;
  /** [count, dimensions]. */
  readonly axes: Float32Array;
  readonly count: number;
}

/** Step of quality 50, in units of samples in [0, 1] along an axis. */
const baseStep = 0.2;

/** Throws BadInputError `pca-sizes` when pictures differ in size. */
export function fitPca(training: readonly Picture[], { axes: most, multiply }: PcaOptions): Pca {
  const dimensions = training[0]!.bytes.length;
  const count = Math.min(most, dimensions, Math.floor(training.length / 2));
  const rows = rowsOf(training, dimensions);
  const mean = new Float32Array(dimensions);
  for (let k = 0; k < dimensions; k++) {
    let sum = 0;
    for (let i = k; i < rows.length; i += dimensions) sum += rows[i]!;
    mean[k] = sum / training.length;
  }
  centre(rows, mean);
  return { dimensions, mean, count, axes: principalAxes(rows, dimensions, count, { multiply }).axes };
}

/** Coefficients of pictures, [pictures, count]. */
export function analyse(pca: Pca, pictures: readonly Picture[], multiply: Multiply): Float32Array {
  const rows = rowsOf(pictures, pca.dimensions);
  centre(rows, pca.mean);
  const sizes = { m: pictures.length, n: pca.count, k: pca.dimensions, transposeB: true };
  return multiply(rows, pca.axes, sizes);
}

/** 8-bit samples of coefficients [pictures, count]: [pictures, dimensions]. */
export function synthesise(pca: Pca, coefficients: Float32Array, multiply: Multiply): Uint8Array {
  const { count, dimensions, mean, axes } = pca;
  const values = multiply(coefficients, axes, { m: coefficients.length / count, n: dimensions, k: count });
  return Uint8Array.from(values, (v, i) => {
    const sample = Math.floor((v + mean[i % dimensions]!) * 255 + 0.5);
    return Math.min(255, Math.max(0, sample));
  });
}

/**
 * The curve of `pictures`, all of one size: at every PSNR the best of keeping all axes, the first half of them, a quarter or an
 * eighth, since even a coefficient that is always zero costs a little.
 */
export function pcaCurve(
  pca: Pca,
  counted: readonly Picture[],
  pictures: readonly Picture[],
  options: PcaOptions,
): Curve {
  const counts = [8, 4, 2, 1].map((part) => Math.ceil(pca.count / part));
  const variants = counts.map((count) => {
    const axes = pca.axes.subarray(0, count * pca.dimensions);
    return pcaPoints({ ...pca, axes, count }, counted, pictures, options);
  });
  const source = `up to ${pca.count} axes of the training set, one table a coefficient; archive`;
  return { name: 'PCA', kind: 'same program', form: 'archive', source, points: bestOf(variants) };
}

function pcaPoints(
  pca: Pca,
  counted: readonly Picture[],
  pictures: readonly Picture[],
  { qualities, multiply }: PcaOptions,
): Point[] {
  const { count } = pca;
  const model = modelOf(pca, analyse(pca, counted, multiply), qualities);
  const layout = modulationLayout(model.card.spec, model.card.shape);
  const started = performance.now();
  const coefficients = analyse(pca, pictures, multiply);
  const analysisMs = (performance.now() - started) / pictures.length;
  return qualities.map((quality) => {
    const steps = stepsAt(model.steps, quality);
    const encodeStart = performance.now();
    const items = pictures.map((_, i) => ({
      symbols: quantise(layout, coefficients.subarray(i * count, (i + 1) * count), steps),
      shape: model.card.shape,
    }));
    const setting = { quality, prior: 'factorized' } as const;
    const apart = encodeArchive(model, items, setting);
    const perStream = signalsPerStream(apart.length / items.length, items.length);
    const bytes = perStream === 1 ? apart : encodeArchive(model, items, { ...setting, perStream });
    const decodeStart = performance.now();
    const archive = openArchive(model, bytes, defaultLimits);
    const found = new Float32Array(coefficients.length);
    for (let i = 0; i < archive.count; i++) {
      const item = archive.at(i);
      if (item.prior === 'samples') throw new TypeError('an archive of symbols has samples');
      found.set(dequantise(layout, item.symbols, steps), i * count);
    }
    const samples = synthesise(pca, found, multiply);
    const decodeMs = (performance.now() - decodeStart) / pictures.length;
    const mses = pictures.map((picture, i) =>
      errorOf(picture, samples.subarray(i * pca.dimensions, (i + 1) * pca.dimensions)),
    );
    const bits = archiveBits(bytes.length, pictures, (i) => archive.byteLength(i));
    return pointOf(
      `${count} axes, quality ${quality}`,
      { bitsPerPixel: bits, psnrDb: mses.map((mse) => psnrDb(mse)) },
      {
        psnrDbOfMeanMse: psnrOfMeanMse(mses),
        encodeMs: analysisMs + (decodeStart - encodeStart) / pictures.length,
        decodeMs,
      },
    );
  });
}

/** One cell of `count` channels. */
function modelOf({ count }: Pca, training: Float32Array, qualities: readonly number[]): Model {
  const levels = [{ cell: null, channels: count, interpolation: 'nearest' as const }];
  return coefficientModel({ levels, shape: [1], step: baseStep }, training, qualities);
}

export interface Coefficients {
  readonly levels: FieldSpec['levels'];
  readonly shape: readonly number[];
  /** Of quality 50. */
  readonly step: number;
}

/** A model that is all prior, so that the codec takes coefficients for a modulation. `training` [cells, channels]: coefficients whose symbols make the tables. */
export function coefficientModel(
  { levels, shape, step }: Coefficients,
  training: Float32Array,
  qualities: readonly number[],
): Model {
  const spec: FieldSpec = {
    axes: shape.length,
    outputs: 1,
    width: 1,
    layers: 1,
    w0: 1,
    features: { global: true, local: false, harmonics: 0 },
    levels,
  };
  const card: ModelCard = {
    name: 'pca',
    family: 'field',
    shape,
    anySize: false,
    outputs: outputsOfKind('values', { offset: 0, scale: 1 }, { count: spec.outputs }),
    axes: axesOfKind('values', shape.length),
    spec,
    training: { dataset: '', split: 'train', steps: 0, batch: 0, seed: 0, lambda: 0, innerSteps: 0 },
    figures: {},
    licence: '',
    notes: '',
  };
  const channels = totalChannels(spec);
  const steps = new Float32Array(channels).fill(step);
  const one = modulationLayout(
    { ...spec, axes: 1, levels: levels.map((level) => ({ ...level, cell: null })) },
    [1],
  );
  const counts = new SymbolCounts(channels);
  for (const quality of qualities) {
    const at = stepsAt(steps, quality);
    for (let i = 0; i < training.length; i += channels)
      counts.add(one, quality, quantise(one, training.subarray(i, i + channels), at));
  }
  const bank = makeBank();
  const tensors = new Map([...bank, ...fitFactorized(counts, readBank(bank))]);
  const network = { spec, weights: initialWeights(spec, () => 0.5), rates: new Float32Array(channels) };
  return readModel(writeModel({ card, network, steps, tensors }));
}

function rowsOf(pictures: readonly Picture[], dimensions: number): Float32Array {
  const rows = new Float32Array(pictures.length * dimensions);
  pictures.forEach(({ bytes }, r) => {
    if (bytes.length !== dimensions)
      throw new BadInputError('bench-pca-sizes', 'PCA is for pictures of one size and number of channels');
    for (let k = 0; k < dimensions; k++) rows[r * dimensions + k] = bytes[k]! / 255;
  });
  return rows;
}

function centre(rows: Float32Array, mean: Float32Array): void {
  for (let i = 0; i < rows.length; i++) rows[i]! -= mean[i % mean.length]!;
}
