/** Spaces that paths between the functions of a model run in. */
import { aModel, aText, check } from '../core/check.ts';
import { BadInputError } from '../core/errors.ts';
import { defaultQuality } from '../field/at-quality.ts';
import type { Model } from '../field/model.ts';
import { openGenerative } from '../models/generative.ts';
import { isSameNetwork } from '../session/functions.ts';
import type { PathSpace } from './combine.ts';

/**
 * `metric`: modulations themselves, along the straight line, which is even in any metric between them. `flow`: the latent of the
 * model's flow, in which functions are normal, along the sphere: what lies between is as likely as the ends.
 */
export const pathSpaces = ['metric', 'flow'] as const;
export type PathSpaceName = (typeof pathSpaces)[number];

/**
 * For `pathBetween`; undefined: its own. Throws NotFoundError `prior` where the model has no flow, and what opening one throws;
 * paths then throw BadInputError `prior-shape`
 * or `prior-quality` for functions that the flow does not know.
 *
 * @example
 * const space = await pathSpaceOf(model, 'flow');
 */
export async function pathSpaceOf(model: Model, name: PathSpaceName): Promise<PathSpace | undefined> {
  check('pathSpaceOf', aModel(model, 'model'), aText(name, 'name'));
  if (name === 'metric') return undefined;
  const flow = await openGenerative(model, name);
  const own = model.card.shape;
  return {
    curve: 'spherical',
    toSpace: ({ modulation, shape, quality }) => {
      if (!isSameNetwork(model, quality, defaultQuality)) {
        throw new BadInputError(
          'prior-quality',
          `the flow knows functions of quality ${defaultQuality}, not of ${quality}; take the space metric`,
        );
      }
      if (shape.join() === own.join()) return flow.encode(modulation).latent;
      throw new BadInputError(
        'prior-shape',
        `the flow knows functions of [${own}], not of [${shape}]; take the space metric`,
      );
    },
    fromSpace: (point) => flow.decode(point),
  };
}
