/** The standard normal distribution and its quantiles, consistent with each other to the last few bits. */

/** ln of the density's constant. */
export const logRootTwoPi = 0.5 * Math.log(2 * Math.PI);

/** The mass below z: continued fraction and series for the error function (Abramowitz and Stegun, 7.1.5 and 7.1.14). */
export function normalBelow(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const tail = x < 2.5 ? 0.5 - 0.5 * errorSeries(x) : 0.5 * errorTail(x);
  return z < 0 ? tail : 1 - tail;
}

/** The z with mass `below` under it and `above` over it: the smaller of the two is what is precise. */
export function normalQuantile(below: number, above: number): number {
  const tail = Math.max(Math.min(below, above), 1e-300);
  // Abramowitz and Stegun 26.2.23 to three digits, then Newton's method on the logarithm of the tail.
  const t = Math.sqrt(-2 * Math.log(tail));
  let z =
    t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  for (let i = 0; i < 3; i++) {
    const mass = normalBelow(-z);
    const density = Math.exp(-0.5 * z * z - logRootTwoPi);
    z += (Math.log(mass / tail) * mass) / density;
  }
  return below < above ? -z : z;
}

function errorSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 60 && Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

function errorTail(x: number): number {
  let fraction = 0;
  for (let k = 60; k >= 1; k--) fraction = k / 2 / (x + fraction);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}
