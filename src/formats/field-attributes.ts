/** Which attributes of a variable travel with its function (NetCDF Users Guide, appendix A; CF Conventions 1.11, appendix A). */
import { type Attributes, mostAttributeBytes } from '../field/about.ts';

/** What reading takes in, what points at other variables, what libraries write for themselves, and what was said of exact values and their file. */
const left = new Set([
  ...['units', 'scale_factor', 'add_offset', '_FillValue', 'missing_value', '_Unsigned'],
  ...[
    'valid_range',
    'valid_min',
    'valid_max',
    'actual_range',
    'flag_values',
    'flag_masks',
    'flag_meanings',
    'history',
  ],
  ...['coordinates', 'bounds', 'climatology', 'grid_mapping', 'cell_measures', 'formula_terms'],
  ...['ancillary_variables', 'compress', 'DIMENSION_LIST', 'REFERENCE_LIST', 'CLASS', 'NAME'],
  ...['_ARRAY_DIMENSIONS', '_ChunkSizes', '_Netcdf4Dimid', '_Netcdf4Coordinates', '_Encoding'],
]);
/** What CF names of a file (2.6.2), what is wanted first first; a history tells how the file was made. */
const keptOfFile = ['title', 'institution', 'source', 'references', 'comment'];
/** Conventions, and what programs write of themselves. */
const leftOfFile = new Set([
  ...['Conventions', 'conventions', 'history', '_NCProperties', '_format', 'NCO', 'CDO', 'CDI'],
  'nco_openmp_thread_number',
]);
const mostNameLetters = 128;
/** Of names of attributes that a note lists. */
const toldNames = 8;

/**
 * Of each variable, within `mostAttributeBytes` of all: the longest are left out first, which `notes` say. Control characters are spaces.
 */
export function attributesKept(
  variables: readonly { readonly name: string; readonly attributes: Attributes }[],
  notes: string[],
): Attributes[] {
  const kept = variables.map(({ name: variable, attributes }) => {
    const own = Object.entries(attributes).filter(([name, value]) => isKept(name, value));
    return own.map(([name, value]) => ({ variable, name, value: plain(value) }));
  });
  const all = kept.flat().map((own) => ({ own, bytes: bytesOf({ [own.name]: own.value }) }));
  let bytes = all.reduce((sum, one) => sum + one.bytes, 0);
  const dropped = new Set<object>();
  for (const one of all.sort((a, b) => b.bytes - a.bytes)) {
    if (bytes <= mostAttributeBytes) break;
    bytes -= one.bytes;
    dropped.add(one.own);
    notes.push(
      `attribute ${one.own.name} of ${one.own.variable} is not kept: all are above ${mostAttributeBytes} bytes`,
    );
  }
  return kept.map((own) =>
    Object.fromEntries(own.filter((one) => !dropped.has(one)).map(({ name, value }) => [name, value])),
  );
}

/** Of the file itself: what CF names, in what is left of `mostAttributeBytes` beside those of its variables. A note says which others it has. */
export function fileAttributesKept(
  file: Attributes,
  attributes: readonly Attributes[],
  notes: string[],
): Attributes {
  const found: Record<string, Attributes[string]> = {};
  const others = Object.entries(file).filter(([name, value]) => !leftOfFile.has(name) && isKept(name, value));
  const dropped = new Set(others.map(([name]) => name));
  let bytes = attributes.reduce((sum, own) => sum + bytesOf(own), 0);
  for (const name of keptOfFile) {
    const own = others.find(([one]) => one.toLowerCase() === name);
    if (own === undefined) continue;
    const value = plain(own[1]);
    bytes += bytesOf({ [own[0]]: value });
    if (bytes > mostAttributeBytes) break;
    found[own[0]] = value;
    dropped.delete(own[0]);
  }
  const names = [...dropped];
  const more = names.length > toldNames ? ` and ${names.length - toldNames} more` : '';
  if (names.length > 0)
    notes.push(`attributes of the file are not kept: ${names.slice(0, toldNames).join(', ')}${more}`);
  return found;
}

function isKept(name: string, value: Attributes[string]): boolean {
  if (left.has(name) || name === '' || name.length > mostNameLetters || /\p{Cc}/u.test(name)) return false;
  return value.length > 0 && (typeof value === 'string' || value.every(Number.isFinite));
}

function plain(value: Attributes[string]): Attributes[string] {
  return typeof value === 'string' ? value.replace(/\p{Cc}+/gu, ' ').trim() : value;
}

function bytesOf(own: Attributes): number {
  return new TextEncoder().encode(JSON.stringify(own)).length;
}
