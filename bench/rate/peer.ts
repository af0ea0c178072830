/**
 * Image formats beside ours: each is run over its settings on the same pictures, in this process or by its own tools.
 *
 * "Without the container's fixed part" (the payload) is the file less the file of a uniformly grey picture of the same size at
 * the same setting. That takes the few bytes that coding grey needs for container too, in the format's favour.
 *
 * Bytes and errors do not change from run to run and are kept; times are taken anew in every run, on the first pictures.
 */
import { meanPsnrOfItems, psnrDb, psnrOfMeanMse } from '../../src/core/units.ts';
import { errorOf, greyLike, type Picture } from '../../src/jobs/peer-codecs.ts';
import { rateAt } from './bd.ts';
import { type Curve, front, type Point, pointOf } from './curve.ts';
import type { Pictures } from './pictures.ts';
import type { ResultStore } from './result-store.ts';

export interface Variant {
  /** Part of the setting's name: chroma subsampling, table. */
  readonly label: string;
  /** Channels that a picture may have. */
  readonly channels: readonly number[];
  /** From the lowest PSNR to the highest. */
  readonly settings: readonly number[];
  encode(picture: Picture, setting: number): Promise<Timed>;
  /** Samples [height, width, channels]. */
  decode(file: Uint8Array, picture: Picture): Promise<Timed>;
}

export interface Timed {
  readonly bytes: Uint8Array;
  readonly ms: number;
}

export interface PeerCodec {
  /** For the command line. */
  readonly key: string;
  readonly name: string;
  /** Program, version and what is the same at all settings. */
  readonly version: string;
  readonly variants: readonly Variant[];
}

/** What is kept of one setting of one variant: figures of every picture. */
export interface Measured {
  readonly fileBytes: readonly number[];
  readonly fixedBytes: readonly number[];
  readonly mse: readonly number[];
}

export interface SweepOptions {
  /** PSNR that the curves have to cover, dB. */
  readonly fromDb: number;
  readonly toDb: number;
  readonly store: ResultStore;
  readonly onSetting?: ((setting: string) => void) | undefined;
}

/** So many pictures are timed, and tried first to find the settings that reach the range. */
const few = (pictures: number) => Math.min(12, Math.max(2, Math.ceil(pictures / 50)));
/** Points that a curve has within the range, about: ln(rate) is nearly straight in PSNR. */
const points = 10;

/** The curves of whole files and of payloads; none when the format cannot hold such pictures. */
export async function peerCurves(
  peer: PeerCodec,
  pictures: Pictures,
  options: SweepOptions,
): Promise<Curve[]> {
  const measured: Swept[][] = [];
  const { channels } = pictures.pictures[0]!;
  for (const variant of peer.variants) {
    if (!variant.channels.includes(channels)) continue;
    measured.push(await sweep(peer, variant, pictures, options));
  }
  if (measured.length === 0) return [];
  const payloadOf = (point: Swept): Swept => ({
    ...point,
    bitsPerPixel: point.payloadBitsPerPixel!,
    items: {
      psnrDb: point.items!.psnrDb,
      bitsPerPixel: Array.from(
        point.items!.bitsPerPixel as number[],
        (bits) => bits - (point.bitsPerPixel - point.payloadBitsPerPixel!),
      ),
    },
  });
  const common = { kind: 'peer', source: peer.version } as const;
  const times = new Map<string, Promise<Times>>();
  const timed = async (points: readonly Swept[]): Promise<Point[]> => {
    const all: Point[] = [];
    for (const { variant, at, ...point } of points) {
      const known = times.get(point.setting) ?? timesOf(variant, at, pictures.pictures);
      times.set(point.setting, known);
      all.push({ ...point, ...(await known) });
    }
    return all;
  };
  const payloads = measured.map((points) => points.map(payloadOf));
  return [
    { ...common, name: peer.name, form: 'file', points: await timed(bestOf(measured)) },
    { ...common, name: `${peer.name}, payload`, form: 'payload', points: await timed(bestOf(payloads)) },
  ];
}

/** A point, and what it is of. */
interface Swept extends Point {
  readonly variant: Variant;
  readonly at: number;
}

interface Times {
  readonly encodeMs: number;
  readonly decodeMs: number;
}

async function timesOf(variant: Variant, setting: number, pictures: readonly Picture[]): Promise<Times> {
  const first = pictures.slice(0, few(pictures.length));
  let [encodeMs, decodeMs] = [0, 0];
  for (const picture of first) {
    const file = await variant.encode(picture, setting);
    encodeMs += file.ms / first.length;
    decodeMs += (await variant.decode(file.bytes, picture)).ms / first.length;
  }
  return { encodeMs, decodeMs };
}

/** Of several variants the best one at every PSNR: points that another variant undercuts are left out. */
export function bestOf<P extends Point>(variants: readonly (readonly P[])[]): P[] {
  const kept = variants.flatMap((own) =>
    own.filter(({ bitsPerPixel, psnrDb }) =>
      variants.every(
        (other) => other === own || !((rateAt(other, psnrDb) ?? Number.POSITIVE_INFINITY) < bitsPerPixel),
      ),
    ),
  );
  return front(kept);
}

