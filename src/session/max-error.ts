/** A bound on the error of every value, and how it is written. */
import { BadInputError } from '../core/errors.ts';

/** In the unit of each output, or a share of the range of its values in the signal. */
export type MaxError = number | `${number}%`;

/** A bound as it is written: `0.5`, `1%`. Throws BadInputError `max-error`. */
export function parseMaxError(text: string): MaxError {
  const isShare = text.endsWith('%');
  const number = isShare ? text.slice(0, -1) : text;
  const value = Number(number);
  if (number.trim() !== '' && value > 0 && value < Number.POSITIVE_INFINITY)
    return isShare ? `${value}%` : value;
  throw new BadInputError(
    'max-error',
    `a bound is a number above 0, or a share such as 1%, not ${text.slice(0, 64)}`,
  );
}
