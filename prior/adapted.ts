/**
 * A context prior that was adapted to some signals (ADR 66): what the integers of a model's autoregressive prior are moved by, packed. The
 * file names its model; the model with the moved prior is a model of its own, whose id is the SHA-256 of this file.
 *
 * `moves` (U8) holds a byte for each tensor of `movedNames` in order, its shift s (255: it stays as it is), and then adaptive bits
 * (bits.ts) of the steps m of all others: a number becomes number + m 2^s.
 */
import { ByteReader, ByteWriter } from '../src/core/bytes.ts';
import { BadStreamError } from '../src/core/errors.ts';
import { sha256Hex } from '../src/core/hash.ts';
import { defaultLimits, type Limits } from '../src/core/limits.ts';
import { type Tensor, takeTensor, tensor } from '../src/core/tensor.ts';
import { canonicalJson } from '../src/field/canonical.ts';
import { readSafetensors, writeSafetensors } from '../src/field/safetensors.ts';
import { levelName } from './autoregressive-tensors.ts';
import { type BitCoder, BitDecoder, BitEncoder } from './bits.ts';

export const adaptedFormat = 'functa-adapted/1';

export interface AdaptedCard {
  /** Name of the model whose prior this moves. */
  readonly model: string;
  /** Its id: of no other model it is an adaptation. */
  readonly modelId: string;
  readonly networkId: string;
  /** What it was adapted to, and how. */
  readonly recipe: Readonly<Record<string, string | number>>;
  /** What it reached, the unit in the name. */
  readonly figures: Readonly<Record<string, number>>;
}

export interface AdaptedFile {
  /** SHA-256 of the file, hex. */
  readonly id: string;
  readonly card: AdaptedCard;
  readonly moves: Uint8Array;
}

/** How far a tensor moves: by `steps` times 2^shift. */
export interface Move {
  readonly shift: number;
  readonly steps: Int32Array;
}

/** No number moves by more steps: longer runs of ones are damage. */
const mostSteps = 1 << 15;
const mostShift = 24;
const stays = 255;

/** Names of the tensors of a prior that an adaptation may move: all that it has, but the recipe and the shifts. */
export function movedNames(tensors: ReadonlyMap<string, Tensor>): string[] {
  const names: string[] = [];
  for (let level = 0; tensors.has(`${levelName(level)}.shapes`); level++) {
    const own = ['shapes'];
    for (let j = 0; tensors.has(`${levelName(level)}.hidden${j}.bias`); j++)
      own.push(`hidden${j}.bias`, `hidden${j}.weights`);
    for (const head of ['mean', 'scale'])
      for (const part of ['output', 'bias', 'linear', 'own']) own.push(`${head}.${part}`);
    names.push(...own.map((part) => `${levelName(level)}.${part}`).filter((name) => tensors.has(name)));
  }
  return names;
}

/** The file of an adaptation of the prior among `tensors`. */
export function writeAdapted(
  tensors: ReadonlyMap<string, Tensor>,
  moves: ReadonlyMap<string, Move>,
  card: AdaptedCard,
): Uint8Array {
  const metadata = { format: adaptedFormat, card: canonicalJson(card) };
  return writeSafetensors(new Map([['moves', tensor(packMoves(tensors, moves))]]), metadata);
}

/** Throws what `readSafetensors` throws, BadStreamError `prior-format`. */
export function readAdapted(bytes: Uint8Array, limits: Limits = defaultLimits): AdaptedFile {
  const { tensors, metadata } = readSafetensors(bytes, limits);
  const card = metadata.format === adaptedFormat ? parse(metadata.card) : undefined;
  const moves = tensors.get('moves');
  if (card === undefined || moves?.dtype !== 'U8' || tensors.size !== 1)
    throw new BadStreamError('prior-format', 8, 'not the file of an adapted prior');
  return { id: sha256Hex(bytes), card, moves: takeTensor(tensors, 'moves', 'U8') };
}

