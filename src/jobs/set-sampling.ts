/** What draws of a diffusion take where nothing is asked, written into the card of its file. */
import { readFile } from 'node:fs/promises';
import { kindsThatTake } from '../../prior/kinds.ts';
import type { Sampling } from '../../prior/train/prior-file.ts';
import { aNumber, aText, check, having, maybe } from '../core/check.ts';
import { NotFoundError } from '../core/errors.ts';
import { writeWhole } from '../disk/whole.ts';
import { findBeside } from '../models/beside.ts';
import { loadModel } from '../models/models.ts';

export interface SetSamplingOptions extends Sampling {
  /** The model beside which the diffusion stands, by path or name. */
  readonly modelPath: string;
}

export interface SetSamplingResult {
  /** The diffusion's file. */
  readonly path: string;
  readonly sampling: Sampling;
}

/**
 * Says what `sample` takes of a model's diffusion where nothing is asked; with neither number, tells what it takes now. Throws
 * NotFoundError `prior`, BadInputError `guidance` or `sample-steps`, and what reading and writing throw.
 *
 * @example
 * const { sampling } = await setSampling({ modelPath: 'fashion-mnist-samples' }); // { guidance: 2, steps: 8 }
 */
export async function setSampling(options: SetSamplingOptions): Promise<SetSamplingResult> {
  check(
    'setSampling',
    having({ modelPath: aText, guidance: maybe(aNumber), steps: maybe(aNumber) })(options, 'options'),
  );
  const { modelPath, guidance, steps } = options;
  const model = await loadModel(modelPath);
  const kind = kindsThatTake('steps')[0]!;
  const found = await findBeside(model, kind);
  if (found?.own !== true) {
    throw new NotFoundError('prior', `model ${model.card.name} has no ${kind} prior beside it`);
  }
  const { openDiffusion, withSampling } = await import('../../prior/diffusion/index.ts');
  const bytes = new Uint8Array(await readFile(found.path));
  const opened = await openDiffusion(bytes, { networkId: model.networkId });
  const before = opened.sampling;
  opened.dispose();
  if (guidance === undefined && steps === undefined) return { path: found.path, sampling: before };
  const sampling = {
    ...before,
    ...(guidance === undefined ? {} : { guidance }),
    ...(steps === undefined ? {} : { steps }),
  };
  await writeWhole(found.path, withSampling(bytes, sampling), { replace: true });
  return { path: found.path, sampling };
}
