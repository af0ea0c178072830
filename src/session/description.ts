/**
 * What a file says of its signal that its values do not need: where samples stand, attributes. Read apart from them, and not in a page
 * (docs/adr/0086).
 */
import {
  decodeAbout,
  decodeAxes,
  encodeAbout,
  encodeAxes,
  type Section,
  sectionIds,
  sectionOf,
} from '../../codec/index.ts';
import type { About } from '../field/about.ts';
import type { ModelCard } from '../field/card.ts';
import type { Axis, NamedOutput, Output } from '../field/outputs.ts';
import { axesOf } from '../signal/axes.ts';
import type { Signal } from '../signal/signal.ts';
import type { GridPoints } from './between.ts';
import type { Func } from './func.ts';
import type { Keeping } from './keeping.ts';

type Places = Pick<ModelCard, 'axes' | 'shape'>;
type Described = Pick<Signal, 'shape' | 'channels' | 'axes' | 'about' | 'outputs'>;

/** What a file is to say of its signal beside its values; nothing where the model says the same. `ranges`: whether it says these, and names with them. */
export function descriptionSections(
  card: Places & Pick<ModelCard, 'outputs'>,
  signal: Described,
  { keep, ranges }: { readonly keep: Keeping; readonly ranges: boolean },
): Section[] {
  const { shape, channels, axes } = signal;
  const about = keep === 'none' ? {} : keep === 'axes' ? { affine: signal.about?.affine } : signal.about;
  const outputs = keep === 'all' && !ranges ? namesBeside(card.outputs, signal.outputs) : undefined;
  const bytes = {
    axes: axes === undefined || keep === 'none' ? undefined : encodeAxes(axes, axesOf(card, shape), shape),
    about: encodeAbout({ ...about, outputs }, channels),
  };
  return sectionsOf(bytes);
}

function sectionsOf(bytes: Readonly<Record<'axes' | 'about', Uint8Array | undefined>>): Section[] {
  return (['axes', 'about'] as const).flatMap((name) => {
    const own = bytes[name];
    return own === undefined ? [] : [{ id: sectionIds[name], bytes: own }];
  });
}

/** Sections of where samples stand and of what is said of a signal, as functions have them that are put together. */
export interface Said {
  readonly places?: Uint8Array | undefined;
  readonly about?: Uint8Array | undefined;
}

/** What functions say beside their values, of one of a session by its rows; how numbers were stored is not said of what is made of them. */
export function saidBy(
  fn: Said & { readonly [name in 'shape' | 'rows' | 'model']?: Func[name] | undefined },
): Said {
  const { shape, model, places, about } = fn;
  if (shape === undefined || model === undefined || fn.rows === undefined) return { places, about };
  const { card } = model;
  const rows = fn.rows();
  const { stored: _, ...said } = rows.about ?? {};
  return {
    places: rows.axes && encodeAxes(rows.axes, axesOf(card, shape), shape),
    about: encodeAbout(said, card.outputs.length),
  };
}

/** Sections of a function that was made of others: how their numbers were stored is not how its own are. Throws BadStreamError as `decodeAbout`. */
export function sectionsSaid({ places, about }: Said, outputs: number): Section[] {
  const { stored: _, ...said } = about === undefined ? {} : decodeAbout(about, outputs);
  const bytes = { axes: places, about: encodeAbout(said, outputs) };
  return sectionsOf(bytes);
}

/** What a signal calls its outputs, where these are numbers without a unit and its model calls them otherwise. */
function namesBeside(
  outputs: readonly Output[],
  named: readonly NamedOutput[] | undefined,
): readonly NamedOutput[] | undefined {
  if (named?.length !== outputs.length) return undefined;
  const isTold = outputs.some(({ unit, sample }) => unit !== undefined || sample !== 'float32');
  return isTold || named.every(({ name, unit }, o) => name === outputs[o]!.name && unit === undefined)
    ? undefined
    : named;
}

/** Outputs as a file of the signal calls them. */
export function outputsAbout(outputs: readonly Output[], about: About | undefined): readonly Output[] {
  const named = about?.outputs;
  return named === undefined ? outputs : outputs.map((output, o) => ({ ...output, ...named[o] }));
}

/** Where the samples of a file's signal stand: as the file says, else as the card of its model. Throws BadStreamError as `decodeAxes`. */
export function axesBeside(
  card: Places,
  shape: readonly number[],
  sections: readonly Section[] | undefined,
): Axis[] {
  return axesAt(card, shape, sectionOf(sections, 'axes'));
}

/** The same of a function, by its `places`. Throws BadStreamError as `decodeAxes`. */
export function axesAt(card: Places, shape: readonly number[], places: Uint8Array | undefined): Axis[] {
  const told = axesOf(card, shape);
  return places === undefined ? told : decodeAxes(places, told, shape);
}

/** What a file says of its signal beside values and places, on a grid of its points. Throws BadStreamError as `decodeAbout`. */
export function aboutBeside(
  outputs: number,
  sections: readonly Section[] | undefined,
  grid: GridPoints | undefined,
): About | undefined {
  const bytes = sectionOf(sections, 'about');
  if (bytes === undefined) return undefined;
  const { affine, ...others } = decodeAbout(bytes, outputs);
  return {
    ...others,
    ...(affine === undefined
      ? {}
      : { affine: grid && grid.start.length > 2 ? affineOfGrid(affine, grid) : affine }),
  };
}

/** From indices along x, y and z of a grid, the last three axes from the last on: as long as its steps, from its first point. */
function affineOfGrid(affine: readonly number[], { start, step }: GridPoints): number[] {
  const along = (numbers: readonly number[]) => [1, 2, 3].map((i) => numbers[numbers.length - i]!);
  const steps = along(step);
  const from = along(start).map((at) => at - 0.5);
  return [0, 4, 8].flatMap((row) => {
    const own = affine.slice(row, row + 3);
    const offset = own.reduce((sum, v, i) => sum + v * from[i]!, affine[row + 3]!);
    return [...own.map((v, i) => v * steps[i]!), offset];
  });
}
