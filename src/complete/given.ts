/** A normal prior given numbers of a modulation. */
import { AbortedError } from '../core/errors.ts';
import type { Normal } from './posterior.ts';

/** Of the right side: where conjugate gradients end, and the most turns. */
const closely = 1e-3;
const mostTurns = 200;
/** After so many of them timers, requests and other jobs get their turn. */
const turnsAtOnce = 8;

/**
 * The mean of modulations [m] of which `numbers` [m] are known: each with an error of variance 1 / `weights` [m], 0 for what is not known.
 * Solves (I + F' W F) x = F' W (numbers - mean). Throws AbortedError.
 */
export async function meanGiven(
  prior: Normal,
  numbers: Float32Array,
  weights: Float64Array,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const m = numbers.length;
  const away = new Float64Array(m);
  const gathered = new Float64Array(prior.length);
  const weighed = (of: Float64Array) => {
    prior.gather(
      of.map((value, i) => value * weights[i]!),
      gathered,
    );
    return gathered;
  };
  const r = weighed(Float64Array.from(numbers, (value, i) => value - prior.mean[i]!)).slice();
  const x = new Float64Array(prior.length);
  let p = r.slice();
  let square = r.reduce((sum, v) => sum + v * v, 0);
  const enough = closely * closely * square;
  for (let turn = 0; turn < mostTurns && square > enough; turn++) {
    prior.spread(p, away);
    const mapped = weighed(away);
    const step = square / p.reduce((sum, v, i) => sum + v * (v + mapped[i]!), 0);
    for (let i = 0; i < x.length; i++) {
      x[i]! += step * p[i]!;
      r[i]! -= step * (p[i]! + mapped[i]!);
    }
    const next = r.reduce((sum, v) => sum + v * v, 0);
    const kept = next / square;
    p = r.map((v, i) => v + kept * p[i]!);
    square = next;
    if (turn % turnsAtOnce === turnsAtOnce - 1) await new Promise((resolve) => setImmediate(resolve));
    if (signal?.aborted) throw new AbortedError();
  }
  prior.spread(x, away);
  return prior.mean.map((value, i) => value + away[i]!);
}
