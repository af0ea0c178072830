/** Entropy coding and drawing where they are called. */
import { code, decode } from './coding.ts';
import { draw } from './draw.ts';
import type { Work } from './work.ts';

export const inlineWork: Work = {
  code: async (model, task) => code(model, task),
  decode: async (model, task) => decode(model, task),
  draw,
};
