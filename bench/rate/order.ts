/** Whether more is never worse: files of neighbouring qualities and of rising efforts, compared. */

import { pointCount } from '../../src/field/spec.ts';
import type { Encoded } from '../../src/session/types.ts';
import type { Signal } from '../../src/signal/signal.ts';

export interface OrderOptions {
  /** Rising. */
  readonly efforts: readonly number[];
  /** Of every so many qualities, one is compared with the next, for signals of so many points. */
  readonly strideOf: (points: number) => number;
  /** Asked before each signal: whether to leave out what is left. */
  readonly isOver?: (() => boolean) | undefined;
  readonly onDisorder?: ((disorder: Disorder) => void) | undefined;
}

export interface Disorder {
  readonly kind: 'quality' | 'effort' | 'raw';
  readonly signal: string;
  readonly effort: number;
  readonly quality: number;
  readonly text: string;
}

export interface Order {
  readonly signals: number;
  readonly encoded: number;
  readonly compared: number;
  readonly disorders: readonly Disorder[];
}

/** Codes one signal, at any quality and effort. */
export interface Coder {
  encode(quality: number, effort: number): Promise<Encoded>;
}

type Found = Pick<Encoded, 'bytes' | 'mse' | 'psnrDb'>;

/** A file that is larger, of more error, than another that should be no better. */
function isWorse(a: Found, than: Found): boolean {
  return a.bytes.length > than.bytes.length && a.mse > than.mse;
}

const say = ({ bytes, psnrDb }: Found) => `${bytes.length} bytes at ${psnrDb.toFixed(2)} dB`;

/** Each quality against the next that is coded; each effort against all below; each file against the samples and 16 bytes. */
export async function measureOrder(
  coderOf: (signal: Signal) => Coder,
  signals: readonly Signal[],
  { efforts, strideOf, isOver, onDisorder }: OrderOptions,
): Promise<Order> {
  const disorders: Disorder[] = [];
  const found = (disorder: Disorder) => {
    disorders.push(disorder);
    onDisorder?.(disorder);
  };
  let done = 0;
  let encoded = 0;
  let compared = 0;
  for (const signal of signals) {
    if (isOver?.()) break;
    done++;
    const points = pointCount(signal.shape);
    const stride = strideOf(points);
    const most = points * signal.channels + 16;
    const below = new Map<number, Found>();
    const coder = coderOf(signal);
    for (const quality of qualitiesOf(stride, points)) {
      const lower: Found[] = [];
      for (const effort of efforts) {
        const at = { signal: signal.id, effort, quality };
        const { bytes, mse, psnrDb } = await coder.encode(quality, effort);
        const file = { bytes, mse, psnrDb };
        encoded++;
        if (bytes.length > most) found({ ...at, kind: 'raw', text: `${say(file)}, raw ${most - 16}` });
        for (const other of lower) {
          compared++;
          if (isWorse(file, other))
            found({ ...at, kind: 'effort', text: `${say(file)}, less effort ${say(other)}` });
        }
        lower.push(file);
        const before = below.get(effort);
        if (before !== undefined) {
          compared++;
          if (isWorse(before, file))
            found({ ...at, kind: 'quality', text: `${say(before)}, then ${say(file)}` });
        }
        below.set(effort, file);
      }
    }
  }
  return { signals: done, encoded, compared, disorders };
}

/** Pairs of neighbours `stride` apart, rising; all qualities at stride 1. Where they begin is not the same for all signals. */
function qualitiesOf(stride: number, points: number): number[] {
  const found = new Set<number>();
  for (let quality = 1 + ((points * 7) % stride); quality <= 100; quality += stride)
    for (const each of [quality, Math.min(100, quality + 1)]) found.add(each);
  return [...found];
}
