/**
 * Files that a program reads back as its own: bytes followed by one line, the seal,
 *
 *   "\n#functa-seal FORMAT SHA-256\n"
 *
 * whose digest, in hex, is of all that stands before it. A reader takes such a file whole or not at all: an edit anywhere, a
 * missing end, or a file of another format is a tagged error. It guards against damage and confusion, not against forgery.
 */
import { BadStreamError } from './errors.ts';
import { sha256Hex } from './hash.ts';

const digits = 64;

/** `format`: letters, digits, `-` and `/`; another number after the slash for each version. */
export function seal(format: string, bytes: Uint8Array): Uint8Array {
  const mark = markOf(format);
  const sealed = new Uint8Array(bytes.length + mark.length + digits + 1);
  sealed.set(bytes);
  sealed.set(mark, bytes.length);
  const digest = sha256Hex(sealed.subarray(0, bytes.length + mark.length));
  sealed.set(new TextEncoder().encode(`${digest}\n`), bytes.length + mark.length);
  return sealed;
}

/**
 * A view of the bytes that were sealed. `what` names the file in an error and `remedy` says what to do about it. Throws
 * BadStreamError `seal-absent` for a file that is cut off, of another format or version, and `seal-broken` for a damaged one.
 */
export function unseal(
  format: string,
  sealed: Uint8Array,
  { what, remedy }: { readonly what: string; readonly remedy: string },
): Uint8Array {
  const mark = markOf(format);
  const end = sealed.length - digits - 1;
  const at = end - mark.length;
  if (at < 0 || !mark.every((byte, i) => sealed[at + i] === byte)) {
    throw new BadStreamError(
      'seal-absent',
      sealed.length,
      `${what} does not end in the seal of ${format}: it was cut off, damaged, or written by another version; ${remedy}`,
    );
  }
  const digest = new TextEncoder().encode(`${sha256Hex(sealed.subarray(0, end))}\n`);
  if (!digest.every((byte, i) => sealed[end + i] === byte))
    throw new BadStreamError(
      'seal-broken',
      end,
      `${what} is damaged: its bytes are not those that were sealed; ${remedy}`,
    );
  return sealed.subarray(0, at);
}

/** A value as sealed JSON. */
export function sealJson(format: string, value: unknown): Uint8Array {
  return seal(format, new TextEncoder().encode(JSON.stringify(value)));
}

/** The value of `sealJson`. Throws as `unseal` does. */
export function unsealJson(format: string, sealed: Uint8Array, about: Parameters<typeof unseal>[2]): unknown {
  return JSON.parse(new TextDecoder().decode(unseal(format, sealed, about)));
}

function markOf(format: string): Uint8Array {
  return new TextEncoder().encode(`\n#functa-seal ${format} `);
}
