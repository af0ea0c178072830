/**
 * Files of fields: variables along named dimensions, with attributes that say what their numbers are (NetCDF Users Guide, appendix A;
 * CF Conventions 1.11). What is common to every format of such files.
 */
import { BadInputError } from '../core/errors.ts';
import { checkLimit } from '../core/limits.ts';
import type { Attributes } from '../field/about.ts';
import type { Axis, NamedOutput, Output } from '../field/outputs.ts';
import { pointCount } from '../field/spec.ts';
import { checkFinite, checkSignal, type Signal } from '../signal/signal.ts';
import { attributesKept, fileAttributesKept } from './field-attributes.ts';
import { type Coordinates, coordinatesOf } from './field-axes.ts';
import { axesOfChoice, chosenVariables, type Slab } from './field-choice.ts';
import { notesOfLost } from './field-lost.ts';
import { storedAs, storedTogether } from './field-stored.ts';
import { unpacked } from './field-values.ts';
import type { Parts, ReadOptions, ShapeOptions, SignalFormat, Wanted } from './format.ts';
import { conversion } from './units.ts';

export interface Dimension {
  readonly name: string;
  readonly size: number;
}

export interface FieldVariable {
  readonly name: string;
  /** As NumPy names it, without its byte order: `f4`. Text has none. */
  readonly type: string | undefined;
  readonly dimensions: readonly Dimension[];
  readonly attributes: Attributes;
  /** Those of the whole file, where it has such. */
  readonly file?: Attributes | undefined;
  /** Whether values that netCDF writes where nothing was written are missing ones. */
  readonly fills: boolean;
  /** Values of a box of it as they are stored, row-major; what the format itself says of missing ones is NaN already. */
  values(box: Box): Float64Array | Promise<Float64Array>;
}

/** A part of a variable, along all of its dimensions. */
export interface Box {
  readonly start: readonly number[];
  readonly count: readonly number[];
}

/** The shape of the signal that is asked for. Throws as `signalOfFields`. */
export function shapeOfFields(
  variables: readonly FieldVariable[],
  options: ShapeOptions & { readonly id: string },
): readonly number[] {
  return chosenVariables(variables, options)[0]!.kept.map(({ size }) => size);
}

/**
 * Axes of the signal that is meant where no model says it: those that the variable asked for leaves, else those of the only field, else of
 * the one with the most. Throws BadInputError `bad-part`.
 */
export function likelyAxesOfFields(variables: readonly FieldVariable[], { variable }: Parts = {}): number {
  const asked = variable === undefined ? undefined : axesOfChoice(variables, variable);
  if (asked !== undefined) return asked;
  const coordinates = new Set(variables.flatMap(({ dimensions }) => dimensions.map(({ name }) => name)));
  const ranks = variables
    .filter(({ name, type }) => type !== undefined && !coordinates.has(name))
    .map(({ dimensions }) => dimensions.filter(({ size }) => size > 1).length);
  return Math.max(1, ...ranks);
}

/** What a format says of fields, whatever its bytes: numbers in a unit, which pictures and sounds are not. */
export const fields = {
  raw: true,
  parts: ['variable'],
  fits: ({ outputs }) => outputs.some(({ sample }) => sample === 'float32'),
  channelsNeeded: ({ channels }) => channels,
  takes: (outputs, needed) => outputs === needed,
} as const satisfies Partial<SignalFormat>;

/** As `signalOfFields`, for a model of fields. Throws BadInputError `not-a-field-model` for others. */
export async function readFields(variables: readonly FieldVariable[], options: ReadOptions): Promise<Signal> {
  const { id, axes, outputs } = options;
  if (typeof outputs === 'string' || fields.fits({ axes, outputs }))
    return signalOfFields(variables, options);
  const names = outputs.map(({ name, sample }) => `${name} (${sample})`).join(', ');
  const units = variables
    .map(({ attributes }) => attributes.units)
    .filter((unit) => typeof unit === 'string');
  const held = units.length === 0 ? 'a field' : `a field in ${[...new Set(units)].slice(0, 4).join(', ')}`;
  throw new BadInputError(
    'not-a-field-model',
    `${id} is ${held}, and this model takes ${names} along ${axes === 1 ? 'one axis' : `${axes} axes`}; choose a model of fields`,
  );
}

