import { signalFormats, titlesOf } from '../../src/formats/formats.ts';
import type { DatasetCard, OpenOptions, Split } from '../dataset.ts';
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

const open = (split: Split | 'all', { path }: OpenOptions) =>
  openSignalFolder({ name: card.name, directory: path!, split, card });

/** A directory given by the caller. */
export const signals: DatasetEntry = {
  name: card.name,
  card,
  needsPath: true,
  open,
  openAll: (at) => open('all', at),
};
