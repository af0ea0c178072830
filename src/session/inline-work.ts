/** Entropy coding and drawing where they are called. */
import { stoppable } from '../core/look.ts';
import { code, decode } from './coding.ts';
import { draw } from './draw.ts';
import type { Work } from './work.ts';

export const inlineWork: Work = {
  code: async (model, task, signal) => stoppable(signal, () => code(model, task)),
  decode: async (model, task, signal) => stoppable(signal, () => decode(model, task)),
  draw,
};
