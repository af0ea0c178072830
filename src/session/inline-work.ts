/** Entropy coding and drawing where they are called. */
import { draw } from './draw.ts';
import { inlineCoding } from './inline-coding.ts';
import type { SessionWork } from './work.ts';

export const inlineWork: SessionWork = { ...inlineCoding, draw };
