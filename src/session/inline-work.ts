/** Entropy coding and drawing where they are called. */
import { draw } from './draw.ts';
import { inlineCoding } from './inline-coding.ts';
import type { Work } from './work.ts';

export const inlineWork: Work = { ...inlineCoding, draw };
