/** The card of a model: what it computes, how it was made, on what, and what it reached. Stored as JSON in the model file. */
import { checkLimit, type Limits } from '../core/limits.ts';
import { canonicalJson } from './canonical.ts';
import { checkSpec } from './check.ts';
import {
  axesOfKind,
  type Channels,
  channelCounts,
  channelKinds,
  type Family,
  outputsOfKind,
} from './kinds.ts';
import { fieldLimits } from './limits.ts';
import type { Axis, DataKind, Output, SampleType, ValueRange } from './outputs.ts';
import {
  fail,
  flag,
  listOf,
  members,
  number,
  oneOf,
  optional,
  type Parser,
  record,
  recordOf,
  text,
  whole,
} from './parse.ts';
import { type FieldSpec, modulationLength, pointCount } from './spec.ts';

export type CardFact = string | number | boolean;

/** How a model was trained: these members, and what else the recipe needs to be repeated. */
export interface TrainingRecord {
  readonly dataset: string;
  readonly split: string;
  /** Outer steps. */
  readonly steps: number;
  /** Signals of one outer step. */
  readonly batch: number;
  readonly seed: number;
  /** Bits per point that one unit of MSE is worth, errors in 255ths of the peak; 0: distortion alone. */
  readonly lambda: number;
  readonly innerSteps: number;
  readonly commit?: string | undefined;
  readonly [more: string]: CardFact | undefined;
}

export interface ModelCard {
  /** Letters, digits, `.`, `_`, `+`, `-`; at most 64: fit for a file name and an address. */
  readonly name: string;
  readonly family: Family;
  /** Shape of a signal unless a file says otherwise, axes in array order. */
  readonly shape: readonly number[];
  /** Whether signals of other shapes may be given. */
  readonly anySize: boolean;
  /** What values are, [outputs of the field]. */
  readonly outputs: readonly Output[];
  /** What coordinates are, [axes of the field], in array order. */
  readonly axes: readonly Axis[];
  readonly spec: FieldSpec;
  readonly training: TrainingRecord;
  /** Figures reached, unit in the name: `psnrDbMeanOfItems`. */
  readonly figures: Readonly<Record<string, number | string>>;
  readonly licence: string;
  readonly notes: string;
}

/** How a card is written as JSON: 1 has a kind of channels and one range of values, 2 has outputs and axes. */
export type CardFormat = 1 | 2;

const families: Readonly<Record<Family, true>> = { image: true, audio: true, field: true, shape: true };
const sampleTypes: Readonly<Record<SampleType, true>> = { uint8: true, int16: true, float32: true };

const common = (limits: Limits) => ({
  name: text,
  family: oneOf(families),
  shape: listOf(whole(1, limits.maxAxis)),
  anySize: flag,
  spec: parseSpec,
  training,
  figures: recordOf((value: unknown, at) => (typeof value === 'string' ? value : number(value, at))),
  licence: text,
  notes: text,
});

/** What format 1 says of values. */
interface Kinded {
  readonly values: ValueRange;
  readonly channels: Channels;
}

/**
 * A card from parsed JSON: every member there, of its type, within bounds, and no other member. Text is kept as it is.
 * Throws BadInputError `bad-card` or `bad-spec` naming the member, LimitError for a shape above the limits.
 */
export function parseCard(json: unknown, format: CardFormat, limits: Limits): ModelCard {
  const card = format === 1 ? parseKinded(json, limits) : parseTold(json, limits);
  if (!/^[A-Za-z0-9][\w.+-]{0,63}$/.test(card.name)) {
    fail('card.name', 'at most 64 letters, digits and . _ + -');
  }
  if (card.shape.length !== card.spec.axes) fail('card.shape', `of ${card.spec.axes} axes`);
  const hint = 'raise the limit to read a model of signals this large';
  checkLimit('samples', pointCount(card.shape), limits.maxSamples, hint);
  checkLimit('symbols', modulationLength(card.spec, card.shape), limits.maxSymbols, hint);
  return card;
}

/** The JSON of a card, in the first format that holds all of it: a file of a network of format 1 stays one, with its id. */
export function cardJson(card: ModelCard): { readonly format: CardFormat; readonly json: object } {
  const kinded = asKinded(card);
  return kinded === undefined ? { format: 2, json: card } : { format: 1, json: kinded };
}

function parseTold(json: unknown, limits: Limits): ModelCard {
  const card = members<ModelCard>(json, 'card', {
    ...common(limits),
    outputs: listOf(output),
    axes: listOf(axis),
  });
  const { outputs, axes, spec } = card;
  if (outputs.length !== spec.outputs) fail('card.outputs', `${spec.outputs}, as many as the field has`);
  if (axes.length !== spec.axes) fail('card.axes', `${spec.axes}, as many as the field has`);
  if (spec.wraps && !axes.at(-1)?.wraps)
    fail('card.spec.wraps', 'left out where the last of the axes does not wrap');
  checkNames(card, 'card');
  return card;
}

function checkNames({ outputs, axes }: DataKind, at: string): void {
  for (const [member, all] of Object.entries({ outputs, axes }))
    if (new Set(all.map(({ name }) => name)).size < all.length) fail(`${at}.${member}`, 'of different names');
}

