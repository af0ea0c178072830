/**
 * Kinds of channels: what files say of their values by a name or a number alone (cards of format 1, network files), and what outputs and
 * axes that stands for. Nothing asks a card for its kind: what matters of it is in its outputs.
 */
import {
  type Axis,
  axisNames,
  type DataKind,
  type Output,
  type SampleType,
  sampleTypeOf,
  type ValueRange,
} from './outputs.ts';

/** A word for people: nothing is decided by it. */
export type Family = 'image' | 'audio' | 'field' | 'shape';

/** What the outputs of a field are; `values` says nothing about their number. */
export type Channels = 'grey' | 'rgb' | 'rgba' | 'mono' | 'stereo' | 'values';

interface Kind {
  /** Names of the outputs; null: any number of them. */
  readonly names: readonly string[] | null;
  readonly sample: SampleType;
  /** Least value and length of the range; null: around the offset, as long as the peak. */
  readonly range: readonly [low: number, peak: number] | null;
}

const light = { sample: 'uint8', range: [0, 1] } as const;
const pressure = { sample: 'int16', range: [-1, 2] } as const;

const kinds: Readonly<Record<Channels, Kind>> = {
  grey: { ...light, names: ['grey'] },
  rgb: { ...light, names: ['red', 'green', 'blue'] },
  rgba: { ...light, names: ['red', 'green', 'blue', 'alpha'] },
  mono: { ...pressure, names: ['sound'] },
  stereo: { ...pressure, names: ['left', 'right'] },
  values: { sample: 'float32', range: null, names: null },
};

/** Outputs of a field for each kind of channels; null: any number. */
export const channelCounts = Object.fromEntries(
  Object.entries(kinds).map(([kind, { names }]) => [kind, names?.length ?? null]),
) as Readonly<Record<Channels, number | null>>;

export const channelKinds = Object.keys(kinds) as readonly Channels[];

/** Outputs of a kind. `peak` counts where the kind has no range of its own; default: the scale. */
export function outputsOfKind(
  kind: Channels,
  { offset, scale }: ValueRange,
  { count, peak = Math.abs(scale) }: { readonly count?: number; readonly peak?: number } = {},
): Output[] {
  const { names, sample, range } = kinds[kind];
  const [low, length] = range ?? [offset - peak / 2, peak];
  const own = names ?? Array.from({ length: count ?? 1 }, (_, i) => (count === 1 ? 'value' : `value${i}`));
  return own.map((name) => ({ name, offset, scale, low, peak: length, sample }));
}

/** A word for people: what such signals are. */
export function familyOf({ outputs, axes }: DataKind): Family {
  const sample = sampleTypeOf(outputs);
  if (sample === 'uint8' && axes.length === 2) return 'image';
  return sample === 'int16' && axes.length === 1 ? 'audio' : 'field';
}

/** Axes of which nothing is known but their number; that of a sound is time. */
export function axesOfKind(kind: Channels, axes: number): Axis[] {
  if (axes === 1 && kinds[kind].sample === 'int16') return [{ name: 't' }];
  return axisNames(axes).map((name) => ({ name }));
}
