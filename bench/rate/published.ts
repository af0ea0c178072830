/** Curves that others published, kept as data with their sources in bench/baselines. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Curve } from './curve.ts';

/** One file of bench/baselines: what was published for one data set. */
export interface Baselines {
  readonly dataset: string;
  readonly rateUnit: 'bitsPerPixel' | 'kilobitsPerSecond';
  /** Convention of the PSNR. */
  readonly psnr: string;
  readonly curves: readonly {
    readonly name: string;
    readonly source: string;
    /** Date the figures were read. */
    readonly read: string;
    readonly points: readonly { readonly rate: number; readonly psnrDb: number }[];
  }[];
}

export const baselineSets = ['cifar10', 'kodak', 'era5-46x90', 'librispeech'] as const;

export function readBaselines(set: (typeof baselineSets)[number]): Baselines {
  const path = fileURLToPath(new URL(`../baselines/${set}.json`, import.meta.url));
  return JSON.parse(readFileSync(path, 'utf8')) as Baselines;
}

/** The published curves of a data set, named `NAME, published`; none where nothing is kept. */
export function publishedCurves(dataset: string): Curve[] {
  const set = baselineSets.find((name) => name === dataset);
  if (set === undefined) return [];
  return readBaselines(set).curves.map(({ name, source, read, points }) => ({
    name: `${name}, published`,
    kind: 'published',
    form: 'published',
    source: `${source}, read ${read}`,
    points: points.map(({ rate, psnrDb }) => ({ setting: '', bitsPerPixel: rate, psnrDb })),
  }));
}