/** The tensors of the model with its prior moved; others are shared. Throws BadStreamError `prior-format`. */
export function movedTensors(base: ReadonlyMap<string, Tensor>, packed: Uint8Array): Map<string, Tensor> {
  const moved = new Map(base);
  for (const [name, move] of unpackMoves(base, packed)) {
    const found = moved.get(name)!;
    const data = found.data.slice();
    for (let i = 0; i < data.length; i++) {
      const wanted = data[i]! + move.steps[i]! * (1 << move.shift);
      data[i] = wanted;
      if (data[i] !== wanted) throw damaged(`a number of ${name} leaves its type`);
    }
    moved.set(name, tensor(data, found.shape));
  }
  return moved;
}

/** The bytes of moves; those that are all zeros are left out. */
export function packMoves(
  tensors: ReadonlyMap<string, Tensor>,
  moves: ReadonlyMap<string, Move>,
): Uint8Array {
  const names = movedNames(tensors);
  const coder = new BitEncoder(contextsOf(names));
  const shifts = names.map((name) => {
    const move = moves.get(name);
    if (move === undefined || move.steps.every((step) => step === 0)) return stays;
    walk(coder, names, name, move.steps, tensors.get(name)!);
    return move.shift;
  });
  return new ByteWriter().bytes(Uint8Array.from(shifts)).bytes(coder.finish()).finish();
}

function unpackMoves(tensors: ReadonlyMap<string, Tensor>, packed: Uint8Array): Map<string, Move> {
  const names = movedNames(tensors);
  const reader = new ByteReader(packed);
  const shifts = names.map(() => reader.u8());
  const coder = new BitDecoder(contextsOf(names), packed.subarray(reader.at), reader.at);
  const moves = new Map<string, Move>();
  for (const [i, name] of names.entries()) {
    const shift = shifts[i]!;
    if (shift === stays) continue;
    if (shift > mostShift) throw damaged(`${name} moves by steps of 2^${shift}`);
    const steps = new Int32Array(tensors.get(name)!.data.length);
    walk(coder, names, name, steps, tensors.get(name)!);
    moves.set(name, { shift, steps });
  }
  coder.end();
  return moves;
}

/** Contexts of one part: three of the number before, three of that above, a sign, eight of a magnitude. */
const perPart = 15;
const longest = 8;

/** The part of a level that a tensor is: the same contexts for all levels. */
const partOf = (name: string) => name.slice(name.indexOf('.', 'prior.autoregressive.'.length) + 1);

function contextsOf(names: readonly string[]): number {
  return perPart * Math.max(1, new Set(names.map(partOf)).size);
}

/** Codes the steps of a tensor, or fills them in. Throws BadStreamError `prior-format` for one beyond `mostSteps`. */
function walk(
  coder: BitCoder,
  names: readonly string[],
  name: string,
  steps: Int32Array,
  { shape }: Tensor,
): void {
  const first = perPart * [...new Set(names.map(partOf))].indexOf(partOf(name));
  const columns = shape.at(-1)!;
  const size = (i: number) => Math.min(2, Math.abs(steps[i] ?? 0));
  for (let i = 0; i < steps.length; i++) {
    const step = steps[i]!;
    const [before, above] = [first + size(i - 1), first + 3 + size(i - columns)];
    if (coder.bit(before, above, Number(step !== 0)) === 0) continue;
    const sign = coder.bit(first + 6, first + 6, Number(step < 0));
    let magnitude = 1;
    for (;;) {
      const at = first + 6 + Math.min(longest, magnitude);
      if (coder.bit(at, at, Number(Math.abs(step) > magnitude)) === 0) break;
      if (++magnitude > mostSteps) throw damaged(`a move of ${name} has no end`);
    }
    steps[i] = sign === 1 ? -magnitude : magnitude;
  }
}

function damaged(what: string): BadStreamError {
  return new BadStreamError('prior-format', 8, `not an adaptation of this model's prior: ${what}`);
}

function parse(text: string | undefined): AdaptedCard | undefined {
  try {
    const card = JSON.parse(text ?? '') as Partial<AdaptedCard>;
    const texts = [card.model, card.modelId, card.networkId].every((value) => typeof value === 'string');
    const records = [card.recipe, card.figures].every((value) => typeof value === 'object' && value !== null);
    return texts && records ? (card as AdaptedCard) : undefined;
  } catch {
    return undefined;
  }
}
