/** What draws of a diffusion take where nothing is asked: a part of its card, chosen on what was held out. */
import { BadInputError, BadStreamError } from '../../src/core/errors.ts';
import { priorDescriptor } from '../kinds.ts';
import { readPriorFile, type Sampling, writePriorFile } from '../train/prior-file.ts';
import { checkGuidance } from './denoise.ts';
import type { SamplerOptions } from './sampler.ts';

/** The bytes of a diffusion's file with another `sampling`; the network stays. Throws what `checkSampling` and `readPriorFile` throw. */
export function withSampling(bytes: Uint8Array, sampling: Sampling): Uint8Array {
  checkSampling(sampling);
  const { card, tensors } = readPriorFile(bytes, 'diffusion');
  return writePriorFile({ ...card, sampling }, tensors);
}

/** Throws BadInputError `guidance`, `sample-steps`. */
export function checkSampling({ guidance, steps }: Sampling): void {
  if (guidance !== undefined) checkGuidance(guidance);
  const most = priorDescriptor('diffusion').ownSteps!;
  if (steps === undefined || (Number.isSafeInteger(steps) && steps >= 1 && steps <= most)) return;
  throw new BadInputError(
    'sample-steps',
    `a diffusion takes 1 to ${most} steps where none are asked, not ${steps}`,
  );
}

/** Of a card that was read. Throws BadStreamError `prior-format`. */
export function samplingOf(sampling: unknown): Sampling {
  const bad = () => new BadStreamError('prior-format', 8, 'its card does not say how it is drawn from');
  if (sampling === undefined) return {};
  if (typeof sampling !== 'object' || sampling === null) throw bad();
  const { guidance, steps } = sampling as Record<string, unknown>;
  const isNumber = (value: unknown) => value === undefined || typeof value === 'number';
  if (!isNumber(guidance) || !isNumber(steps)) throw bad();
  const found = { guidance, steps } as Sampling;
  try {
    checkSampling(found);
  } catch {
    throw bad();
  }
  return found;
}

/** What was asked, and for the rest what the card says: guidance where there is a label, steps of the schedule that it was trained at. */
export function asSampled({ guidance, steps }: Sampling, asked: SamplerOptions): SamplerOptions {
  return {
    ...asked,
    guidance: asked.guidance ?? (asked.label === undefined ? undefined : guidance),
    steps: asked.steps ?? (asked.schedule === undefined ? steps : undefined),
  };
}
