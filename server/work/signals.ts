/** Signals as bytes: read from a body, and written in the format that is asked for. */

import type { Limits } from '../../src/core/limits.ts';
import type { Model } from '../../src/field/model.ts';
import { type Parts, wantedBy } from '../../src/formats/formats.ts';
import { readSignalAs } from '../../src/formats/read.ts';
import { checkEncodable, checkPart } from '../../src/session/cost.ts';
import type { Signal } from '../../src/signal/signal.ts';
import { sniffSignal } from '../media.ts';

export interface ServedReadOptions extends Parts {
  readonly as?: 'signal' | 'mask';
  /** Media type that was declared; default: bytes of no kind. */
  readonly type?: string | undefined;
  /** See `readSignalAs`. */
  readonly onShape?: ((shape: readonly number[]) => void) | undefined;
}

/** What refuses, by its header, a signal that may not be encoded. */
export function encodable(
  { card }: Model,
  limits: Limits,
  effort: number,
): (shape: readonly number[]) => void {
  return (shape) => checkEncodable(card, shape, { id: 'the signal', effort, limits });
}

/** What refuses, by its header, a signal that is larger than those of a model, or than a request may be. */
export function notLarger({ card }: Model, limits: Limits): (shape: readonly number[]) => void {
  return (shape) => checkPart(card, shape, limits);
}

/** A signal as a model takes it, or a `mask` for one. Throws HttpFault 415, and what `readSignalAs` throws. */
export function readSignal(
  bytes: Uint8Array,
  { card }: Model,
  limits: Limits,
  { as = 'signal', type = 'application/octet-stream', onShape, ...parts }: ServedReadOptions = {},
): Promise<Signal> {
  sniffSignal(type, bytes);
  const id = as === 'mask' ? 'the mask' : 'the signal';
  const wanted = as === 'mask' ? { ...wantedBy(card), outputs: as } : wantedBy(card);
  return readSignalAs(bytes, { ...wanted, ...parts, id, limits, told: type, onShape });
}

export async function* whole(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
