/** What the axes of signals and functions are, and what regions of them call these. */
import { decodeAxes } from '../../codec/index.ts';
import { BadStreamError } from '../core/errors.ts';
import type { ModelCard } from '../field/card.ts';
import type { Axis } from '../field/outputs.ts';
import { damagedFunction } from '../functaset/failure.ts';
import type { OpenFunction } from '../session/functions.ts';
import { axesOf } from '../signal/axes.ts';
import type { AxisNames } from '../signal/region.ts';

/** Axes of a function: as its file says, else as its model. Throws BadStreamError as `decodeAxes`. */
export function axesOfFunction(card: ModelCard, { shape, places }: OpenFunction): Axis[] {
  const told = axesOf(card, shape);
  return places === undefined ? told : decodeAxes(places, told, shape);
}

/** Throws EnvironmentError `function-damaged`. */
export function namesOfFunction(card: ModelCard, fn: OpenFunction): AxisNames {
  try {
    return { axes: axesOfFunction(card, fn), told: card.axes };
  } catch (error) {
    if (error instanceof BadStreamError) throw damagedFunction(fn.id, error);
    throw error;
  }
}
