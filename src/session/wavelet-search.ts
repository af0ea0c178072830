/** In which steps wavelets say a signal: errors and bytes go one way with them, so that few are coded. */

const coarsest = 1;
const finest = 95;
/** Mean squared errors fall about by so much from one quality to the next: half a decibel. */
const fall = Math.log(10 ** 0.05);
/** Qualities apart that are compared, wide steps first. */
const apart = [6, 2];

export class WaveletSearch<T extends { readonly mse: number }> {
  readonly #code: (quality: number) => T | undefined;
  #first = 50;

  /** `code` gives what a quality is coded as; undefined where it takes more bytes than are of use, as then does every quality above. */
  constructor(code: (quality: number) => T | undefined) {
    this.#code = code;
  }

  /** That of the least quality whose error is at most `mse`. */
  coarsest(mse: number): T | undefined {
    // Below `low` none serves, at `high` and above all do or are too long.
    let [low, high] = [coarsest - 1, finest + 1];
    let best: T | undefined;
    let next = this.#first;
    while (high - low > 1) {
      const found = this.#code(next);
      if (found !== undefined && found.mse > mse) low = next;
      else {
        high = next;
        best = found;
      }
      const off = found === undefined || mse <= 0 ? -(high - low) / 2 : Math.log(found.mse / mse) / fall;
      next = Math.max(low + 1, Math.min(high - 1, next + Math.round(off)));
    }
    this.#first = Math.max(coarsest, Math.min(finest, high));
    return best;
  }

  /** That of the least `j`, which falls and then rises, found from the one on that errs by `mse`. */
  cheapest(mse: number, j: (found: T) => number): T | undefined {
    this.coarsest(mse);
    const at = (quality: number) => {
      const found = quality < coarsest || quality > finest ? undefined : this.#code(quality);
      return { quality, found, j: found === undefined ? Number.POSITIVE_INFINITY : j(found) };
    };
    let best = at(this.#first);
    for (const step of apart.flatMap((own) => [own, -own])) {
      for (let next = at(best.quality + step); next.j < best.j; next = at(best.quality + step)) best = next;
    }
    return best.j < Number.POSITIVE_INFINITY ? best.found : undefined;
  }
}
