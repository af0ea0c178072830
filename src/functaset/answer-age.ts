/** How long an answer is given again to the same request. */
import type { Answer } from './types.ts';

/** Answers are given again for a day. */
export const answerMs = 24 * 3600 * 1000;

/** Whether an answer is too old to be given again; `now`: milliseconds since 1970. */
export function isOld({ at }: Pick<Answer, 'at'>, now: number): boolean {
  return now - at > answerMs;
}
