/** The card of a model: what it computes, how it was made, on what, and what it reached. Stored as JSON in the model file. */
import { BadInputError } from '../core/errors.ts';
import { checkLimit, type Limits } from '../core/limits.ts';
import { checkSpec } from './check.ts';
import { fieldLimits } from './limits.ts';
import { type FieldSpec, modulationLength, pointCount } from './spec.ts';

export type Family = 'image' | 'audio' | 'field' | 'shape';

/** What the outputs of the field are; `values` says nothing about their number. */
export type Channels = 'grey' | 'rgb' | 'rgba' | 'mono' | 'stereo' | 'values';

/** Signal value = offset + scale * field value. */
export interface ValueRange {
  readonly offset: number;
  readonly scale: number;
}

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
  /** Bits per point that one unit of MSE on the 0..255 scale is worth; 0: distortion alone. */
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
  readonly values: ValueRange;
  readonly channels: Channels;
  readonly spec: FieldSpec;
  readonly training: TrainingRecord;
  /** Figures reached, unit in the name: `psnrDbMeanOfItems`. */
  readonly figures: Readonly<Record<string, number | string>>;
  readonly licence: string;
  readonly notes: string;
}

/** Outputs of a field for each kind of channels; null: any number. */
export const channelCounts: Readonly<Record<Channels, number | null>> = {
  grey: 1,
  rgb: 3,
  rgba: 4,
  mono: 1,
  stereo: 2,
  values: null,
};

const families: Readonly<Record<Family, true>> = { image: true, audio: true, field: true, shape: true };

/**
 * A card from parsed JSON: every member there, of its type, within bounds, and no other member. Text is kept as it is.
 * Throws BadInputError `bad-card` or `bad-spec` naming the member, LimitError for a shape above the limits.
 */
export function parseCard(json: unknown, limits: Limits): ModelCard {
  const card = members(json, 'card', {
    name: text,
    family: oneOf(families),
    shape: listOf(whole(1, limits.maxAxis)),
    anySize: flag,
    values: (value, at) => members<ValueRange>(value, at, { offset: number, scale: number }),
    channels: oneOf(channelCounts),
    spec: parseSpec,
    training,
    figures: recordOf((value, at) => (typeof value === 'string' ? value : number(value, at))),
    licence: text,
    notes: text,
  }) as ModelCard;
  if (!/^[A-Za-z0-9][\w.+-]{0,63}$/.test(card.name)) {
    fail('card.name', 'at most 64 letters, digits and . _ + -');
  }
  if (card.values.scale === 0) fail('card.values.scale', 'other than 0');
  const outputs = channelCounts[card.channels];
  if (outputs !== null && outputs !== card.spec.outputs) {
    fail('card.channels', `fit for ${card.spec.outputs} outputs, or "values"`);
  }
  if (card.shape.length !== card.spec.axes) fail('card.shape', `of ${card.spec.axes} axes`);
  const hint = 'raise the limit to read a model of signals this large';
  checkLimit('samples', pointCount(card.shape), limits.maxSamples, hint);
  checkLimit('symbols', modulationLength(card.spec, card.shape), limits.maxSymbols, hint);
  return card;
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
  });
  checkSpec(spec);
  return spec;
}

type Parser<T> = (value: unknown, at: string) => T;

function members<T extends object>(
  value: unknown,
  at: string,
  parsers: { [K in keyof T]-?: Parser<T[K]> },
): T {
  const object = record(value, at);
  const unknown = Object.keys(object).find((key) => !Object.hasOwn(parsers, key));
  if (unknown !== undefined) fail(`${at}.${unknown.slice(0, 40)}`, 'left out: it has no meaning here');
  const entries = Object.entries<Parser<unknown>>(parsers as Record<string, Parser<unknown>>);
  const parsed = entries.map(([key, parse]) => [key, parse(object[key], `${at}.${key}`)] as const);
  return Object.fromEntries(parsed.filter(([, value]) => value !== undefined)) as T;
}

/** A member that may be left out. */
function optional<T>(parse: Parser<T>): Parser<T | undefined> {
  return (value, at) => (value === undefined ? undefined : parse(value, at));
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

function recordOf<T>(parse: Parser<T>): Parser<Record<string, T>> {
  return (value, at) =>
    Object.fromEntries(
      Object.entries(record(value, at)).map(([key, member]) => [key, parse(member, `${at}.${key}`)]),
    );
}

function record(value: unknown, at: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail(at, 'an object');
  return value as Record<string, unknown>;
}

function listOf<T>(parse: Parser<T>): Parser<T[]> {
  return (value, at) => {
    if (!Array.isArray(value)) return fail(at, 'a list');
    return value.map((member, i) => parse(member, `${at}[${i}]`));
  };
}

function oneOf<K extends string>(choices: Readonly<Record<K, unknown>>): Parser<K> {
  return (value, at) => {
    if (typeof value === 'string' && Object.hasOwn(choices, value)) return value as K;
    return fail(at, `one of ${Object.keys(choices).join(', ')}`);
  };
}

function whole(least: number, most: number): Parser<number> {
  return (value, at) => {
    if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
      return value as number;
    return fail(at, `a whole number from ${least} to ${most}`);
  };
}

function number(value: unknown, at: string): number {
  return Number.isFinite(value) ? (value as number) : fail(at, 'a finite number');
}

function flag(value: unknown, at: string): boolean {
  return typeof value === 'boolean' ? value : fail(at, 'true or false');
}

function text(value: unknown, at: string): string {
  return typeof value === 'string' ? value : fail(at, 'a text');
}

function fail(at: string, wanted: string): never {
  throw new BadInputError('bad-card', `${at} must be ${wanted}`);
}
