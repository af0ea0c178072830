/** What a model was learnt for. */
import type { ModelCard } from '../field/card.ts';

/**
 * Whether it was learnt for new signals and not for few bytes: with noise on its modulations (`smooth` in its recipe, ADR 64). Such a model
 * codes, too, and takes more bytes for it, so it is not taken for a signal that names no model.
 */
export function isForSamples({ training }: Pick<ModelCard, 'training'>): boolean {
  try {
    // a card may say anything there
    const recipe: unknown = JSON.parse(String(training.recipe));
    return typeof recipe === 'object' && recipe !== null && 'smooth' in recipe;
  } catch {
    return false;
  }
}
