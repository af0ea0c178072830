/** A training whose loss is no number has lost its weights: it ends there, and keeps the last checkpoint. */
import { BadInputError } from '../../src/core/errors.ts';

/** Throws BadInputError `diverged`. */
export function checkLoss(loss: number, what: string, step: number): void {
  if (Number.isFinite(loss)) return;
  throw new BadInputError(
    'diverged',
    `${what}: the loss of step ${step} is not finite; look for damaged or very large values in what it learns from, or train with another --seed`,
  );
}
