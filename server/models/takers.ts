/** A signal of another kind than its model: who would take it. */
import { BadInputError, FunctaError } from '../../src/core/errors.ts';
import { formatOfFile, kindOf, type Parts } from '../../src/formats/formats.ts';
import { cardsThatTake, otherKindCodes, toldOfTakers } from '../../src/formats/read.ts';
import type { ServedModel } from '../catalogue.ts';
import { type InNamespace, type ServerContext, seenBy } from '../context.ts';
import { toldNames } from './pick.ts';

/** Whether others may take what was refused so. */
export function isOfOtherKind(code: string): boolean {
  return otherKindCodes.has(code);
}

/**
 * Bytes of a request that are there when a signal of another kind is refused: work takes those that it is given along, so they are copied
 * where the format holds no signals of the model's kind, and only there.
 */
export function bytesForRefusal(
  bytes: Uint8Array,
  type: string | undefined,
  { card }: Pick<ServedModel, 'card'>,
): Uint8Array {
  return formatOfFile(bytes, type)?.fits(kindOf(card)) === false ? new Uint8Array(bytes) : bytes;
}

/** The models that the asker sees and that take a file, as a refusal tells them. */
export async function takersTold(
  { catalogue, limits }: ServerContext,
  bytes: Uint8Array,
  { type, ...parts }: Parts & { readonly type?: string | undefined },
  asker: InNamespace,
): Promise<string> {
  const seen = seenBy(catalogue.models, asker);
  const cards = seen.map(({ name, card }) => ({ ...card, name }));
  const taking = await cardsThatTake(bytes, cards, { ...parts, told: type, limits });
  return toldOfTakers(
    taking.slice(0, toldNames).map(({ name }) => name),
    seen.length,
  );
}

/** Throws a fault again, that of a signal of another kind with the models that would take it. */
export async function refuseWithTakers(
  error: unknown,
  ...asked: Parameters<typeof takersTold>
): Promise<never> {
  if (!(error instanceof FunctaError) || !isOfOtherKind(error.code)) throw error;
  const [, bytes] = asked;
  if (bytes.byteLength === 0) throw error;
  throw new BadInputError(error.code, `${error.message}; ${await takersTold(...asked)}`, { cause: error });
}
