/** A contact sheet: pictures side by side. */
import type { Signal } from '../../datasets/signal.ts';
import { BadInputError } from '../core/errors.ts';

const gap = 2;

/**
 * Pictures of one shape [height, width] and number of channels, row by row, with 2 samples of white around each.
 * `columns` defaults to about a square. Throws BadInputError `sheet-empty`, `sheet-shapes`.
 */
export function contactSheet(signals: readonly Signal[], columns?: number): Signal {
  const first = signals[0];
  if (first === undefined)
    throw new BadInputError('sheet-empty', 'a contact sheet needs at least one picture');
  const { shape, channels } = first;
  const same = signals.every((s) => s.channels === channels && s.shape.join() === shape.join());
  if (shape.length !== 2 || !same) {
    throw new BadInputError(
      'sheet-shapes',
      'a contact sheet takes pictures of one size; write them one by one',
    );
  }
  const [height, width] = shape as [number, number];
  const across = Math.min(columns ?? Math.ceil(Math.sqrt(signals.length)), signals.length);
  const down = Math.ceil(signals.length / across);
  const sheet = [down * (height + gap) + gap, across * (width + gap) + gap] as const;
  const values = new Float32Array(sheet[0] * sheet[1] * channels).fill(1);
  signals.forEach((signal, i) => {
    const top = gap + Math.floor(i / across) * (height + gap);
    const left = gap + (i % across) * (width + gap);
    for (let y = 0; y < height; y++) {
      const row = signal.values.subarray(y * width * channels, (y + 1) * width * channels);
      values.set(row, ((top + y) * sheet[1] + left) * channels);
    }
  });
  return { id: 'sheet', shape: sheet, channels, values };
}
