/** Which of several models is meant where a signal names none. */
import type { ModelCard } from '../field/card.ts';

/** The models for whatever is seen, and for maps of any kind: the first of them is taken where several fit and none was made for just this shape. */
const generalModels = ['photos', 'climate'];

/**
 * Of those that fit a signal: the one of its own shape and channels, else the first general one, else the only one; undefined where the signal says
 * no more. A map is of no shape that says what it shows. `channels`: those that it needs.
 */
export function likeliestModel<
  T extends { readonly card: Pick<ModelCard, 'name' | 'family' | 'shape' | 'spec'> },
>(
  fitting: readonly T[],
  { shape, channels }: { readonly shape: readonly number[]; readonly channels: number },
): T | undefined {
  const own = fitting.filter(
    ({ card }) => !isOfMaps(card) && card.spec.outputs === channels && card.shape.join() === shape.join(),
  );
  if (own.length === 1) return own[0];
  const [general] = generalModels.flatMap((name) => fitting.filter(({ card }) => card.name === name));
  return general ?? (fitting.length === 1 ? fitting[0] : undefined);
}

function isOfMaps({ family, shape }: Pick<ModelCard, 'family' | 'shape'>): boolean {
  return family === 'field' && shape.length === 2;
}
