/** The model for a signal that comes without the name of one. */
import { NotFoundError } from '../../src/core/errors.ts';
import { type Parts, type Wanted, wantedBy } from '../../src/formats/formats.ts';
import { cardsOfValues, readSignalAs, readSignalShape } from '../../src/formats/read.ts';
import { isForSamples, likeliestModel } from '../../src/models/index.ts';
import type { Signal } from '../../src/signal/signal.ts';
import type { ServedModel } from '../catalogue.ts';
import { type InNamespace, type ServerContext, seenBy } from '../context.ts';
import { HttpFault } from '../http-fault.ts';
import { sniffSignal } from '../media.ts';

/** Names of models that a refusal tells. */
export const toldNames = 16;

/**
 * The one whose card fits, and whose values a file of numbers has, or of several the likeliest. Throws HttpFault 409 `which-model` naming those that fit where the signal does not say
 * which is meant, NotFoundError `unknown-model` where none does, and what reading the signal throws.
 */
export async function modelFor(
  context: ServerContext,
  bytes: Uint8Array,
  type: string,
  asker: InNamespace,
  parts: Parts,
): Promise<ServedModel> {
  const format = sniffSignal(type, bytes);
  const seen = seenBy(context.catalogue.models, asker);
  const read = seen.filter(
    ({ card }) =>
      format.fits({ axes: card.spec.axes, outputs: card.outputs, along: card.axes }) && !isForSamples(card),
  );
  const ofShape: ServedModel[] = [];
  for (const served of read) if (await fitsShape(served)) ofShape.push(served);
  const known = ofShape.length > 1 && format.channelKinds === undefined ? await asNumbers() : undefined;
  const ofKind = ofShape.filter(
    ({ card: { spec } }) =>
      known === undefined || (spec.axes === known.axes && format.takes(spec.outputs, known.channels)),
  );
  const fitting = await cardsOfValues(ofKind, format, ({ card }) => readAs(wantedBy(card)));
  const [first, ...others] = fitting;
  if (first !== undefined && others.length === 0) return first;
  const likeliest = first && likeliestModel(fitting, await described(first));
  if (likeliest !== undefined) return likeliest;
  const names = (first === undefined ? seen : fitting).slice(0, toldNames).map(({ name }) => name);
  if (first === undefined)
    throw new NotFoundError(
      'unknown-model',
      `no model takes such a signal${known === undefined ? '' : `, of ${known.axes} axes and ${known.channels} channels`}; there are: ${names.join(', ') || 'none'}`,
    );
  throw new HttpFault(
    409,
    'which-model',
    `${fitting.length} models take such a signal (${names.join(', ')}); say which, as /v1/models/NAME/encode`,
  );

  async function fitsShape({ card }: ServedModel): Promise<boolean> {
    return card.anySize || (await shapeFor(card))?.join() === card.shape.join();
  }

  function shapeFor({
    spec: { axes },
    outputs,
  }: ServedModel['card']): Promise<readonly number[] | undefined> {
    const { limits } = context;
    return readSignalShape(bytes, { ...parts, axes, outputs, limits, told: type }).catch(() => undefined);
  }

  function readAs(wanted: Wanted): Promise<Signal> {
    return readSignalAs(bytes, { ...parts, ...wanted, limits: context.limits, id: 'the signal', told: type });
  }

  /** Axes and channels of what holds numbers of any kind. Throws what reading them throws: no model would take them. */
  async function asNumbers(): Promise<{ readonly axes: number; readonly channels: number }> {
    const axes = await format.likelyAxes(bytes, parts);
    return { axes, channels: format.channelsNeeded(await readAs({ axes, outputs: 'any' })) };
  }

  /** What tells models apart that all fit; how many channels a signal needs is known when it was read, and read where some model is of its shape. */
  async function described({ card }: ServedModel) {
    const shape = (await shapeFor(card)) ?? [];
    const isOfOne = fitting.some((served) => served.card.shape.join() === shape.join());
    if (!isOfOne) return { shape, channels: 0 };
    return {
      shape,
      channels: format.channelsNeeded(await readAs({ axes: card.spec.axes, outputs: 'any' })),
    };
  }
}
