/** Text of strangers, made safe for a terminal and for logs of one line a record. */

/**
 * The text with everything that does not print escaped as in JSON: controls (so no new line, no ANSI sequence),
 * marks that turn the direction of writing, separators of lines, lone surrogates, and the backslash itself, so that
 * what was escaped can be told from what was written.
 */
export function printable(text: string): string {
  return text.replace(
    /[\\\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (found) => escapes[found] ?? [...utf16(found)].join(''),
  );
}

/** The same for a line of JSON, which stays the same value: what JSON.stringify lets through is escaped too. */
export function printableJson(json: string): string {
  return json.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (found) => [...utf16(found)].join(''));
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function* utf16(text: string): Iterable<string> {
  for (let i = 0; i < text.length; i++) yield `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`;
}
