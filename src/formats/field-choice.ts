/** Which variable of a file of fields is meant, and which part of it. */
import { BadInputError } from '../core/errors.ts';
import type { Dimension, FieldVariable } from './field-file.ts';
import type { Parts, Wanted } from './format.ts';

/** A box of a variable, and the dimensions that are axes of the signal. */
export interface Slab {
  readonly variable: FieldVariable;
  readonly start: readonly number[];
  readonly count: readonly number[];
  readonly kept: readonly Dimension[];
}

/**
 * The variables that are the channels of a signal, of one shape: those that are named, else those that are called as the outputs, else the
 * only one that fits. Throws BadInputError `which-variable`, `no-variable`, `which-part`, `bad-part`, `signal-channels`, `bad-shape`.
 */
export function chosenVariables(
  variables: readonly FieldVariable[],
  options: Wanted & Parts & { readonly id: string },
): readonly Slab[] {
  const { id, variable: asked, outputs } = options;
  const parts = asked === undefined ? [] : partsOf(asked);
  const named = parts.filter(({ name }) => name !== '');
  const fields = fieldsOf(variables);
  const chosen =
    named.length > 0
      ? named.map(({ name, at }) => ({ variable: variableOf(variables, name, fields, id), at }))
      : meant(fields, options).map((variable) => ({ variable, at: parts[0]?.at ?? new Map() }));
  const slabs = chosen.map(({ variable, at }) => slabOf(variable, at, options));
  const shapes = new Set(slabs.map(({ kept }) => kept.map(({ size }) => size).join(' x ')));
  if (shapes.size > 1) {
    throw new BadInputError(
      'bad-shape',
      `${id}: the variables are of shapes ${[...shapes].join(' and ')}; choose those of one`,
    );
  }
  if (typeof outputs !== 'string' && outputs.length !== slabs.length) {
    const names = outputs.map(({ name }) => name).join(', ');
    throw new BadInputError(
      'signal-channels',
      `${id}: ${slabs.length} variables are chosen and the model takes ${outputs.length} (${names}); name as many: ${listOf(fields)}`,
    );
  }
  return slabs;
}

/**
 * Axes along which the variables asked for have samples, most of them first: what is chosen along an axis leaves it out. Undefined where
 * they are not there. Throws BadInputError `bad-part`.
 */
export function axesOfChoice(variables: readonly FieldVariable[], asked: string): number | undefined {
  const fields = fieldsOf(variables);
  const ranks = partsOf(asked).flatMap(({ name, at }) =>
    (name === '' ? fields : variables.filter((variable) => variable.name === name)).map(
      ({ dimensions }) => dimensions.filter((own) => own.size > 1 && !at.has(own.name)).length,
    ),
  );
  return ranks.length === 0 ? undefined : Math.max(1, ...ranks);
}

/** `T`, `u,v`, `T[time=3]`, `[time=3]`. Throws BadInputError `bad-part`. */
function partsOf(text: string): { readonly name: string; readonly at: ReadonlyMap<string, number> }[] {
  const found = [...text.matchAll(/(?:^|,)([^,[\]]*)(?:\[([^\]]*)\])?(?=,|$)/g)];
  if (found.reduce((n, [whole]) => n + whole.length, 0) !== text.length || text === '') throw badPart(text);
  return found.map(([, name = '', places = '']) => {
    const at = new Map<string, number>();
    for (const place of places === '' ? [] : places.split(',')) {
      const [, axis, index] = /^\s*([^=\s]+)\s*=\s*(\d+)\s*$/.exec(place) ?? [];
      if (axis === undefined) throw badPart(text);
      at.set(axis, Number(index));
    }
    return { name: name.trim(), at };
  });
}

function badPart(text: string): BadInputError {
  return new BadInputError(
    'bad-part',
    `${JSON.stringify(text.slice(0, 80))} names no variable; write NAME, NAME[time=3], [time=3] or U,V`,
  );
}

