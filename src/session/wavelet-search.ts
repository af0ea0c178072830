/** In which steps wavelets say a signal: errors and bytes go one way with them, so that few are coded. */

const coarsest = 1;
const finest = 95;
/** Mean squared errors fall about by so much from one quality to the next: half a decibel. */
const fall = Math.log(10 ** 0.05);
/** Qualities apart that are compared, wide steps first. */
const apart = [6, 2];

/** What a quality is coded as; undefined where it takes more bytes than are of use, as then does every quality above. */
type Code<T> = (quality: number) => T | undefined;

/** What is coded at the least `j`, which falls and then rises with quality: looked for from the one on that errs by `mse`. */
export function leastWavelets<T extends { readonly mse: number }>(
  code: Code<T>,
  mse: number,
  j: (found: T) => number,
): T | undefined {
  const at = (quality: number) => {
    const found = quality < coarsest || quality > finest ? undefined : code(quality);
    return { quality, found, j: found === undefined ? Number.POSITIVE_INFINITY : j(found) };
  };
  let best = at(firstWithin(code, mse));
  for (const step of apart.flatMap((own) => [own, -own])) {
    for (let next = at(best.quality + step); next.j < best.j; next = at(best.quality + step)) best = next;
  }
  return best.j < Number.POSITIVE_INFINITY ? best.found : undefined;
}

/** The least quality whose error is at most `mse`, or that is too long. */
function firstWithin<T extends { readonly mse: number }>(code: Code<T>, mse: number): number {
  let [low, high] = [coarsest - 1, finest + 1];
  let next = Math.round((low + high) / 2);
  while (high - low > 1) {
    const found = code(next);
    if (found !== undefined && found.mse > mse) low = next;
    else high = next;
    // Infinite where one of them is 0, and no number where both are.
    const off = found === undefined ? Number.NaN : Math.log(found.mse / mse) / fall;
    next = Math.max(
      low + 1,
      Math.min(high - 1, Number.isNaN(off) ? (low + high) >> 1 : next + Math.round(off)),
    );
  }
  return Math.min(finest, high);
}
