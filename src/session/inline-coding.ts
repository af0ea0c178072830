/** Entropy coding where it is called: on any platform. */
import { stoppable } from '../core/look.ts';
import { code, codeWithin, decode } from './coding.ts';
import type { SessionWork } from './work.ts';

export const inlineCoding: Pick<SessionWork, 'code' | 'codeWithin' | 'decode'> = {
  code: async (model, task, signal) => stoppable(signal, () => code(model, task)),
  codeWithin: async (model, task, most, signal) => stoppable(signal, () => codeWithin(model, task, most)),
  decode: async (model, task, signal) => stoppable(signal, () => decode(model, task)),
};
