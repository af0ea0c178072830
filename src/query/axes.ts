/** What the axes of signals and functions are, and what regions of them call these. */
import { BadStreamError } from '../core/errors.ts';
import type { ModelCard } from '../field/card.ts';
import { damagedFunction } from '../functaset/failure.ts';
import { axesAt } from '../session/description.ts';
import type { OpenFunction } from '../session/functions.ts';
import type { AxisNames } from '../signal/region.ts';

/** Throws EnvironmentError `function-damaged`. */
export function namesOfFunction(card: ModelCard, fn: OpenFunction): AxisNames {
  try {
    return { axes: axesAt(card, fn.shape, fn.places), told: card.axes };
  } catch (error) {
    if (error instanceof BadStreamError) throw damagedFunction(fn.id, error);
    throw error;
  }
}
