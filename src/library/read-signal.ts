/** Files of signals to signals as a model takes them. */
import type { Limits } from '../core/limits.ts';
import type { Model } from '../field/model.ts';
import { readSignalAs } from '../formats/read.ts';
import type { Signal } from '../signal/signal.ts';

/**
 * A signal from the bytes of a file in any of the formats, with the values and axes of a model. Throws what `readSignalAs` throws.
 *
 * @example
 * const picture = await readSignal(await readFile(png), { for: model });
 */
export function readSignal(
  bytes: Uint8Array,
  options: {
    readonly for: Pick<Model, 'card'>;
    /** Default: `signal`. */
    readonly id?: string | undefined;
    readonly limits?: Limits | undefined;
  },
): Promise<Signal> {
  const { id = 'signal', limits } = options;
  const { outputs, spec } = options.for.card;
  return readSignalAs(bytes, { id, outputs, axes: spec.axes, ...(limits && { limits }) });
}
