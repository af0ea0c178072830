import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AbortedError, BadStreamError } from '../../src/core/errors.ts';
import { defaultLimits } from '../../src/core/limits.ts';
import type { DataKind } from '../../src/field/outputs.ts';
import { pointCount } from '../../src/field/spec.ts';
import { volumes } from '../../src/formats/nifti-format.ts';
import { copyBox } from '../../src/signal/box.ts';
import type { Signal } from '../../src/signal/signal.ts';
import type { DatasetCard, Split } from '../dataset.ts';
import type { DatasetEntry } from '../entry.ts';
import type { FetchContext } from '../fetch/context.ts';
import { withPackages } from '../fetch/debian.ts';
import type { PackageSource } from '../fetch/package-file.ts';
import { NumbersWriter, openNumbers } from '../numbers.ts';

const sources: readonly PackageSource[] = [
  { kind: 'debian', name: 'mricron-data', bytes: 16_122_652 },
  { kind: 'debian', name: 'python3-nibabel', bytes: 2_668_564 },
];

interface VolumeFile {
  readonly path: string;
  readonly split: Split;
  /** Axes that are longer than 1; of four the first is walked. */
  readonly axes: 3 | 4;
  /** Cut into blocks; else whole. */
  readonly blocks: boolean;
}

const mricron = (name: string) => `share/mricron/templates/${name}`;
const nibabel = (name: string) => `lib/python3/dist-packages/nibabel/tests/data/${name}`;

const files: readonly VolumeFile[] = [
  { path: mricron('ch2.nii.gz'), split: 'train', axes: 3, blocks: true },
  { path: mricron('ch2better.nii.gz'), split: 'train', axes: 3, blocks: true },
  { path: mricron('inia19-t1-brain.nii.gz'), split: 'validation', axes: 3, blocks: true },
  { path: nibabel('example4d.nii.gz'), split: 'test', axes: 4, blocks: false },
  { path: nibabel('anatomical.nii'), split: 'test', axes: 3, blocks: false },
];

/** Samples along each side of a block, and the part of them that has to be other than 0: air teaches nothing. */
const [side, leastFilled] = [32, 0.25];

/** Every volume from 0 to 1 over its own range, as scanners give no unit. */
const kind: DataKind = {
  outputs: [{ name: 'value', low: 0, peak: 1, sample: 'float32' }],
  axes: ['z', 'y', 'x'].map((name) => ({ name })),
};

const card: DatasetCard = {
  name: 'volume',
  title:
    'Magnetic resonance volumes of heads: blocks of 32 x 32 x 32 to learn from, whole volumes of other subjects to test on',
  source: 'Debian mricron-data and python3-nibabel',
  licence:
    'BSD-3-Clause (mricron-data, (c) Chris Rorden and the authors of the atlases), MIT and PDDL (nibabel)',
  redistributable: true,
  sha256: {},
  split: `train ch2.nii.gz and ch2better.nii.gz (one subject), validation inia19-t1-brain.nii.gz (macaques), test example4d.nii.gz and anatomical.nii`,
  downloadBytes: sources.reduce((sum, { bytes }) => sum + bytes, 0),
};

export const volume: DatasetEntry = {
  name: card.name,
  directory: 'volume',
  layout: 1,
  card,
  fetch: fetchVolumes,
  open: (split, { directory }) =>
    openNumbers({ name: card.name, split, card, kind, stored: 'float32', directory }),
};

function fetchVolumes(context: FetchContext): Promise<void> {
  return withPackages(sources, context, (unpacked) => convertVolumes(unpacked, context));
}

async function convertVolumes(unpacked: string, context: FetchContext): Promise<void> {
  context.step('convert', `${files.length} volumes: blocks`);
  const out = await NumbersWriter.open(context.directory, 'float32');
  try {
    for (const [i, file] of files.entries()) {
      if (context.signal.aborted) throw new AbortedError();
      await addVolumes(out, file, await readFile(join(unpacked, 'usr', file.path)));
      context.progress('convert', i + 1, files.length, 'items');
    }
  } finally {
    await out.close();
  }
}

async function addVolumes(out: NumbersWriter, file: VolumeFile, bytes: Uint8Array): Promise<void> {
  const { path, split, axes, blocks } = file;
  const format = volumes.find(({ sniff }) => sniff(bytes));
  if (format === undefined) throw new BadStreamError('bad-sheet', 0, `${path} is no volume`);
  const signal = await format.read(bytes, { id: path, axes, outputs: 'any', limits: defaultLimits });
  const shape = signal.shape.slice(-3);
  const values = overTheirRange(signal.values);
  const points = pointCount(shape);
  const name = path.split('/').at(-1)!.split('.')[0];
  for (let v = 0; v * points < values.length; v++) {
    const id = axes === 4 ? `volume/${name}/${v}` : `volume/${name}`;
    const whole = { id, shape, channels: 1, values: values.subarray(v * points, (v + 1) * points) };
    for (const part of blocks ? blocksOf(whole) : [whole])
      await out.add({ id: part.id, shape: part.shape, split }, part.values);
  }
}

/** Whole blocks that are filled enough. */
function blocksOf({ id, shape, values }: Signal): Signal[] {
  const found: Signal[] = [];
  const [depth, height, width] = shape as [number, number, number];
  for (let z = 0; z + side <= depth; z += side)
    for (let y = 0; y + side <= height; y += side)
      for (let x = 0; x + side <= width; x += side) {
        const block = new Float32Array(side ** 3);
        copyBox(values, shape, 1, { start: [z, y, x], count: [side, side, side] }, block);
        const filled = block.reduce((count, v) => count + Number(v > 0), 0);
        if (filled < leastFilled * block.length) continue;
        found.push({ id: `${id}/${z}-${y}-${x}`, shape: [side, side, side], channels: 1, values: block });
      }
  return found;
}

/** Fresh, from 0 to 1. */
function overTheirRange(values: Float32Array): Float32Array {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const v of values) {
    if (v < low) low = v;
    if (v > high) high = v;
  }
  return values.map((v) => (v - low) / (high - low));
}
