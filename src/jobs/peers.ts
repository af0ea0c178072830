/**
 * Image formats beside ours, at equal PSNR. A format is run at its own integer settings; between the two settings
 * whose mean PSNR (of items) encloses the PSNR asked for, the logarithm of the mean bytes is interpolated. Of a
 * format's variants (formats.ts) the one with fewer bytes at that PSNR counts.
 */

import { AbortedError } from '../core/errors.ts';
import { meanPsnrOfItems } from '../core/units.ts';
import type { Signal } from '../signal/signal.ts';
import {
  decodeFormat,
  errorOf,
  type FormatVariant,
  formats,
  greyLike,
  type Picture,
  pictureOf,
} from './peer-codecs.ts';
import type { PeerName } from './peer-names.ts';
import type { PeerPoint } from './types.ts';

/** Settings of every peer. */
const lowest = 1;
const highest = 100;

/** What one setting of one variant gives on all pictures. */
interface Measured {
  readonly bytes: number;
  readonly fixedBytes: number;
  readonly psnrDb: number;
}

/** Pictures that the setting is looked for on, before it is measured on all. */
const probed = 64;
/** Pictures in the encoder at once. */
const together = 8;

/** One format over a fixed set of pictures; settings are measured once, when first needed. */
export class Peer {
  readonly name: PeerName;
  readonly #items: readonly Picture[];
  readonly #variants: readonly Ladder[];

  /** `pictures`: 8-bit pictures [height, width] of one number of channels. */
  constructor(name: PeerName, pictures: readonly Signal[], signal?: AbortSignal) {
    this.name = name;
    this.#items = pictures.map(pictureOf);
    const channels = pictures[0]?.channels ?? 0;
    this.#variants = formats[name].variants
      .filter((variant) => variant.channels.includes(channels))
      .map((variant) => new Ladder(variant, this.#items, signal));
  }

  /** Whether the format holds pictures of this kind. */
  get applies(): boolean {
    return this.#variants.length > 0 && this.#items.length > 0;
  }

  /** The format at this mean PSNR, or at the end of its range nearest to it. */
  async at(psnrDb: number): Promise<PeerPoint> {
    const points: PeerPoint[] = [];
    for (const variant of this.#variants) points.push(await variant.at(psnrDb));
    points.sort(
      (a, b) => Number(a.at !== 'interpolated') - Number(b.at !== 'interpolated') || a.bytes - b.bytes,
    );
    return points[0]!;
  }
}

/** The settings of one variant. */
class Ladder {
  readonly #variant: FormatVariant;
  readonly #items: readonly Picture[];
  readonly #signal: AbortSignal | undefined;
  readonly #some = new Map<number, Promise<Measured>>();
  readonly #all = new Map<number, Promise<Measured>>();

  constructor(variant: FormatVariant, items: readonly Picture[], signal: AbortSignal | undefined) {
    this.#variant = variant;
    this.#items = items;
    this.#signal = signal;
  }

  /** Bisects the settings on some pictures (PSNR rises with the setting but for small dips), then measures on all. */
  async at(psnrDb: number): Promise<PeerPoint> {
    let low = lowest;
    let high = highest;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((await this.#onSome(middle)).psnrDb <= psnrDb) low = middle;
      else high = middle;
    }
    while (low > lowest && (await this.#onAll(low)).psnrDb > psnrDb) low--;
    while (high < highest && (await this.#onAll(high)).psnrDb < psnrDb) high++;
    const below = await this.#onAll(low);
    const above = await this.#onAll(high);
    if (psnrDb <= below.psnrDb) return point(below, 'lowest');
    if (psnrDb >= above.psnrDb) return point(above, 'highest');
    return interpolate(below, above, psnrDb);
  }

  #onAll(setting: number): Promise<Measured> {
    return remembered(this.#all, setting, () => this.#measure(setting, this.#items));
  }

  #onSome(setting: number): Promise<Measured> {
    if (this.#items.length <= probed) return this.#onAll(setting);
    return remembered(this.#some, setting, () => this.#measure(setting, this.#items.slice(0, probed)));
  }

  async #measure(setting: number, items: readonly Picture[]): Promise<Measured> {
    const variant = this.#variant;
    const fixed = new Map<string, Promise<number>>();
    const mses: number[] = [];
    let bytes = 0;
    let fixedBytes = 0;
    for (let i = 0; i < items.length; i += together) {
      if (this.#signal?.aborted) throw new AbortedError();
      const measured = items.slice(i, i + together).map(async (item) => {
        const file = await variant.encode(item, setting);
        const size = `${item.width}x${item.height}`;
        const flat = await remembered(
          fixed,
          size,
          async () => (await variant.encode(greyLike(item), setting)).length,
        );
        return { mse: errorOf(item, await decodeFormat(file, item)), bytes: file.length, flat };
      });
      for (const found of await Promise.all(measured)) {
        mses.push(found.mse);
        bytes += found.bytes;
        fixedBytes += found.flat;
      }
    }
    const n = items.length;
    return { bytes: bytes / n, fixedBytes: fixedBytes / n, psnrDb: meanPsnrOfItems(mses) };
  }
}

function remembered<K, V>(known: Map<K, Promise<V>>, key: K, make: () => Promise<V>): Promise<V> {
  const found = known.get(key) ?? make();
  known.set(key, found);
  return found;
}

function interpolate(low: Measured, high: Measured, psnrDb: number): PeerPoint {
  const t = (psnrDb - low.psnrDb) / (high.psnrDb - low.psnrDb);
  const between = (a: number, b: number) => Math.exp((1 - t) * Math.log(a) + t * Math.log(b));
  const bytes = between(low.bytes, high.bytes);
  const fixedBytes = between(low.fixedBytes, high.fixedBytes);
  return point({ bytes, fixedBytes, psnrDb }, 'interpolated');
}

function point({ bytes, fixedBytes, psnrDb }: Measured, at: PeerPoint['at']): PeerPoint {
  return { bytes, bytesWithoutFixedPart: Math.max(0, bytes - fixedBytes), fixedBytes, psnrDb, at };
}
