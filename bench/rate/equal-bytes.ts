/**
 * Our curve with about the same bytes for every picture. Where the size of a field is chosen for all pictures, as in COIN, COIN++ and
 * MSCN, this is how curves come about: easy pictures have a high PSNR and hard ones a low one. One quality for all pictures, as
 * image formats are compared, gives hard pictures several times the bytes of easy ones.
 */
import type { PriorKind } from '../../prior/kinds.ts';
import { maxQuality, minQuality } from '../../prior/quantiser.ts';
import type { Session } from '../../src/session/types.ts';
import { decodeAll, encodeAll, perPixel } from './coded.ts';
import { type Curve, mean, pointOf } from './curve.ts';
import type { Pictures } from './pictures.ts';

export const equalBytesName = 'functa, equal bytes';

/** Bytes of every picture's file at one quality. */
export interface FilesAt {
  readonly quality: number;
  readonly bytes: readonly number[];
}

/**
 * A point for each of `files`, of at least two: every picture is coded at the quality at which its file should have their mean bytes.
 */
export async function equalBytesCurve(
  session: Session,
  pictures: Pictures,
  files: readonly FilesAt[],
  {
    effort,
    together,
    prior,
    source,
    onPoint,
  }: {
    effort: number;
    together: number;
    prior: PriorKind;
    source: string;
    onPoint?: ((what: string) => void) | undefined;
  },
): Promise<Curve> {
  const points = [];
  for (const { bytes } of files) {
    const wanted = mean(bytes);
    const setting = `about ${Math.round(wanted)} bytes each`;
    onPoint?.(setting);
    const items = await encodeAll(session, pictures, together, (i) => ({
      quality: qualityFor(files, i, wanted),
      effort,
      prior,
    }));
    const measured = {
      bitsPerPixel: perPixel(items, pictures, (item) => item.bytes.length),
      psnrDb: items.map(({ psnrDb }) => psnrDb),
    };
    const decodeMs = await decodeAll(session, items, pictures);
    const encodeMs = mean(items.map(({ seconds }) => 1000 * seconds));
    points.push(pointOf(setting, measured, { encodeMs, decodeMs }));
  }
  return { name: equalBytesName, kind: 'ours', form: 'file', source, points };
}

/** The whole quality at which picture `i` should take `wanted` bytes: ln(bytes) straight between and beyond known qualities. */
export function qualityFor(files: readonly FilesAt[], i: number, wanted: number): number {
  const above = files.findIndex(({ bytes }) => bytes[i]! >= wanted);
  const right = above === -1 ? files.length - 1 : Math.max(1, above);
  const [a, b] = [files[right - 1]!, files[right]!];
  const [from, to] = [Math.log(a.bytes[i]!), Math.log(b.bytes[i]!)];
  const quality = a.quality + ((Math.log(wanted) - from) / (to - from)) * (b.quality - a.quality);
  return Math.min(maxQuality, Math.max(minQuality, Math.round(quality)));
}
