/**
 * The one interface behind which fields are computed and adapted. Every engine passes `engineContract`.
 *
 * A batch holds `count` signals of one shape. Arrays are row-major float32: targets [count, points, outputs] in
 * field units, modulations [count, m] with m = modulationLength(spec, shape). The inner loss of a signal is
 * 1/2 sum over points and outputs of weight * (f - target)^2. Calls check their arguments before they start
 * (BadInputError), never block the event loop in native and threaded engines, and give the same bits at any
 * number of threads.
 */
import type { Multiply } from '../core/eigen.ts';
import type { BaseNetwork } from '../field/spec.ts';

export interface Batch {
  readonly shape: readonly number[];
  readonly count: number;
  readonly targets: Float32Array;
  /** [count, points]; 0 leaves a point out. Absent: all 1. */
  readonly weights?: Float32Array | undefined;
}

/** Where to evaluate: a regular grid (start + i * step along each axis), or a list [n, axes]; signal units. */
export type Points =
  | {
      readonly kind: 'grid';
      readonly start: readonly number[];
      readonly step: readonly number[];
      readonly count: readonly number[];
    }
  | { readonly kind: 'list'; readonly coordinates: Float32Array };

/** Modulations [count, m] of `count` signals of one shape. */
export interface ModulationBatch {
  readonly shape: readonly number[];
  readonly count: number;
  readonly modulations: Float32Array;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface Adapted {
  /** [steps + 1, count, m]: the start, then the modulations after each step. */
  readonly trajectory: Float32Array;
  /** [steps, count]: inner loss before each step. */
  readonly losses: Float64Array;
}

export interface OuterLoss {
  /** Weight of the inner-loss sum at the adapted modulations. */
  readonly distortionWeight: number;
  /** [count, m], added to the adapted modulations before the outer loss: quantisation noise. */
  readonly offset?: Float32Array | undefined;
  /** [count, m], gradient of the rest of the outer loss (the rate) with respect to the adapted modulations. */
  readonly extraGradient?: Float32Array | undefined;
  /** Exact by default; `false` leaves the curvature terms out (first-order MAML). */
  readonly secondOrder?: boolean | undefined;
}

export interface MetaGradient {
  /** [count]: inner-loss sum at the adapted (and offset) modulations, unweighted. */
  readonly losses: Float64Array;
  /** Gradient of the outer loss with respect to the shared weights, summed over the batch. */
  readonly weights: Float32Array;
  /** Gradient with respect to the inner rates [channels], summed over the batch. */
  readonly rates: Float32Array;
  /** [count, m]: gradient of the weighted distortion alone at the offset modulations, before it is pulled back through the steps. */
  readonly modulations: Float32Array;
}

export interface Engine {
  readonly name: string;
  readonly threads: number;
  /**
   * Field values [points, outputs] of one modulation [m] of a signal of `shape`. Throws BadInputError `not-finite` where
   * the points read a number of the modulation that is not finite; an engine may pass over those that they do not read.
   */
  evaluate(
    net: BaseNetwork,
    shape: readonly number[],
    modulation: Float32Array,
    points: Points,
    options?: CallOptions,
  ): Promise<Float32Array>;
  /**
   * Field values [count, points, outputs] of many modulations at the same points: the bits that `evaluate` gives of each, for
   * less, as what depends on the points alone is done once. Throws as `evaluate` does.
   */
  evaluateMany(
    net: BaseNetwork,
    signals: ModulationBatch,
    points: Points,
    options?: CallOptions,
  ): Promise<Float32Array>;
  /**
   * How the field answers to the channels of its modulation: df/du [count, channels, points, outputs] at the same points, for u the
   * interpolated channels. A point sees the modulation through u alone. Throws as `evaluate` does.
   */
  slopes(
    net: BaseNetwork,
    signals: ModulationBatch,
    points: Points,
    options?: CallOptions,
  ): Promise<Float32Array>;
  /**
   * Values [count, points, outputs] and their derivatives [count, points, outputs, axes] by the coordinates, analytic and in float64, at
   * positions [points, axes] in signal units. Throws as `evaluate` does.
   */
  derivatives(
    net: BaseNetwork,
    signals: ModulationBatch,
    positions: Float64Array,
    options?: CallOptions,
  ): Promise<{ values: Float64Array; slopes: Float64Array }>;
  /** Inner loss [count] and its gradient [count, m] at `modulations`. */
  gradient(
    net: BaseNetwork,
    batch: Batch,
    modulations: Float32Array,
    options?: CallOptions,
  ): Promise<{ losses: Float64Array; gradient: Float32Array }>;
  /** `steps` of phi -= rate * gradient, from `start` [count, m] or from zero. */
  adapt(
    net: BaseNetwork,
    batch: Batch,
    steps: number,
    options?: CallOptions & { readonly start?: Float32Array | undefined },
  ): Promise<Adapted>;
  /** Gradient of the outer loss through the inner steps recorded in `adapted`. */
  metaGradient(
    net: BaseNetwork,
    batch: Batch,
    adapted: Adapted,
    outer: OuterLoss,
    options?: CallOptions,
  ): Promise<MetaGradient>;
  /** Products of matrices, where it is called; absent: it has no faster ones than `plainMultiply`. */
  readonly multiply?: Multiply | undefined;
  /** Idempotent; frees threads and memory. */
  close(): Promise<void>;
}

/** What decodes functions: an engine, or the part of one that a reader brings. */
export type Evaluator = Pick<Engine, 'evaluate'> & Partial<Pick<Engine, 'derivatives'>>;
