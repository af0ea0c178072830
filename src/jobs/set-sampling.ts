/** What draws of a diffusion take where nothing is asked, written into the card of its file. */
import type { Sampling } from '../../prior/train/prior-file.ts';
import { aNumber, aText, check, having, maybe } from '../core/check.ts';
import { writeWhole } from '../disk/whole.ts';
import { loadModel } from '../models/models.ts';
import { readPriorOfSteps } from './prior-of-steps.ts';

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
  const { path, bytes } = await readPriorOfSteps(model);
  const { openDiffusion, withSampling } = await import('../../prior/diffusion/index.ts');
  const opened = await openDiffusion(bytes, { networkId: model.networkId });
  const before = opened.sampling;
  opened.dispose();
  if (guidance === undefined && steps === undefined) return { path, sampling: before };
  const sampling = {
    ...before,
    ...(guidance === undefined ? {} : { guidance }),
    ...(steps === undefined ? {} : { steps }),
  };
  await writeWhole(path, withSampling(bytes, sampling), { replace: true });
  return { path, sampling };
}