/** What is no coordinate and no text. */
function fieldsOf(variables: readonly FieldVariable[]): readonly FieldVariable[] {
  const coordinates = new Set<string>();
  for (const { dimensions, attributes } of variables) {
    for (const { name } of dimensions) coordinates.add(name);
    for (const list of [attributes.bounds, attributes.coordinates, attributes.climatology])
      if (typeof list === 'string') for (const name of list.split(/\s+/)) coordinates.add(name);
  }
  return variables.filter(
    ({ name, type, dimensions }) => type !== undefined && dimensions.length > 0 && !coordinates.has(name),
  );
}

function variableOf(
  variables: readonly FieldVariable[],
  name: string,
  fields: readonly FieldVariable[],
  id: string,
): FieldVariable {
  const found = variables.find((variable) => variable.name === name && variable.type !== undefined);
  if (found !== undefined) return found;
  throw new BadInputError(
    'no-variable',
    `${id} has no numbers called ${JSON.stringify(name.slice(0, 80))}; it has ${listOf(fields)}`,
  );
}

function meant(
  fields: readonly FieldVariable[],
  { id, axes, outputs }: Wanted & { readonly id: string },
): readonly FieldVariable[] {
  if (typeof outputs !== 'string') {
    const called = outputs.map(({ name }) =>
      fields.find((own) => own.name.toLowerCase() === name.toLowerCase()),
    );
    if (called.every((own) => own !== undefined)) return called;
  }
  const fitting = fields.filter(({ dimensions }) => longer(dimensions) <= axes && axes <= dimensions.length);
  if (fitting.length === 1) return fitting;
  const [only] = fields;
  if (fields.length === 1) return [only!];
  if (fields.length === 0)
    throw new BadInputError('no-variable', `${id} has no field: no variable of numbers along dimensions`);
  throw new BadInputError(
    'which-variable',
    `${id} has several fields; name one as the variable: ${listOf(fields)}`,
  );
}

function longer(dimensions: readonly Dimension[]): number {
  return dimensions.filter(({ size }) => size !== 1).length;
}

/** What is left of a variable when one sample is taken of each dimension that a signal does not have. */
function slabOf(
  variable: FieldVariable,
  at: ReadonlyMap<string, number>,
  { id, axes }: Wanted & { readonly id: string },
): Slab {
  const { name, dimensions } = variable;
  for (const [axis, index] of at) {
    const own = dimensions.find((dimension) => dimension.name === axis);
    if (own !== undefined && index < own.size) continue;
    throw new BadInputError(
      'bad-part',
      `${id}: ${name} has no ${axis} ${index}; it has ${sizesOf(dimensions)}`,
    );
  }
  // Those of one sample go first, from the slowest.
  let tooMany = dimensions.filter((own) => !at.has(own.name)).length - axes;
  const dropped = new Set<string>();
  for (const own of dimensions) {
    if (tooMany <= 0 || at.has(own.name) || own.size !== 1) continue;
    dropped.add(own.name);
    tooMany--;
  }
  const kept = dimensions.filter((own) => !at.has(own.name) && !dropped.has(own.name));
  if (kept.length !== axes) {
    const advice =
      kept.length > axes
        ? `choose where along the others: ${name}[${kept.slice(0, kept.length - axes).map((own) => `${own.name}=0`)}]`
        : 'choose another variable';
    throw new BadInputError(
      'which-part',
      `${id}: ${name} is along ${sizesOf(dimensions)}, and a signal here has ${axes} axes; ${advice}`,
    );
  }
  if (kept.some(({ size }) => size === 0))
    throw new BadInputError('empty-signal', `${id}: ${name} has no samples: ${sizesOf(dimensions)}`);
  return {
    ...{ variable, kept },
    start: dimensions.map((own) => at.get(own.name) ?? 0),
    count: dimensions.map((own) => (kept.includes(own) ? own.size : 1)),
  };
}

function sizesOf(dimensions: readonly Dimension[]): string {
  return dimensions.map(({ name, size }) => `${name} ${size}`).join(', ') || 'nothing';
}

/** Variables that are named in a message; of more a few. */
const mostListed = 12;

function listOf(fields: readonly FieldVariable[]): string {
  const names = fields.slice(0, mostListed).map(({ name, dimensions }) => `${name} (${sizesOf(dimensions)})`);
  return `${names.join(', ')}${fields.length > mostListed ? `, and ${fields.length - mostListed} more` : ''}`;
}
