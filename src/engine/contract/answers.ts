/** What the float64 reference answers on a case, computed once in a process however many engines are held against it. */
import type { Adapted, Engine, MetaGradient, OuterLoss, Points } from '../engine.ts';
import { openReference } from '../reference/reference.ts';
import type { Case } from './cases.ts';

export interface Answers {
  /** Values of the first signal at `points`; `what` names them. */
  values(what: string, points: Points): Promise<Float32Array>;
  /** Values and slopes of all signals at `points`; `what` names them. */
  allValues(what: string, points: Points): Promise<Float32Array>;
  allSlopes(what: string, points: Points): Promise<Float32Array>;
  /** Values and derivatives of all signals at the scattered points. */
  derivatives(): ReturnType<Engine['derivatives']>;
  gradient(): ReturnType<Engine['gradient']>;
  /** From `start` of the case, or from zero. */
  adapted(steps: number, from: 'start' | 'zero'): Promise<Adapted>;
  /** Through `steps` inner steps from `start`; `what` names the outer loss. */
  meta(what: string, steps: number, outer: OuterLoss): Promise<MetaGradient>;
}

const known = new Map<string, Promise<unknown>>();

/** What the reference answers when it is asked for `what` first. */
export function referenceOnce<T>(what: string, ask: (reference: Engine) => Promise<T>): Promise<T> {
  const answer = known.get(what) ?? openReference().then(ask);
  known.set(what, answer);
  return answer as Promise<T>;
}

export function answersOf(c: Case): Answers {
  const { net, batch, modulations, start } = c;
  const all = { shape: batch.shape, count: batch.count, modulations };
  const once = <T>(what: string, ask: (reference: Engine) => Promise<T>): Promise<T> =>
    referenceOnce(`${c.name}: ${what}`, ask);
  const adapted: Answers['adapted'] = (steps, from) =>
    once(`${steps} steps from ${from}`, (reference) =>
      reference.adapt(net, batch, steps, from === 'start' ? { start } : {}),
    );
  return {
    values: (what, points) =>
      once(`values ${what}`, (reference) => {
        const first = modulations.subarray(0, modulations.length / batch.count);
        return reference.evaluate(net, batch.shape, first, points);
      }),
    allValues: (what, points) =>
      once(`all values ${what}`, (reference) => reference.evaluateMany(net, all, points)),
    allSlopes: (what, points) =>
      once(`all slopes ${what}`, (reference) => reference.slopes(net, all, points)),
    derivatives: () =>
      once('derivatives', (reference) => reference.derivatives(net, all, Float64Array.from(c.scattered))),
    gradient: () => once('gradient', (reference) => reference.gradient(net, batch, modulations)),
    adapted,
    meta: (what, steps, outer) =>
      once(`meta ${what}`, async (reference) =>
        reference.metaGradient(net, batch, await adapted(steps, 'start'), outer),
      ),
  };
}
