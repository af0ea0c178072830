/** Files of signals to signals as a model takes them. */
import { aNumber, anObject, aText, byteArray, check, having, maybe } from '../core/check.ts';
import type { Limits } from '../core/limits.ts';
import type { Model } from '../field/model.ts';
import { type Parts, wantedBy } from '../formats/formats.ts';
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
  options: Parts & {
    readonly for: Pick<Model, 'card'>;
    /** Default: `signal`. */
    readonly id?: string | undefined;
    /** Name or media type of the file, for formats that begin in any way. */
    readonly told?: string | undefined;
    readonly limits?: Limits | undefined;
  },
): Promise<Signal> {
  check(
    'readSignal',
    byteArray(bytes, 'bytes'),
    having({
      for: having({ card: anObject }),
      id: maybe(aText),
      told: maybe(aText),
      variable: maybe(aText),
      grid: maybe(aNumber),
      limits: maybe(anObject),
    })(options, 'options'),
  );
  const { for: model, id = 'signal', ...rest } = options;
  return readSignalAs(bytes, { ...wantedBy(model.card), ...rest, id });
}
