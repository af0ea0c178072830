/** Adam (Kingma and Ba, arXiv 1412.6980) over groups with a learning rate each, and the schedule of those rates. */

export interface AdamGroup {
  readonly name: string;
  /** Updated in place. */
  readonly parameters: Float64Array;
  readonly learningRate: number;
}

export interface AdamOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/** Moments of one group; `count` is how often the group was updated, so that a group may join later. */
export interface Moments {
  readonly m: Float64Array;
  readonly v: Float64Array;
  count: number;
}

export class Adam {
  readonly groups: readonly AdamGroup[];
  readonly moments: readonly Moments[];
  readonly #options: AdamOptions;

  constructor(
    groups: readonly AdamGroup[],
    options: AdamOptions = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
  ) {
    this.groups = groups;
    this.#options = options;
    this.moments = groups.map(({ parameters }) => ({
      m: new Float64Array(parameters.length),
      v: new Float64Array(parameters.length),
      count: 0,
    }));
  }

  /**
   * One update. `gradients[i]` belongs to group i; `null` leaves the group as it is. Learning rates are multiplied by
   * `factor`, gradients by `scale` (clipping).
   */
  step(gradients: readonly (Float64Array | null)[], factor = 1, scale = 1): void {
    const { beta1, beta2, epsilon } = this.#options;
    gradients.forEach((gradient, i) => {
      if (gradient === null) return;
      const { parameters, learningRate } = this.groups[i]!;
      const moments = this.moments[i]!;
      moments.count++;
      const { m, v, count } = moments;
      const size = (factor * learningRate) / (1 - beta1 ** count);
      const correction = 1 / (1 - beta2 ** count);
      for (let k = 0; k < parameters.length; k++) {
        const g = gradient[k]! * scale;
        const first = beta1 * m[k]! + (1 - beta1) * g;
        const second = beta2 * v[k]! + (1 - beta2) * g * g;
        m[k] = first;
        v[k] = second;
        parameters[k]! -= (size * first) / (Math.sqrt(second * correction) + epsilon);
      }
    });
  }
}

/** Root of the sum of squares of all gradients; NaN or Infinity when any entry is. */
export function gradientNorm(gradients: readonly (Float64Array | null)[]): number {
  let sum = 0;
  for (const gradient of gradients) {
    if (gradient === null) continue;
    for (let k = 0; k < gradient.length; k++) sum += gradient[k]! * gradient[k]!;
  }
  return Math.sqrt(sum);
}

/** What brings a gradient of this norm down to `limit`; 1 below it, and for a limit of 0 (no clipping). */
export function clipScale(norm: number, limit: number): number {
  return limit > 0 && norm > limit ? limit / norm : 1;
}

/**
 * Factor on learning rates at `step` (0, 1, ...): linear over `warmupSteps`, and a cosine over all `steps` from 1 to
 * `finalShare`.
 */
export function cosineSchedule(step: number, steps: number, warmupSteps: number, finalShare: number): number {
  const warm = warmupSteps > 0 ? Math.min(1, (step + 1) / warmupSteps) : 1;
  const cosine = 0.5 * (1 + Math.cos((Math.PI * Math.min(step, steps)) / steps));
  return warm * (finalShare + (1 - finalShare) * cosine);
}
