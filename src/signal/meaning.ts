/** What the numbers of a signal stand for. */
import type { Channels } from '../field/card.ts';

/**
 * `picture`: light in [0, 1]; `sound`: pressure in [-1, 1]; `numbers`: in a unit of their own, as they are; `mask`: from 0,
 * hidden, to 1, known.
 */
export type SampleMeaning = 'picture' | 'sound' | 'numbers' | 'mask';

export const meaningOf: Readonly<Record<Channels, SampleMeaning>> = {
  grey: 'picture',
  rgb: 'picture',
  rgba: 'picture',
  mono: 'sound',
  stereo: 'sound',
  values: 'numbers',
};
