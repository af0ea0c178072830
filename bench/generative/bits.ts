/** What held-out modulations cost under each prior: the same quantised modulations for all. */
import type { PriorKind } from '../../prior/kinds.ts';
import { dequantise, quantise, stepsAt } from '../../prior/quantiser.ts';
import { stepsOf } from '../../prior/train/standard.ts';
import { modulationLayout } from '../../src/field/layout.ts';
import type { Model } from '../../src/field/model.ts';
import { generativeOf, openGenerative } from '../../src/models/generative.ts';
import { priorsOf } from '../../src/models/priors.ts';
import { bitsOfSymbols } from '../../src/session/coding.ts';
import { type BitsRow, type Found, meanOf } from './result.ts';

/** The quality that flows are made for. */
const quality = 70;

/** `modulations` [m] each, of the model's own shape, as adapted. */
export async function heldOutBits(
  model: Model,
  modulations: readonly Float32Array[],
  priors: readonly string[] | undefined,
  seed: number,
): Promise<Found<BitsRow>[]> {
  const layout = modulationLayout(model.card.spec, model.card.shape);
  const m = layout.length;
  const n = modulations.length;
  const asked = (kind: string) => priors?.includes(kind) ?? true;
  const rows: Found<BitsRow>[] = [];
  const steps = stepsAt(model.steps, quality);
  const symbols = modulations.map((modulation) => quantise(layout, modulation, steps));
  const coded: readonly PriorKind[] = priorsOf(model).filter(asked);
  for (const name of coded) {
    const each = symbols.map((own) => bitsOfSymbols(model, layout, quality, name, own) / m);
    const { mean, standardError } = meanOf(each);
    rows.push({ name, n, bitsPerDimension: mean, standardError, kind: 'code' });
  }
  if (asked('flow') && (await generativeOf(model)).includes('flow')) {
    const flow = await openGenerative(model, 'flow');
    const each = symbols.map((own) => flow.symbolBits(dequantise(layout, own, steps), seed)[0]! / m);
    const { mean, standardError } = meanOf(each);
    rows.push({ name: 'flow', n, bitsPerDimension: mean, standardError, kind: 'bound' });
  }
  if (asked('gaussian') && (await generativeOf(model)).includes('gaussian')) {
    const score = (await openGenerative(model, 'gaussian')).scoreAt(stepsOf(layout, steps));
    const each = symbols.map((own) => score(dequantise(layout, own, steps), seed)[0]! / m);
    const { mean, standardError } = meanOf(each);
    rows.push({ name: 'gaussian', n, bitsPerDimension: mean, standardError, kind: 'bound' });
  }
  return rows;
}
