/** Learning a Gaussian prior: mean, principal axes of the correlations, and a diagonal for what these leave. */
import { type Multiply, plainMultiply, principalAxes } from '../../src/core/eigen.ts';
import { AbortedError, BadInputError } from '../../src/core/errors.ts';
import { stoppable } from '../../src/core/look.ts';
import { tensor } from '../../src/core/tensor.ts';
import { gridsOf } from '../../src/field/layout.ts';
import { halves, writePriorFile } from '../train/prior-file.ts';
import type { TrainingSet } from '../train/standard.ts';
import type { GaussianFactors } from './index.ts';

export interface GaussianTraining {
  readonly set: TrainingSet;
  readonly networkId: string;
  /** Where the modulations come from, for the card. */
  readonly data: string;
  /** Directions; default 256. */
  readonly rank?: number | undefined;
  /** [set.count], 0 or above: how much each modulation counts; default: all alike. */
  readonly weights?: Float64Array | undefined;
  /** Turns of the orthogonal iteration; default 12. */
  readonly rounds?: number | undefined;
  readonly multiply?: Multiply | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Modulations taken together in a product. */
const chunk = 1024;
/** Turns of the orthogonal iteration: correlations are cheap to multiply, unlike modulations. */
const mostRounds = 12;
/** A number keeps at least this share of its variance for itself, so that nothing is certain. */
const leastShare = 1e-3;

/** The bytes of a `gaussian.safetensors`. Throws BadInputError `modulation`, AbortedError. */
export async function trainGaussian(options: GaussianTraining): Promise<Uint8Array> {
  const { set, networkId, data } = options;
  const { mean, deviations, loadings } = await fitGaussian(options);
  const m = mean.length;
  const rank = loadings.length / m;
  const scales = Float32Array.from({ length: rank }, (_, k) =>
    loadings.subarray(k * m, (k + 1) * m).reduce((most, w) => Math.max(most, Math.abs(w)), Number.MIN_VALUE),
  );
  const card = {
    kind: 'gaussian',
    networkId,
    levels: gridsOf(set.layout),
    labels: [],
    recipe: { data, modulations: set.count, rank },
    figures: {},
  } as const;
  const unscaled = loadings.map((w, i) => w / scales[Math.floor(i / m)]!);
  return writePriorFile(
    card,
    new Map([
      ...halves(['loadings'], [unscaled]),
      ['mean', tensor(mean)],
      ['deviations', tensor(deviations)],
      ['scales', tensor(scales)],
    ]),
  );
}

export async function fitGaussian({
  set,
  weights = new Float64Array(set.count).fill(1),
  rank: most,
  rounds = mostRounds,
  multiply,
  signal,
}: GaussianTraining): Promise<GaussianFactors> {
  const product = multiply ?? plainMultiply;
  const { count, modulations, layout } = set;
  const m = layout.length;
  const { mean, deviation } = moments(set, weights);
  const total = sumOf(weights);
  const roots = weights.map(Math.sqrt);
  const correlations = new Float64Array(m * m);
  for (let first = 0; first < count; first += chunk) {
    if (signal?.aborted) throw new AbortedError();
    const n = Math.min(chunk, count - first);
    const rows = Float32Array.from({ length: n * m }, (_, i) => {
      const d = i % m;
      const root = roots[first + Math.floor(i / m)]!;
      return (root * (modulations[first * m + i]! - mean[d]!)) / deviation[d]!;
    });
    const sums = product(rows, rows, { m, n: m, k: n, transposeA: true });
    for (let i = 0; i < sums.length; i++) correlations[i]! += sums[i]! / total;
    await new Promise((resolve) => setImmediate(resolve));
  }
  // The axes of a symmetric matrix's rows are its own; the mean square along each is eigenvalue^2 / m.
  const rank = Math.min(most ?? 256, m, count - 1);
  const found = stoppable(signal, () =>
    principalAxes(Float32Array.from(correlations), m, rank, { rounds, multiply: product }),
  );
  const loadings = new Float32Array(rank * m);
  const rest = new Float64Array(m).fill(1);
  for (let k = 0, at = 0; k < rank; k++) {
    // Rounding leaves a hair less than nothing of the axes that few functions do not fill.
    const root = Math.sqrt(Math.sqrt(Math.max(0, found.variances[k]!) * m));
    for (let d = 0; d < m; d++, at++) {
      const loading = root * found.axes[at]!;
      rest[d]! -= loading * loading;
      loadings[at] = loading * deviation[d]!;
    }
  }
  const deviations = Float32Array.from(
    rest,
    (share, d) => deviation[d]! * Math.sqrt(Math.max(share, leastShare)),
  );
  return { mean, loadings, deviations };
}

function moments(
  { count, modulations, layout }: TrainingSet,
  weights: Float64Array,
): { mean: Float32Array; deviation: Float64Array } {
  const m = layout.length;
  const sums = new Float64Array(m);
  const squares = new Float64Array(m);
  const total = sumOf(weights);
  for (let i = 0, at = 0; i < count; i++) {
    for (let d = 0; d < m; d++, at++) sums[d]! += weights[i]! * modulations[at]!;
  }
  const mean = Float32Array.from(sums, (sum) => sum / total);
  for (let i = 0, at = 0; i < count; i++) {
    for (let d = 0; d < m; d++, at++) squares[d]! += weights[i]! * (modulations[at]! - mean[d]!) ** 2;
  }
  const typical = squares.reduce((sum, s) => sum + s, 0) / (total * m);
  if (!(typical > 0))
    throw new BadInputError('modulation', 'these modulations are all equal; give different ones');
  // A number that never changes still gets a little room.
  return { mean, deviation: squares.map((s) => Math.sqrt(Math.max(s / total, 1e-6 * typical))) };
}

function sumOf(weights: Float64Array): number {
  return weights.reduce((sum, weight) => sum + weight, 0);
}
