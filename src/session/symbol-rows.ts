/** The rows of a large signal from symbols that are not in one array: what is held is what a block of rows reads. */
import { dequantise } from '../../prior/quantiser.ts';
import type { Engine } from '../engine/engine.ts';
import { atQuality } from '../field/at-quality.ts';
import { modulationLayout } from '../field/layout.ts';
import type { Model } from '../field/model.ts';
import { pointCount } from '../field/spec.ts';
import { boxOfRows } from '../fit/windows.ts';
import type { Box } from '../signal/box.ts';
import type { RowStream, Rows } from '../signal/rows.ts';
import { toSignalValues } from '../signal/values.ts';
import { stepsOf } from './coding.ts';

/** Points of a block, about. */
const usualBlock = 2 ** 18;

/** Values as a decoder finds them, of a network that has windows (`fitWindows`); `symbolsIn` as in `Fitted`. */
export function symbolRows(
  { model, engine }: { readonly model: Model; readonly engine: Engine },
  { shape, quality }: { readonly shape: readonly number[]; readonly quality: number },
  symbolsIn: (box: Box) => Int32Array,
  {
    signal,
    blockPoints = usualBlock,
  }: { readonly signal?: AbortSignal | undefined; readonly blockPoints?: number },
): RowStream {
  const { card } = model;
  const { network } = atQuality(model, quality);
  const steps = stepsOf(model, quality);
  async function* rows(): AsyncIterable<Rows> {
    const height = shape[0]!;
    const most = Math.max(1, Math.floor((blockPoints * height) / pointCount(shape)));
    for (let start = 0; start < height; start += most) {
      const count = Math.min(most, height - start);
      const box = boxOfRows(card.spec, shape, start, start + count);
      const modulation = dequantise(modulationLayout(card.spec, box.count), symbolsIn(box), steps);
      const grid = {
        kind: 'grid' as const,
        start: shape.map((_, axis) => (axis === 0 ? start - box.start[0]! : 0) + 0.5),
        step: shape.map(() => 1),
        count: [count, ...shape.slice(1)],
      };
      const values = await engine.evaluate(network, box.count, modulation, grid, { signal });
      yield { start, rows: count, values: toSignalValues(card, values, false) };
    }
  }
  return { shape, channels: card.spec.outputs, rows: rows() };
}
