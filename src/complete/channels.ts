/** What the tables of a coding prior say of every channel, as a normal distribution of modulations of any size: docs/adr/0075. */
import { momentsOf } from '../../prior/factorized.ts';
import { codingKinds } from '../../prior/kinds.ts';
import { readPrior } from '../../prior/registry.ts';
import { BadInputError } from '../core/errors.ts';
import { defaultQuality } from '../field/at-quality.ts';
import { modulationLayout, ofEachNumber } from '../field/layout.ts';
import type { Model } from '../field/model.ts';
import type { Normal } from './posterior.ts';

/** Whether a prior is one of channels, which knows signals of any size, and not one of whole signals of one shape. */
export function isOfChannels(kind: string): boolean {
  return codingKinds.some((known) => known === kind);
}

/** Numbers of a modulation are independent, each with the mean and the deviation of its channel. Throws as `readPrior`. */
export function normalOfChannels(model: Model, kind: string, shape: readonly number[]): Normal {
  const known = codingKinds.find((own) => own === kind);
  const moments = known === undefined ? undefined : momentsOf(readPrior(model, known), defaultQuality);
  if (moments === undefined)
    throw new BadInputError(
      'prior-cannot-complete',
      `the tables of the prior ${kind} say nothing of channels alone`,
    );
  const layout = modulationLayout(model.card.spec, shape);
  const of = (numbers: Float64Array) =>
    ofEachNumber(
      layout,
      numbers.map((value, channel) => value * model.steps[channel]!),
    );
  const deviations = of(moments.deviations);
  return {
    mean: Float32Array.from(of(moments.means)),
    length: layout.length,
    spread(x, out) {
      for (let i = 0; i < x.length; i++) out[i] = deviations[i]! * x[i]!;
    },
    gather(v, out) {
      for (let i = 0; i < v.length; i++) out[i] = deviations[i]! * v[i]!;
    },
  };
}