async function sweep(
  peer: PeerCodec,
  variant: Variant,
  pictures: Pictures,
  { fromDb, toDb, store, onSetting }: SweepOptions,
): Promise<Swept[]> {
  const common = [pictures.digest, peer.key, peer.version, variant.label];
  const at = async (setting: number): Promise<Swept> => {
    const measured = await store.get([...common, String(setting)], async () => {
      onSetting?.(`${variant.label} ${setting}`.trim());
      return measure(variant, setting, pictures.pictures);
    });
    const point = toPoint(`${variant.label} ${setting}`.trim(), measured, pictures.pictures);
    return { ...point, variant, at: setting };
  };
  const { settings } = variant;
  const chosen = await store.get([...common, 'settings', `${fromDb}..${toDb}`, settings.join()], () => {
    onSetting?.(`${variant.label} finds its settings`.trim());
    return settingsWithin(variant, pictures.pictures, fromDb, toDb);
  });
  const found: Swept[] = [];
  for (const setting of chosen) found.push(await at(setting));
  // The first pictures are not all pictures.
  for (let i = settings.indexOf(chosen[0]!) - 1; i >= 0 && found[0]!.psnrDb > fromDb; i--) {
    found.unshift(await at(settings[i]!));
  }
  for (
    let i = settings.indexOf(chosen.at(-1)!) + 1;
    i < settings.length && found.at(-1)!.psnrDb < toDb;
    i++
  ) {
    found.push(await at(settings[i]!));
  }
  return found;
}

/**
 * Settings that on the first pictures cover the range, its ends included, evenly over the list of settings. Both ends are
 * found by bisection: PSNR rises with the setting but for small dips.
 */
async function settingsWithin(
  { settings, ...variant }: Variant,
  pictures: readonly Picture[],
  fromDb: number,
  toDb: number,
): Promise<number[]> {
  const first = pictures.slice(0, few(pictures.length));
  const known = new Map<number, number>();
  const psnrOf = async (i: number) => {
    const psnr = known.get(i) ?? (await probe(variant, settings[i]!, first));
    known.set(i, psnr);
    return psnr;
  };
  // The last setting below, or the first above, which the other end is.
  const bisect = async (level: number) => {
    let [low, high] = [0, settings.length - 1];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((await psnrOf(middle)) < level) low = middle;
      else high = middle;
    }
    return [low, high] as const;
  };
  const [low] = await bisect(fromDb);
  const [, high] = await bisect(toDb);
  const count = Math.min(points + 1, high - low + 1);
  const chosen = Array.from(
    { length: count },
    (_, i) => low + Math.round((i * (high - low)) / Math.max(1, count - 1)),
  );
  return [...new Set(chosen)].map((i) => settings[i]!);
}

async function probe(
  variant: Omit<Variant, 'settings'>,
  setting: number,
  pictures: readonly Picture[],
): Promise<number> {
  const mses: number[] = [];
  for (const picture of pictures) {
    const file = await variant.encode(picture, setting);
    mses.push(errorOf(picture, (await variant.decode(file.bytes, picture)).bytes));
  }
  return meanPsnrOfItems(mses);
}

async function measure(variant: Variant, setting: number, pictures: readonly Picture[]): Promise<Measured> {
  const fixed = new Map<string, number>();
  const result = { fileBytes: [] as number[], fixedBytes: [] as number[], mse: [] as number[] };
  for (const picture of pictures) {
    const file = await variant.encode(picture, setting);
    const decoded = await variant.decode(file.bytes, picture);
    result.fileBytes.push(file.bytes.length);
    result.mse.push(errorOf(picture, decoded.bytes));
    const size = `${picture.width}x${picture.height}`;
    const flat = fixed.get(size) ?? (await flatBytes(variant, setting, picture));
    fixed.set(size, flat);
    result.fixedBytes.push(flat);
  }
  return result;
}

async function flatBytes(variant: Variant, setting: number, picture: Picture): Promise<number> {
  return (await variant.encode(greyLike(picture), setting)).bytes.length;
}

function toPoint(setting: string, measured: Measured, pictures: readonly Picture[]): Point {
  const { fileBytes, fixedBytes, mse } = measured;
  const perPixel = (bytes: readonly number[]) =>
    bytes.map((n, i) => (8 * n) / (pictures[i]!.width * pictures[i]!.height));
  const items = { bitsPerPixel: perPixel(fileBytes), psnrDb: mse.map((error) => psnrDb(error)) };
  const payload = perPixel(fileBytes.map((n, i) => Math.max(0, n - fixedBytes[i]!)));
  const point = pointOf(setting, items, { psnrDbOfMeanMse: psnrOfMeanMse(mse) });
  return {
    ...point,
    fileBitsPerPixel: point.bitsPerPixel,
    payloadBitsPerPixel: payload.reduce((sum, bits) => sum + bits, 0) / payload.length,
  };
}
