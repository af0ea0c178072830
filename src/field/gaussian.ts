/** Latitudes of a Gaussian grid: where the Legendre polynomial of as many roots as rows is 0, as spectral models of the atmosphere have them. */
import { cos2pi, sin2pi } from '../core/detmath.ts';

/** Each row takes time in proportion to all: 1024 some hundredths of a second. */
export const mostGaussian = 1024;
/** Newton's method doubles its digits each time, from three on. */
const rounds = 5;

/** Those that were asked for last: maps of one data set are of one grid. */
let latest: readonly number[] = [];

/** Fresh: degrees, [rows], from north to south. */
export function gaussianLatitudes(rows: number): number[] {
  if (latest.length !== rows) latest = latitudesOf(rows);
  return [...latest];
}

function latitudesOf(rows: number): number[] {
  return Array.from({ length: rows }, (_, i) => {
    // The angle from the pole, in turns.
    let turn = (i + 0.75) / (2 * rows + 1);
    for (let round = 0; round < rounds; round++) {
      const x = cos2pi(turn);
      let value = x;
      let before = 1;
      for (let k = 2; k <= rows; k++) {
        const next = ((2 * k - 1) * x * value - (k - 1) * before) / k;
        before = value;
        value = next;
      }
      const sine = sin2pi(turn);
      // (x^2 - 1) P'(x) = rows (x P(x) - P before(x)), and dx = -2 pi sine dturn
      turn -= (value * sine) / (rows * (x * value - before) * 2 * Math.PI);
    }
    return 90 - 360 * turn;
  });
}
