import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DataKind } from '../../src/field/outputs.ts';
import { type Parts, signalFormats, titlesOf } from '../../src/formats/formats.ts';
import type { Dataset, DatasetCard, OpenDatasetOptions, Split } from '../dataset.ts';
import type { DatasetEntry } from '../entry.ts';
import { kindFile, openSignalFolder } from '../signal-folder.ts';

const card: DatasetCard = {
  name: 'signals',
  title: `a folder of signals of yours, of any kind that its ${kindFile} says: ${titlesOf(signalFormats)}`,
  source: 'signals:DIRECTORY',
  licence: 'yours to know',
  redistributable: false,
  sha256: {},
  split: 'folders called train, validation, test; without them by the hash of the path, 8 : 1 : 1',
  downloadBytes: 0,
};

const open = (split: Split | 'all', { path, parts, kind }: OpenDatasetOptions) =>
  openSignals(path!, split, { parts, kind: existsSync(join(path!, kindFile)) ? undefined : kind });

/** The signals of a directory, of a kind that is told, or that its file says. Throws as `openSignalFolder`. */
export function openSignals(
  directory: string,
  split: Split | 'all',
  { kind, parts }: { readonly kind?: DataKind | undefined; readonly parts?: Parts | undefined } = {},
): Promise<Dataset> {
  return openSignalFolder({ name: card.name, directory, split, card, kind, parts });
}

/** A directory given by the caller. */
export const signals: DatasetEntry = {
  name: card.name,
  card,
  needsPath: true,
  hasParts: true,
  open,
  openAll: (at) => open('all', at),
};
