/** The share of the highest learning rate: a warm-up of one fiftieth of the run, then half a cosine down to zero; `done` from 0 to 1. */
export function schedule(done: number): number {
  return Math.min(1, done * 50 + 0.02) * 0.5 * (1 + Math.cos(Math.PI * done));
}
