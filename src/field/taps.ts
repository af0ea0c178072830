/** Which numbers of a modulation make up the channels at a point: the interpolation of spec.ts, and the same along a derivative. */
import { levelStencil } from './coordinates.ts';
import { modulationLayout } from './layout.ts';
import type { FieldSpec } from './spec.ts';

/** The `channels` numbers from `from` on go, `weight` times, to the interpolated channels from `to` on. */
export interface ChannelTap {
  readonly from: number;
  readonly to: number;
  readonly channels: number;
  readonly weight: number;
}

/**
 * Those of all levels at `x` [axes], in signal units, of signals of `shape`; for every point as many of a level. With `along`, an axis,
 * weights are replaced by their derivatives along it.
 */
export function channelTaps(
  spec: FieldSpec,
  shape: readonly number[],
  x: ArrayLike<number>,
  along?: number,
): ChannelTap[] {
  const { levels } = modulationLayout(spec, shape);
  return spec.levels.flatMap((level, k) => {
    const { channels, at, first } = levels[k]!;
    return levelStencil(spec, level, shape, x, along).map(({ cell, weight }) => ({
      ...{ from: at + cell * channels, to: first, channels, weight },
    }));
  });
}

/** Adds to `channels` what `taps` take from `modulation`. */
export function gather(taps: readonly ChannelTap[], modulation: Float64Array, channels: Float64Array): void {
  for (const { from, to, channels: count, weight } of taps)
    for (let c = 0; c < count; c++) channels[to + c]! += weight * modulation[from + c]!;
}

/** The adjoint: adds to `modulation` what `channels` give back. */
export function spread(taps: readonly ChannelTap[], channels: Float64Array, modulation: Float64Array): void {
  for (const { from, to, channels: count, weight } of taps)
    for (let c = 0; c < count; c++) modulation[from + c]! += weight * channels[to + c]!;
}
