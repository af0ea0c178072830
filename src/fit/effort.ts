/** How much work goes into fitting a signal. */
import { BadInputError } from '../core/errors.ts';
import type { FieldSpec } from '../field/spec.ts';

/** What is done beyond the inner steps of training. */
export interface EffortWork {
  /** Gradients that refine modulations. */
  readonly gradients: number;
  /** Turns of the descent that chooses symbols. */
  readonly turns: number;
  /** Gradients of the moves that follow it. */
  readonly moves: number;
}

/**
 * Work of efforts 1, 2, ... Each effort passes the one below on its way: all from 2 on refine alike, those from 4 on move on from where
 * the descent of effort 3 ends. One fit therefore finds what every lower effort does.
 */
const works: readonly EffortWork[] = [
  { gradients: 0, turns: 0, moves: 0 },
  { gradients: 4, turns: 2, moves: 0 },
  { gradients: 4, turns: 5, moves: 0 },
  { gradients: 4, turns: 5, moves: 8 },
  { gradients: 4, turns: 5, moves: 40 },
  { gradients: 4, turns: 5, moves: 80 },
  { gradients: 4, turns: 5, moves: 160 },
  { gradients: 4, turns: 5, moves: 320 },
  { gradients: 4, turns: 5, moves: 640 },
];

export const maxEffort = works.length;

/** The last effort that does without moves. */
export const lastDescent = works.findLastIndex(({ moves }) => moves === 0) + 1;

/** The work of an effort. Throws BadInputError `bad-effort`. */
export function workOf(effort: number): EffortWork {
  const work = works[effort - 1];
  if (work === undefined) {
    throw new BadInputError('bad-effort', `effort is a whole number from 1 to ${maxEffort}, not ${effort}`);
  }
  return work;
}

/**
 * Gradients that an effort's arithmetic is worth at most: an evaluation is a third of one, the way back for an output two thirds, and a
 * turn has two evaluations and the way back of every output.
 */
export function gradientsOf(spec: FieldSpec, innerSteps: number, effort: number): number {
  const { gradients, turns, moves } = workOf(effort);
  return innerSteps + gradients + moves + Math.ceil((turns * (2 + 2 * spec.outputs)) / 3);
}