/**
 * The signal of one variable, or of several as its channels: missing values are NaN, packed ones unpacked, in the model's unit where that is
 * known. Throws BadInputError `which-variable`, `no-variable`, `which-part`, `all-missing`, `infinite-value`, `signal-channels`; LimitError.
 */
export async function signalOfFields(
  variables: readonly FieldVariable[],
  options: ReadOptions,
): Promise<Signal> {
  const { id, limits, onShape } = options;
  const slabs = chosenVariables(variables, options);
  const [first] = slabs as [Slab];
  const shape = first.kept.map(({ size }) => size);
  checkLimit('samples', pointCount(shape), limits.maxSamples, 'choose a part of it, or raise maxSamples');
  onShape?.(shape);
  const notes: string[] = [];
  const channels = slabs.length;
  const packing: Parameters<typeof storedTogether>[0][number][] = [];
  let values = new Float32Array(0);
  for (const [c, { variable, start, count }] of slabs.entries()) {
    const own = unpacked(variable, await variable.values({ start, count }));
    // Only now is it known that the file has as many.
    if (c === 0) values = new Float32Array(own.length * channels);
    const into = unitOf(variable, outputAt(options, c), notes);
    checkFinite(own, `${id}: ${variable.name}`);
    if (own.every(Number.isNaN)) {
      throw new BadInputError(
        'all-missing',
        `${id}: every value of ${variable.name} is missing; choose another part of it`,
      );
    }
    for (let p = 0; p < own.length; p++) values[p * channels + c] = into(own[p]!);
    const isConverted = into(0) !== 0 || into(1) !== 1;
    packing.push({ name: variable.name, stored: storedAs(variable, own), isConverted });
  }
  checkFinite(values, `${id} (as float32)`);
  const axes = axesOfSlab(first, await coordinatesOf(variables, first.kept));
  const attributes = attributesKept(
    slabs.map(({ variable }) => variable),
    notes,
  );
  const file = fileAttributesKept(first.variable.file ?? {}, attributes, notes);
  notes.push(...notesOfLost(variables, first));
  const stored = storedTogether(packing, notes);
  const about = {
    attributes,
    ...(Object.keys(file).length === 0 ? {} : { file }),
    ...(stored === undefined ? {} : { stored }),
  };
  const signal: Signal = {
    ...{ id, shape, channels, values, axes, outputs: slabs.map(namedOutput), about },
    ...(notes.length === 0 ? {} : { notes }),
  };
  checkSignal(signal);
  return signal;
}

/** What a variable is called, in the unit of its file: numbers are converted for models that have a unit alone, whose files have no names. */
function namedOutput({ variable: { name, attributes } }: Slab): NamedOutput {
  const { units } = attributes;
  return typeof units === 'string' ? { name, unit: units } : { name };
}

function outputAt({ outputs }: Wanted, c: number): Output | undefined {
  return typeof outputs === 'string' ? undefined : outputs[c];
}

/** From the unit of a variable to the one of an output; says so, and says where neither is known to be the other. */
function unitOf(
  variable: FieldVariable,
  output: Output | undefined,
  notes: string[],
): (value: number) => number {
  const { units } = variable.attributes;
  if (typeof units !== 'string' || output?.unit === undefined || units === output.unit)
    return (value) => value;
  const convert = conversion(units, output.unit);
  if (convert === undefined)
    notes.push(
      `${variable.name} is in ${units} and the model in ${output.unit}: its numbers are taken as they are`,
    );
  else if (convert(1) !== 1 || convert(0) !== 0)
    notes.push(`${variable.name} is converted from ${units} to ${output.unit}`);
  return convert ?? ((value) => value);
}

/** Axes of the dimensions that are kept. */
function axesOfSlab({ kept, start, variable }: Slab, coordinates: ReadonlyMap<string, Coordinates>): Axis[] {
  const from = (name: string) => start[variable.dimensions.findIndex((own) => own.name === name)]!;
  return kept.map(({ name, size }) => coordinates.get(name)?.(from(name), size) ?? { name });
}
