/** The model for a signal that comes without the name of one. */
import { NotFoundError } from '../../src/core/errors.ts';
import { readSignalShape } from '../../src/formats/read.ts';
import { isForSamples } from '../../src/models/index.ts';
import type { ServedModel } from '../catalogue.ts';
import { type InNamespace, type ServerContext, seenBy } from '../context.ts';
import { HttpFault } from '../http-fault.ts';
import { sniffSignal } from '../media.ts';

/** Names of models that a refusal tells. */
export const toldNames = 16;

/** The one whose card fits. Throws HttpFault 409 `which-model` naming those that do, NotFoundError `unknown-model` where none does. */
export async function modelFor(
  context: ServerContext,
  bytes: Uint8Array,
  type: string,
  asker: InNamespace,
): Promise<ServedModel> {
  const format = sniffSignal(type, bytes);
  const seen = seenBy(context.catalogue.models, asker);
  const read = seen.filter(
    ({ card }) =>
      format.fits({ axes: card.spec.axes, outputs: card.outputs, along: card.axes }) && !isForSamples(card),
  );
  const fitting: ServedModel[] = [];
  for (const served of read) if (await fitsShape(served)) fitting.push(served);
  const [first, ...others] = fitting;
  if (first !== undefined && others.length === 0) return first;
  const names = (first === undefined ? seen : fitting).slice(0, toldNames).map(({ name }) => name);
  if (first === undefined)
    throw new NotFoundError(
      'unknown-model',
      `no model takes such a signal; there are: ${names.join(', ') || 'none'}`,
    );
  throw new HttpFault(
    409,
    'which-model',
    `${fitting.length} models take such a signal (${names.join(', ')}); say which, as /v1/models/NAME/encode`,
  );

  async function fitsShape({ card }: ServedModel): Promise<boolean> {
    if (card.anySize) return true;
    const shape = await readSignalShape(bytes, {
      axes: card.spec.axes,
      outputs: card.outputs,
      limits: context.limits,
      told: type,
    }).catch(() => undefined);
    return shape?.join() === card.shape.join();
  }
}
