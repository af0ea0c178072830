/** Spoken digits of one length and one loudness: what new ones are learnt from. */
import { sha256Hex } from '../../src/core/hash.ts';
import type { Signal } from '../../src/signal/signal.ts';
import type { Dataset, DatasetCard, OpenDatasetOptions, Split } from '../dataset.ts';
import type { DatasetEntry } from '../entry.ts';
import { fsdd, openFsdd } from './fsdd.ts';

/** Samples of every digit, 0.64 s: 93 % of the clips end before. */
const length = 5120;
/** Samples over which a clip that is longer is faded out. */
const fade = 320;
/** Root mean square of the samples of a clip, less where its peak would reach 1. */
const loudness = 0.08;
const highest = 0.99;

const card: DatasetCard = {
  ...fsdd.card,
  name: 'digits',
  title: 'The clips of fsdd, each of 5,120 samples at one loudness: cut with a fade, or followed by silence',
};

export const digits: DatasetEntry = {
  name: card.name,
  card,
  needsPath: true,
  open: openDigits,
};

/** Speakers and digits are mixed: what stands last is no class of its own. Throws NotFoundError `no-directory`. */
function openDigits(split: Split, at: OpenDatasetOptions): Dataset {
  const { kind, labels, ...clips } = openFsdd(split, at);
  const order = Array.from({ length: clips.length }, (_, i) => i);
  const hashes = order.map((i) => sha256Hex(new TextEncoder().encode(clips.idAt!(i))));
  order.sort((a, b) => (hashes[a]! < hashes[b]! ? -1 : 1));
  // What is no item of the split is told by the clips.
  const own = (i: number) => order[i] ?? i;
  return {
    ...{ name: card.name, split, card, channels: 1, length: clips.length, shape: [length] },
    ...(kind === undefined ? {} : { kind }),
    ...(labels === undefined ? {} : { labels }),
    idAt: (i) => renamed(clips.idAt!(own(i))),
    get: async (i) => levelled(await clips.get(own(i))),
    close: clips.close,
  };
}

function levelled({ id, values, ...rest }: Signal): Signal {
  const cut = values.length > length;
  const kept = values.subarray(0, length);
  const energy = kept.reduce((sum, v) => sum + v * v, 0) / kept.length;
  const peak = kept.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  const gain = peak === 0 ? 1 : Math.min(loudness / Math.sqrt(energy), highest / peak);
  const own = new Float32Array(length);
  for (const [i, v] of kept.entries()) own[i] = v * gain * (cut ? Math.min(1, (length - i) / fade) : 1);
  return {
    ...rest,
    ...{ id: renamed(id), shape: [length], values: own },
  };
}

function renamed(id: string): string {
  return id.replace(/^[^/]*/, card.name);
}
