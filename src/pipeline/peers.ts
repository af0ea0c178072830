/**
 * Image formats beside ours, at equal PSNR. A format is run at its own integer settings; between the two settings
 * whose mean PSNR (of items) encloses the PSNR asked for, the logarithm of the mean bytes is interpolated. Of a
 * format's variants (chroma subsampled or not) the one with fewer bytes at that PSNR counts.
 */
import sharp, { type Sharp } from 'sharp';
import { type Signal, signalToBytes } from '../../datasets/signal.ts';
import { AbortedError, BadInputError } from '../core/errors.ts';
import { meanPsnrOfItems } from '../core/units.ts';
import type { PeerPoint } from './types.ts';

export const peerNames = ['jpeg', 'webp', 'avif'] as const;

export type PeerName = (typeof peerNames)[number];

interface Variant {
  /** Channels a picture may have. */
  readonly channels: readonly number[];
  encode(image: Sharp, setting: number): Sharp;
}

const variants: Readonly<Record<PeerName, readonly Variant[]>> = {
  jpeg: (['4:2:0', '4:4:4'] as const).map((chromaSubsampling) => ({
    channels: [1, 3],
    encode: (image, quality) => image.jpeg({ quality, mozjpeg: true, chromaSubsampling }),
  })),
  webp: [
    {
      channels: [1, 3, 4],
      encode: (image, quality) => image.webp({ quality, effort: 6, smartSubsample: true }),
    },
  ],
  avif: (['4:2:0', '4:4:4'] as const).map((chromaSubsampling) => ({
    channels: [1, 3, 4],
    encode: (image, quality) => image.avif({ quality, effort: 4, chromaSubsampling }),
  })),
};

/** Settings of every peer. */
const lowest = 1;
const highest = 100;

/** What one setting of one variant gives on all pictures. */
interface Measured {
  readonly bytes: number;
  readonly fixedBytes: number;
  readonly psnrDb: number;
}

/** Names of peers from what a caller gives. Throws BadInputError `unknown-peer`. */
export function checkPeers(names: readonly string[]): PeerName[] {
  return names.map((name) => {
    const known = peerNames.find((peer) => peer === name);
    if (known !== undefined) return known;
    throw new BadInputError('unknown-peer', `no peer is called ${name}; choose of ${peerNames.join(', ')}`);
  });
}

/** Pictures that the setting is looked for on, before it is measured on all. */
const probed = 64;
/** Pictures in the encoder at once. */
const together = 8;

/** One format over a fixed set of pictures; settings are measured once, when first needed. */
export class Peer {
  readonly name: PeerName;
  readonly #items: readonly Item[];
  readonly #variants: readonly Ladder[];

  /** `pictures`: 8-bit pictures [height, width] of one number of channels. */
  constructor(name: PeerName, pictures: readonly Signal[], signal?: AbortSignal) {
    this.name = name;
    this.#items = pictures.map(toItem);
    const channels = pictures[0]?.channels ?? 0;
    this.#variants = variants[name]
      .filter((variant) => variant.channels.includes(channels))
      // a grey picture has no chroma to subsample
      .slice(0, channels === 1 ? 1 : undefined)
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
  readonly #variant: Variant;
  readonly #items: readonly Item[];
  readonly #signal: AbortSignal | undefined;
  readonly #some = new Map<number, Promise<Measured>>();
  readonly #all = new Map<number, Promise<Measured>>();

  constructor(variant: Variant, items: readonly Item[], signal: AbortSignal | undefined) {
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

  async #measure(setting: number, items: readonly Item[]): Promise<Measured> {
    const variant = this.#variant;
    const fixed = new Map<string, Promise<number>>();
    const mses: number[] = [];
    let bytes = 0;
    let fixedBytes = 0;
    for (let i = 0; i < items.length; i += together) {
      if (this.#signal?.aborted) throw new AbortedError();
      const measured = items.slice(i, i + together).map(async (item) => {
        const file = await variant.encode(image(item, item.bytes), setting).toBuffer();
        const size = `${item.width}x${item.height}`;
        const flat = await remembered(fixed, size, () => flatBytes(item, variant, setting));
        return { mse: errorOf(item, await decode(file, item.channels)), bytes: file.length, flat };
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

interface Item {
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

function toItem(signal: Signal): Item {
  const [height = 0, width = 0] = signal.shape;
  return { bytes: signalToBytes(signal), width, height, channels: signal.channels };
}

function image(item: Item, bytes: Uint8Array): Sharp {
  const { width, height, channels } = item;
  const raw = { width, height, channels: channels as 1 | 3 | 4 };
  const opened = sharp(bytes, { raw });
  return channels === 1 ? opened.toColourspace('b-w') : opened;
}

async function decode(file: Uint8Array, channels: number): Promise<Uint8Array> {
  const opened = sharp(file);
  if (channels === 1) return opened.toColourspace('b-w').raw().toBuffer();
  return (channels === 4 ? opened.ensureAlpha() : opened.removeAlpha())
    .toColourspace('srgb')
    .raw()
    .toBuffer();
}

/** Mean squared error, peak 1. */
function errorOf(item: Item, decoded: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < item.bytes.length; i++) {
    const d = item.bytes[i]! - decoded[i]!;
    sum += d * d;
  }
  return sum / item.bytes.length / 255 ** 2;
}

/**
 * What the container costs whatever is in the picture: the file of a uniformly grey one of the same size and setting.
 * That counts the few bytes that grey itself takes as container, in the peer's favour.
 */
async function flatBytes(item: Item, variant: Variant, setting: number): Promise<number> {
  const grey = new Uint8Array(item.bytes.length).fill(128);
  return (await variant.encode(image(item, grey), setting).toBuffer()).length;
}
