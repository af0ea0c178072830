/** What its owner says of a function, beside its label: a JSON object of any members, kept as it came. */
import { BadInputError } from './errors.ts';

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
export type Metadata = { readonly [name: string]: Json };

/** Of the text of one function's metadata, in UTF-8. */
export const maxMetadataBytes = 4096;

/** The JSON text of metadata. Throws BadInputError `bad-metadata` for what is no JSON object, or too long. */
export function metadataText(metadata: Metadata): string {
  const plain = typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata);
  if (!plain) throw bad('it is a JSON object');
  let text: string;
  try {
    text = JSON.stringify(metadata);
  } catch {
    throw bad('it is a JSON object');
  }
  const { length } = new TextEncoder().encode(text);
  if (length > maxMetadataBytes) throw bad(`it has at most ${maxMetadataBytes} bytes as JSON, not ${length}`);
  return text;
}

/** Undefined where a text is no JSON object. */
export function parseMetadata(text: string): Metadata | undefined {
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === 'object' && found !== null && !Array.isArray(found)
      ? (found as Metadata)
      : undefined;
  } catch {
    return undefined;
  }
}

function bad(what: string): BadInputError {
  return new BadInputError('bad-metadata', `metadata cannot be kept: ${what}`);
}
