/** How much work goes into fitting a signal. */
import { BadInputError } from '../core/errors.ts';

/** Gradients beyond the inner steps of training that efforts 1, 2, ... spend on a signal. */
const extraGradients: readonly number[] = [0, 4, 8, 24, 100, 160, 240, 400, 640];

export const maxEffort = extraGradients.length;

/** Gradients of an effort in all; effort 1 is the inner steps of training alone. Throws BadInputError `bad-effort`. */
export function gradientsOf(innerSteps: number, effort: number): number {
  const extra = extraGradients[effort - 1];
  if (extra === undefined) {
    throw new BadInputError('bad-effort', `effort is a whole number from 1 to ${maxEffort}, not ${effort}`);
  }
  return innerSteps + extra;
}
