/**
 * Watches the norm of the outer gradient for a run that leaves its way. The rule, whose state is part of a checkpoint so that a
 * resumed run does the same:
 *
 * - Norms of the last `window` updates of a phase are kept. As long as they are fewer, nothing is judged; a new phase, whose loss is
 *   another, begins with none, and is taken to begin as far above its lowest median as the one before ended: a run that had left its way has
 *   not found it by another loss.
 * - A step whose norm is above `spike` medians of them is left out, and its norm is not kept. `spikesInRow` of these are no accident.
 * - Then, and where the median is above `growth` times the lowest one of the phase, all learning rates are halved from then on, and norms are
 *   gathered anew. After `mostCuts` of these the run is lost.
 *
 * Bundled models were learnt with medians of at most 2.7 times the lowest one of their phase, and a digit run of the grey recipe that
 * diverged had 240: between them there is room.
 */
import type { Phase } from './outer-step.ts';

export const watchRule = { window: 64, spike: 100, spikesInRow: 4, growth: 10, mostCuts: 6 } as const;

/** Norms that say where a phase ends, at least. */
const enough = 8;

export interface WatchState {
  phase: Phase | null;
  /** Of the last updates of the phase, oldest first. */
  norms: number[];
  /** Lowest median of the phase so far, once there was one. */
  lowest: number | null;
  /** Spikes since the last update. */
  spikes: number;
  /** How often learning rates were halved, in the whole run. */
  cuts: number;
  /** How many times its lowest median the phase before ended at; absent in states of before. */
  before?: number;
}

export function freshWatch(): WatchState {
  return { phase: null, norms: [], lowest: null, spikes: 0, cuts: 0 };
}

/** What learning rates are multiplied by. */
export function rateShare({ cuts }: WatchState): number {
  return 2 ** -cuts;
}

export interface Judged {
  /** The step should be left out. */
  readonly spike: boolean;
  /** How many times the lowest median of the phase norms have grown, where learning rates are halved for it from the next step on. */
  readonly growth?: number | undefined;
}

/** Takes the norm of a step. */
export function watchNorm(watch: WatchState, phase: Phase, norm: number): Judged {
  if (watch.phase !== phase) {
    watch.before = aboveLowest(watch);
    watch.phase = phase;
    watch.norms = [];
    watch.lowest = null;
  }
  const { norms } = watch;
  if (norms.length === watchRule.window && norm > watchRule.spike * median(norms)) {
    watch.spikes++;
    if (watch.spikes < watchRule.spikesInRow) return { spike: true };
    return { spike: true, growth: cut(watch, norm / (watch.lowest ?? median(norms))) };
  }
  watch.spikes = 0;
  norms.push(norm);
  if (norms.length < watchRule.window) return { spike: false };
  if (norms.length > watchRule.window) norms.shift();
  const middle = median(norms);
  watch.lowest = Math.min(middle, watch.lowest ?? middle / (watch.before ?? 1));
  if (!(middle > watchRule.growth * watch.lowest)) return { spike: false };
  return { spike: false, growth: cut(watch, middle / watch.lowest) };
}

/** How many times the lowest median of its phase the last norms are; of too few to tell, 1. */
function aboveLowest({ norms, lowest }: WatchState): number {
  return lowest === null || norms.length < enough ? 1 : Math.max(1, median(norms) / lowest);
}

function cut(watch: WatchState, growth: number): number {
  watch.cuts++;
  watch.norms = [];
  watch.spikes = 0;
  return growth;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
