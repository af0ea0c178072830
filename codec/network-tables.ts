/**
 * Tables of frequencies for the weights of a network file: logistic distributions about 0, by integer arithmetic alone, so that the
 * specification is all a decoder needs (FORMAT.md, "Weights in steps"). Scale s of notch n is 2^(n / 2 - 3) steps.
 *
 * powers[n] is 2^24 e^(-1 / s) and its halves in the exponent are those of two notches on, as s doubles in two. Products stay below 2^48,
 * so doubles hold them.
 */
import { type Table, tableBits } from '../prior/prior.ts';
import { tableOf } from '../prior/table.ts';

const one = 1 << 24;
const total = 1 << tableBits;

/** Notches of a scale: 5 bits of a stream. */
export const scaleNotches = 32;
/** The largest notch with a table of its own; those above share theirs, with low bits beside it. */
const lastTable = 20;

/** 2^24 e^(-2^(-7.5)) and 2^24 e^(-2^(-8)), to the nearest: notches 21 and 22. */
const [power21, power22] = [16684790, 16711808] as const;

const powers = powersFrom(power21, power22);
const tables = new Map<number, Table>();

/** The table of a notch in [0, 32); made once. */
export function weightTable(notch: number): Table {
  const known = tables.get(notch);
  if (known !== undefined) return known;
  const shift = notch > lastTable ? Math.ceil((notch - lastTable) / 2) : 0;
  const table =
    shift === 0 ? logistic(powers[notch]!, powers[notch + 2]!) : { ...weightTable(notch - 2 * shift), shift };
  tables.set(notch, table);
  return table;
}

function powersFrom(second: number, last: number): number[] {
  const found = new Array<number>(lastTable + 3);
  found[lastTable + 2] = last;
  found[lastTable + 1] = second;
  for (let n = lastTable; n >= 0; n--) found[n] = Math.floor((found[n + 2]! * found[n + 2]!) / one);
  return found;
}

/** Symbols -m to m and an escape, as far as each side still has a frequency of 1 or more and the escape, too. */
function logistic(power: number, half: number): Table {
  // Share of values of m or more, in 2^-16, for m = 1, 2, ...
  const tails: number[] = [];
  for (let t = half; ; t = Math.floor((t * power) / one)) {
    const tail = Math.floor((total * t) / (one + t));
    tails.push(tail);
    const before = tails.at(-2);
    if (tail === 0 || tail === before) break;
  }
  const most = tails.length - 2;
  const sides = Array.from({ length: most }, (_, m) => tails[m]! - tails[m + 1]!);
  const frequencies = [...sides.toReversed(), total - 2 * tails[0]!, ...sides, 2 * tails[most]!];
  return tableOf(frequencies, 0 - most);
}
