/**
 * Learning for generation: the outer loss is measured at modulations with Gaussian noise on them, a share of each channel's own size,
 * and large modulations cost a little. What lies near a modulation then decodes to nearly the same signal, so that a prior of
 * modulations may miss by that much. Spatial Functa (arXiv 2302.03130) finds that latent spaces decide how well a diffusion does;
 * noise and a quadratic cost are what a variational autoencoder of fixed variance has.
 */
import type { Rng } from '../core/rng.ts';
import { channelRms } from '../field/channels.ts';
import { forEachLevel, type ModulationLayout } from '../field/layout.ts';

export interface Smoothness {
  /** Deviation of the noise, as a share of the root mean square of a channel over the batch. */
  readonly noise: number;
  /** Times the mean square of all numbers of the modulations, added to the loss. */
  readonly shrink: number;
}

/** Into `out` [count, m]: noise for `modulations` [count, m]. */
export function smoothingNoise(
  layout: ModulationLayout,
  modulations: Float32Array,
  { noise }: Smoothness,
  rng: Rng,
  out: Float32Array,
): void {
  const deviations = channelRms(layout, modulations).map((rms) => noise * rms);
  forEachLevel(layout, modulations, (from, to, { channels, first }) => {
    for (let i = from, c = 0; i < to; i++) {
      out[i] = deviations[first + c]! * rng.normal();
      if (++c === channels) c = 0;
    }
  });
}

/** The quadratic cost of `modulations`; its gradient into `gradient`. */
export function shrinkage(modulations: Float32Array, { shrink }: Smoothness, gradient: Float32Array): number {
  let squares = 0;
  const slope = (2 * shrink) / modulations.length;
  for (let i = 0; i < modulations.length; i++) {
    const x = modulations[i]!;
    squares += x * x;
    gradient[i] = slope * x;
  }
  return (shrink * squares) / modulations.length;
}
