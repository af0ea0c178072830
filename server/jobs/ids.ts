/** Ids that sort by time and cannot be guessed: 48 bits of milliseconds, 80 of chance, 26 digits of base 32 in lower case. */
import { randomBytes } from 'node:crypto';

const digits = '0123456789abcdefghjkmnpqrstvwxyz';
export const idPattern = /^[0-9a-hjkmnp-tv-z]{26}$/;

export function newId(now: Date, random: (bytes: number) => Uint8Array = randomBytes): string {
  let bits = BigInt(now.getTime());
  for (const byte of random(10)) bits = (bits << 8n) | BigInt(byte);
  let id = '';
  for (let digit = 0; digit < 26; digit++) {
    id = digits[Number(bits & 31n)]! + id;
    bits >>= 5n;
  }
  return id;
}
