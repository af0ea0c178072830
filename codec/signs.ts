/**
 * On which side of 0 values lie, as adaptive bits under the sides of what is around, in the line above and in the slice before; FORMAT.md,
 * "Signs". The field is no context: engines differ in its last bits (docs/adr/0083).
 */
import { type BitCoder, BitDecoder, BitEncoder } from '../prior/bits.ts';
import { ByteReader, ByteWriter } from '../src/core/bytes.ts';
import { BadStreamError } from '../src/core/errors.ts';
import { Around } from './grid-around.ts';
import { checkSamplesPaid } from './paid.ts';
import type { ResidualGrid } from './residual.ts';

export interface Signs {
  /** [channels]: the size of a value whose field is on the other side; finite, above 0. */
  readonly near: Float32Array;
  /** [points, channels]: 1 where a value is below 0. */
  readonly below: Uint8Array;
}

/** The five nearest; and with them four further ones. */
const nearest = 32;
const contexts = nearest + 512;

/** Sizes as four bytes each, then the bits. */
export function encodeSigns({ near, below }: Signs, grid: ResidualGrid): Uint8Array {
  const encoder = new BitEncoder(contexts);
  walk(encoder, below, grid);
  const writer = new ByteWriter();
  for (const size of near) writer.f32(size);
  return writer.bytes(encoder.finish()).finish();
}

/** `count` values of `encodeSigns`. Throws BadStreamError `truncated`, `payload`, `sample-range`; `from`: offset for messages. */
export function decodeSigns(bytes: Uint8Array, count: number, grid: ResidualGrid, from = 0): Signs {
  const reader = new ByteReader(bytes);
  const near = Float32Array.from({ length: grid.channels }, () => reader.f32());
  if (!near.every((size) => size > 0 && size < Number.POSITIVE_INFINITY))
    throw new BadStreamError('sample-range', from, 'signs have sizes that are finite and above 0');
  const coded = bytes.subarray(reader.at);
  checkSamplesPaid(count, coded.length, from + reader.at);
  const below = new Uint8Array(count);
  const decoder = new BitDecoder(contexts, coded, from + reader.at);
  walk(decoder, below, grid);
  decoder.end();
  return { near, below };
}

function walk(coder: BitCoder, below: Uint8Array, { columns, channels, slice }: ResidualGrid): void {
  const around = new Around(below, columns, channels);
  const inRow = columns * channels;
  for (let i = 0; i < below.length; i++) {
    around.at(i);
    const { left, above, leftAbove, rightAbove } = around;
    const before = i - slice;
    const column = i % inRow;
    const row = i % slice;
    const there = before >= 0;
    const isFirst = column < channels;
    const last = there ? below[before]! : 0;
    const lastRight = there && column + channels < inRow ? below[before + channels]! : 0;
    const lastDown = there && row + inRow < slice ? below[before + inRow]! : 0;
    const lastLeft = there && !isFirst ? below[before - channels]! : 0;
    const lastUp = there && row >= inRow ? below[before - inRow]! : 0;
    const five = left + 2 * above + 4 * last + 8 * lastRight + 16 * lastDown;
    const four = leftAbove + 2 * rightAbove + 4 * lastLeft + 8 * lastUp;
    below[i] = coder.bit(five, nearest + five + 32 * four, below[i]!);
  }
}
