/** Entropy coding where it is called: on any platform. */
import { stoppable } from '../core/look.ts';
import { code, decode } from './coding.ts';
import type { Work } from './work.ts';

export const inlineCoding: Pick<Work, 'code' | 'decode'> = {
  code: async (model, task, signal) => stoppable(signal, () => code(model, task)),
  decode: async (model, task, signal) => stoppable(signal, () => decode(model, task)),
};
