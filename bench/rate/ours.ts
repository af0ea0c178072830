/**
 * Our curves, from the bytes of real archives and files through a session: what a user of the library gets. Beside them the same
 * symbols through the weaker priors of the model: `histogram` is COIN++'s entropy model on our quantised modulations.
 */
import {
  type ArchiveItem,
  encodeArchive,
  openArchive,
  readArchiveIndex,
  readHeader,
} from '../../codec/index.ts';
import type { PriorKind } from '../../prior/kinds.ts';
import { defaultLimits } from '../../src/core/limits.ts';
import { psnrOfMeanMse } from '../../src/core/units.ts';
import { bestPrior, priorsOf } from '../../src/models/index.ts';
import { priorKind } from '../../src/models/priors.ts';
import type { Encoded, Session } from '../../src/session/types.ts';
import { archiveBits } from './archive.ts';
import { decodeAll, encodeAll, perPixel } from './coded.ts';
import { type Curve, type Form, mean, type Point, pointOf } from './curve.ts';
import { equalBytesCurve, type FilesAt } from './equal-bytes.ts';
import type { Pictures } from './pictures.ts';

export interface OurOptions {
  readonly qualities: readonly number[];
  readonly effort: number;
  readonly prior?: string | undefined;
  readonly batch?: number | undefined;
  readonly together: number;
  /** Priors of the model that code the same symbols. */
  readonly baselines: readonly PriorKind[];
  /** What the main curve counts. */
  readonly form: Form & ('archive' | 'file');
  /** One more curve, of files of about the same bytes for every picture. */
  readonly equalBytes: boolean;
  readonly onSetting?: ((setting: string) => void) | undefined;
}

/** Small pictures are stored together, as a header would be most of a file. */
export function formFor(points: number): 'archive' | 'file' {
  return points <= 1024 ? 'archive' : 'file';
}

/** What an archive takes of an encoded signal. */
function itemOf({ shape, fileQuality: quality, prior, symbols, samples }: Encoded): ArchiveItem {
  if (samples !== undefined) return { shape, quality, samples };
  if (prior === 'samples' || symbols === undefined) throw new TypeError('neither symbols nor samples');
  return { shape, quality, prior, symbols };
}

/** The main curve first, then the other form, then those of the baselines, and that of equal bytes. */
export async function ourCurves(session: Session, pictures: Pictures, options: OurOptions): Promise<Curve[]> {
  const { model } = session;
  const forms: Record<'archive' | 'file', Point[]> = { archive: [], file: [] };
  const own = priorKind(options.prior ?? bestPrior(model));
  const kinds = priorsOf(model).filter((kind) => kind !== own && options.baselines.includes(kind));
  const others = new Map<PriorKind, Point[]>(kinds.map((kind) => [kind, []]));
  const files: FilesAt[] = [];
  for (const quality of options.qualities) {
    options.onSetting?.(`quality ${quality}`);
    const { effort, batch, together } = options;
    const how = { quality, effort, prior: own };
    const { items, archive } =
      together === 1
        ? await session.encodeMany(pictures.signals, { ...how, batch })
        : await encodeAll(session, pictures, together, () => how).then((items) => ({
            items,
            archive: encodeArchive(model, items.map(itemOf), { quality, prior: priorKind(own) }),
          }));
    const decodeMs = await decodeAll(session, items, pictures);
    const common = {
      encodeMs: mean(items.map(({ seconds }) => 1000 * seconds)),
      decodeMs,
      psnrDbOfMeanMse: psnrOfMeanMse(items.map((item) => item.mse)),
    };
    const bits = {
      archive: archivedBits(session, archive, pictures, items),
      file: perPixel(items, pictures, ({ bytes }) => bytes.length),
    };
    files.push({ quality, bytes: items.map(({ bytes }) => bytes.length) });
    const payload = perPixel(items, pictures, ({ bytes }) => bytes.length - readHeader(bytes).headerBytes);
    const more = {
      ...common,
      archiveBitsPerPixel: mean(bits.archive),
      fileBitsPerPixel: mean(bits.file),
      payloadBitsPerPixel: mean(payload),
    };
    const psnrDb = items.map((item) => item.psnrDb);
    const setting = `quality ${quality}`;
    for (const form of ['archive', 'file'] as const) {
      forms[form].push(pointOf(setting, { bitsPerPixel: bits[form], psnrDb }, more));
    }
    for (const [kind, points] of others) {
      const { perStream } = readArchiveIndex(archive);
      const ofKind = items.map((item) => ({ ...itemOf(item), ...(item.samples ? {} : { prior: kind }) }));
      const bytes = encodeArchive(model, ofKind, { quality, prior: kind, perStream });
      points.push(pointOf(setting, { bitsPerPixel: archivedBits(session, bytes, pictures), psnrDb }, common));
    }
  }
  const { form } = options;
  const other = form === 'archive' ? 'file' : 'archive';
  const source = `model ${model.card.name} ${model.id.slice(0, 12)}, prior ${own}, effort ${options.effort}`;
  const ours = { kind: 'ours', source } as const;
  const { effort, together, onSetting } = options;
  const equal = options.equalBytes
    ? [
        await equalBytesCurve(session, pictures, files, {
          ...{ effort, together, prior: own, source, onPoint: onSetting },
        }),
      ]
    : [];
  return [
    { ...ours, name: 'functa', form, points: forms[form] },
    { ...ours, name: `functa, ${other}s`, form: other, points: forms[other] },
    ...[...others].map(
      ([kind, points]): Curve => ({
        name: `functa, ${kind}`,
        kind: 'same program',
        form: 'archive',
        source: `the same symbols through the ${kind} prior; archive`,
        points,
      }),
    ),
    ...equal,
  ];
}

/**
 * Bits per pixel of every picture. Where pictures share a stream each has the part of it that its own file's stream, if given, is of
 * those files; else an equal one, and what is said of the spread over pictures is too little.
 */
function archivedBits(
  session: Session,
  archive: Uint8Array,
  { pictures }: Pictures,
  files?: readonly Encoded[],
): number[] {
  const opened = openArchive(session.model, archive, defaultLimits);
  const shared = pictures.reduce((sum, _, i) => sum + opened.byteLength(i), 0);
  const own = files?.map(({ bytes }) => bytes.length - readHeader(bytes).headerBytes);
  const all = own?.reduce((sum, n) => sum + n, 0) ?? 0;
  return archiveBits(archive.length, pictures, (i) =>
    own === undefined ? opened.byteLength(i) : (own[i]! * shared) / all,
  );
}
