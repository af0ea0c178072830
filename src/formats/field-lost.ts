/** What a file of fields says of a variable by others, which does not travel with its function (CF Conventions 1.11, chapters 3, 5, 6 and 7). */

import { kindOf } from './field-axes.ts';
import type { Dimension, FieldVariable } from './field-file.ts';

const pointing = ['grid_mapping', 'cell_measures', 'ancillary_variables', 'formula_terms'];

/** Notes of coordinates beside those along the axes that are kept, such as latitudes of two dimensions, and of what else a variable points at. */
export function notesOfLost(
  variables: readonly FieldVariable[],
  { variable, kept }: { readonly variable: FieldVariable; readonly kept: readonly Dimension[] },
): string[] {
  const { attributes } = variable;
  const names = new Set(kept.map(({ name }) => name));
  const said = new Set(wordsOf(attributes.coordinates));
  const coordinates = variables.filter((own) => {
    const along = own.dimensions.filter(({ size }) => size > 1);
    if (own === variable || (along.length < 2 && own.dimensions[0]?.name === own.name)) return false;
    const isPlace =
      kindOf(own.name, textOf(own.attributes.units), own.attributes.standard_name) !== undefined;
    return said.has(own.name) || (isPlace && along.length > 1 && along.every(({ name }) => names.has(name)));
  });
  const others = pointing.flatMap((name) =>
    wordsOf(attributes[name]).filter((word) => variables.some((own) => own.name === word)),
  );
  const placed = coordinates.map(({ name, dimensions }) =>
    dimensions.length === 0 ? name : `${name} (${dimensions.map((own) => own.name).join(', ')})`,
  );
  return [
    ...(placed.length === 0
      ? []
      : [`coordinates beside those along its axes are not kept: ${placed.join(', ')}`]),
    ...(others.length === 0 ? [] : [`what ${variable.name} points at is not kept: ${others.join(', ')}`]),
  ];
}

function wordsOf(value: string | readonly number[] | undefined): string[] {
  return textOf(value)?.split(/\s+/).filter(Boolean) ?? [];
}

function textOf(value: string | readonly number[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
