/** What work costs, from what is known before it: shapes of headers and what is asked for. */
import { multiplyAddsPerPoint } from '../../codec/index.ts';
import { checkLimit, type Limits } from '../core/limits.ts';
import type { ModelCard } from '../field/card.ts';
import { modulationLength, pointCount } from '../field/spec.ts';
import { gradientsOf } from '../fit/effort.ts';
import { checkShapeFits } from '../signal/values.ts';

/** Forward, backward to activations, and the sums over points of one gradient, in multiply-adds of a plain pass. */
const passesPerGradient = 3;

/** Multiply-adds of encoding a signal of this shape once, at most. Throws BadInputError `bad-effort`. */
export function encodingWork(card: ModelCard, shape: readonly number[], effort: number): number {
  const gradients = gradientsOf(card.spec, card.training.innerSteps, effort);
  return pointCount(shape) * multiplyAddsPerPoint(card.spec) * (passesPerGradient * gradients + 1);
}

/**
 * That a signal of this shape may be encoded, before there is more of it than its header. Throws BadInputError `signal-shape`, LimitError
 * `limit-axis`, `limit-samples`, `limit-symbols`, `limit-multiply-adds`.
 */
export function checkEncodable(
  card: ModelCard,
  shape: readonly number[],
  { id, effort, limits }: { readonly id: string; readonly effort: number; readonly limits: Limits },
): void {
  checkShapeFits(card, shape, id);
  const hint = 'give a smaller signal, or raise the limit';
  for (const n of shape) checkLimit('axis', n, limits.maxAxis, hint);
  checkLimit('samples', pointCount(shape), limits.maxSamples, hint);
  checkLimit('symbols', modulationLength(card.spec, shape), limits.maxSymbols, hint);
  const work = encodingWork(card, shape, effort);
  checkLimit('multiply-adds', work, limits.maxMultiplyAdds, 'give a smaller signal or less effort');
}

/** That a signal of this shape is one that a model takes, or no larger, as its part, mask or coarse view. Throws LimitError `limit-samples`. */
export function checkPart(
  { shape: own, anySize }: ModelCard,
  shape: readonly number[],
  { maxSamples }: Limits,
): void {
  if (anySize) checkLimit('samples', pointCount(shape), maxSamples, 'give a smaller signal');
  else checkLimit('samples', pointCount(shape), pointCount(own), `give one of [${own}] or a part of it`);
}
