/** What a file says of its signal that its values do not need: where samples stand. Read apart from them, and not in a page (docs/adr/0086). */
import { decodeAxes, encodeAxes, type Section, sectionIds, sectionOf } from '../../codec/index.ts';
import type { ModelCard } from '../field/card.ts';
import type { Axis } from '../field/outputs.ts';
import { axesOf } from '../signal/axes.ts';
import type { Signal } from '../signal/signal.ts';
import type { Keeping } from './keeping.ts';

type Places = Pick<ModelCard, 'axes' | 'shape'>;

/** What a file is to say of its signal beside its values; nothing where the model says the same. */
export function descriptionSections(
  card: Places,
  { shape, axes }: Pick<Signal, 'shape' | 'axes'>,
  keep: Keeping,
): Section[] {
  const bytes =
    axes === undefined || keep === 'none' ? undefined : encodeAxes(axes, axesOf(card, shape), shape);
  return bytes === undefined ? [] : [{ id: sectionIds.axes, bytes }];
}

/** Where the samples of a file's signal stand: as the file says, else as the card of its model. Throws BadStreamError as `decodeAxes`. */
export function axesBeside(
  card: Places,
  shape: readonly number[],
  sections: readonly Section[] | undefined,
): Axis[] {
  const told = axesOf(card, shape);
  const bytes = sectionOf(sections, 'axes');
  return bytes === undefined ? told : decodeAxes(bytes, told, shape);
}
