/** The prior beside a model that draws in steps: what it draws by can be chosen, and it can be distilled. */
import { readFile } from 'node:fs/promises';
import { kindsThatTake } from '../../prior/kinds.ts';
import { NotFoundError } from '../core/errors.ts';
import type { Model } from '../field/model.ts';
import { findBeside } from '../models/beside.ts';

/** Its file. Throws NotFoundError `prior` where none of this network stands there, and what reading throws. */
export async function readPriorOfSteps(
  model: Model,
): Promise<{ readonly path: string; readonly bytes: Uint8Array }> {
  const kind = kindsThatTake('steps')[0]!;
  const found = await findBeside(model, kind);
  if (found?.own !== true) {
    throw new NotFoundError(
      'prior',
      `model ${model.card.name} has no ${kind} prior beside it; to make one: functa prior train --kinds ${kind}`,
    );
  }
  return { path: found.path, bytes: new Uint8Array(await readFile(found.path)) };
}