/** What signals are, from parsed JSON: outputs without offset and scale, and axes. Throws BadInputError `bad-card` naming the member. */
export function parseKind(json: unknown, at = 'signals'): DataKind {
  const scaled = (value: unknown, at: string) => {
    const { offset: _, scale: __, ...rest } = output({ offset: 0, scale: 1, ...record(value, at) }, at);
    return rest;
  };
  const kind = members<DataKind>(json, at, { outputs: listOf(scaled), axes: listOf(axis) });
  if (kind.outputs.length === 0 || kind.axes.length === 0) fail(at, 'of one output and one axis at least');
  checkNames(kind, at);
  return kind;
}

const output: Parser<Output> = (value, at) => {
  const found = members<Output>(value, at, {
    name: word,
    unit: optional(text),
    offset: number,
    scale: number,
    low: number,
    peak: number,
    sample: oneOf(sampleTypes),
  });
  if (found.scale === 0) fail(`${at}.scale`, 'other than 0');
  if (!(found.peak > 0)) fail(`${at}.peak`, 'above 0');
  return found;
};

const axis: Parser<Axis> = (value, at) => {
  const found = members<Omit<Axis, 'at'>>(value, at, {
    name: word,
    unit: optional(text),
    start: optional(number),
    step: optional(number),
    wraps: optional(flag),
    weight: optional(oneOf({ cosine: true })),
  });
  if (found.step === 0) fail(`${at}.step`, 'other than 0');
  if (found.weight !== undefined && (found.start === undefined || found.step === undefined))
    fail(`${at}.weight`, 'left out where the axis has no start and step');
  return found;
};

function word(value: unknown, at: string): string {
  return /^[A-Za-z_][\w-]{0,63}$/.test(text(value, at))
    ? (value as string)
    : fail(at, 'at most 64 letters, digits, _ and -, a letter first');
}

function parseKinded(json: unknown, limits: Limits): ModelCard {
  const { values, channels, ...rest } = members<Omit<ModelCard, 'outputs' | 'axes'> & Kinded>(json, 'card', {
    ...common(limits),
    values: (value, at) => members<ValueRange>(value, at, { offset: number, scale: number }),
    channels: oneOf(channelCounts),
  });
  const { spec, training } = rest;
  if (values.scale === 0) fail('card.values.scale', 'other than 0');
  const wanted = channelCounts[channels];
  if (wanted !== null && wanted !== spec.outputs) {
    fail('card.channels', `fit for ${spec.outputs} outputs, or "values"`);
  }
  return { ...rest, ...toldOfKind(channels, values, spec, training) };
}

function toldOfKind(
  channels: Channels,
  values: ValueRange,
  { outputs: count, axes }: FieldSpec,
  { peak }: TrainingRecord,
): Pick<ModelCard, 'outputs' | 'axes'> {
  const own = typeof peak === 'number' && peak > 0 ? { count, peak } : { count };
  return { outputs: outputsOfKind(channels, values, own), axes: axesOfKind(channels, axes) };
}

/** The card as format 1 says it; undefined where it says less. */
function asKinded({ outputs, axes, ...rest }: ModelCard): object | undefined {
  const [first] = outputs;
  if (first === undefined) return undefined;
  const values = { offset: first.offset, scale: first.scale };
  const told = canonicalJson({ outputs, axes });
  const channels = channelKinds.find((kind) => {
    const fits = (channelCounts[kind] ?? outputs.length) === outputs.length;
    return fits && canonicalJson(toldOfKind(kind, values, rest.spec, rest.training)) === told;
  });
  return channels === undefined ? undefined : { ...rest, values, channels };
}

/** A field specification from parsed JSON. Throws BadInputError `bad-card` or `bad-spec` naming the member. */
export function parseSpec(json: unknown, at = 'spec'): FieldSpec {
  const spec = members<FieldSpec>(json, at, {
    axes: number,
    outputs: number,
    width: whole(1, fieldLimits.width),
    layers: whole(1, fieldLimits.layers),
    w0: number,
    features: (value, at) =>
      members<FieldSpec['features']>(value, at, {
        global: flag,
        local: flag,
        harmonics: whole(0, fieldLimits.harmonics),
        period: optional(listOf(whole(1, fieldLimits.cell))),
      }),
    levels: listOf((value, at) =>
      members<FieldSpec['levels'][number]>(value, at, {
        cell: (cell, at) => (cell === null ? null : listOf(whole(1, fieldLimits.cell))(cell, at)),
        channels: whole(1, fieldLimits.channels),
        interpolation: oneOf({ nearest: true, linear: true, cubic: true }),
      }),
    ),
    wraps: optional(flag),
  });
  checkSpec(spec);
  return spec;
}

function training(value: unknown, at: string): TrainingRecord {
  const facts = recordOf((fact, at) => (typeof fact === 'number' ? number(fact, at) : textOrFlag(fact, at)))(
    value,
    at,
  );
  for (const key of ['dataset', 'split']) text(facts[key], `${at}.${key}`);
  for (const key of ['steps', 'batch', 'seed', 'lambda', 'innerSteps']) number(facts[key], `${at}.${key}`);
  if (facts.commit !== undefined) text(facts.commit, `${at}.commit`);
  return facts as TrainingRecord;
}

function textOrFlag(value: unknown, at: string): string | boolean {
  return typeof value === 'boolean' ? value : text(value, at);
}
