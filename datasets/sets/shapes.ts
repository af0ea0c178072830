import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AbortedError, FunctaError } from '../../src/core/errors.ts';
import { sha256Hex } from '../../src/core/hash.ts';
import { defaultLimits } from '../../src/core/limits.ts';
import type { DataKind } from '../../src/field/outputs.ts';
import { signedDistance } from '../../src/formats/signed-distance.ts';
import { readVrml } from '../../src/formats/vrml.ts';
import type { DatasetCard, Split } from '../dataset.ts';
import type { DatasetEntry } from '../entry.ts';
import type { FetchContext } from '../fetch/context.ts';
import { withPackages } from '../fetch/debian.ts';
import type { PackageSource } from '../fetch/package-file.ts';
import { isWritten, NumbersWriter, openNumbers } from '../numbers.ts';

const source: PackageSource = { kind: 'debian', name: 'kicad-packages3d', bytes: 379_092_288 };

const layout = 1;

/** Samples along each side of a shape. */
const grid = 32;
/** Distances end there, in sides of the cube: three samples. */
const reach = 3 / grid;
/** Parts of a folder that are taken, and how large their files may be: the same connector with 2 to 40 pins is learnt once. */
const [mostOfFolder, mostBytes] = [16, 400_000];
/** Samples inside of a part, at least: one that is thinner than samples has no shape on this grid. */
const leastInside = 256;

/** Families: folders of the package, without `.3dshapes`, by name. All others are learnt from. */
const families: Readonly<Record<Exclude<Split, 'train'>, readonly string[]>> = {
  validation: ['Buzzer_Beeper', 'Connector_Dsub', 'Diode_THT', 'Inductor_SMD', 'Package_SON', 'OptoDevice'],
  test: [
    ...['Battery', 'Connector_JST', 'Crystal', 'Display_7Segment', 'Heatsink', 'LED_THT', 'Mounting_Wuerth'],
    ...['Package_QFP', 'Package_SIP', 'Potentiometer_THT', 'Relay_THT', 'Transformer_THT'],
  ],
};

const kind: DataKind = {
  outputs: [{ name: 'distance', unit: 'sides', low: -reach, peak: 2 * reach, sample: 'float32' }],
  axes: ['z', 'y', 'x'].map((name) => ({ name })),
};

const card: DatasetCard = {
  name: 'shapes',
  title: 'Electronic parts as signed distances: closed ones of the KiCad library on a grid of 32, by family',
  source: 'Debian kicad-packages3d',
  licence: 'CC-BY-SA-4.0 with the exception of the KiCad libraries, (c) the KiCad contributors',
  redistributable: true,
  sha256: {},
  split: `by family; test ${families.test.join(', ')}; validation ${families.validation.join(', ')}; train all others; at most ${mostOfFolder} parts of a folder`,
  downloadBytes: source.bytes,
};

/** Labels are the names of folders. */
export const shapes: DatasetEntry = {
  name: card.name,
  directory: 'shapes',
  layout,
  card,
  fetch: fetchShapes,
  open: (split, { directory }) =>
    openNumbers({ name: card.name, split, card, kind, stored: 'float32', directory }),
};

function fetchShapes(context: FetchContext): Promise<void> {
  return withPackages([source], context, (unpacked) => convertFamilies(unpacked, context));
}

async function convertFamilies(unpacked: string, context: FetchContext): Promise<void> {
  const root = join(unpacked, 'usr/share/kicad/3dmodels');
  const folders = (await readdir(root)).filter((name) => name.endsWith(suffix)).sort();
  context.step('convert', `${folders.length} families: distances on a grid of ${grid}`);
  // Minutes of work: families that are done outlive an interruption.
  const kept = join(context.root, 'downloads', `shapes-${layout}`);
  await mkdir(kept, { recursive: true });
  const out = await NumbersWriter.open(context.directory, 'float32');
  try {
    for (const [i, folder] of folders.entries()) {
      const family = folder.slice(0, -suffix.length);
      const at = join(kept, family);
      if (!isWritten(at)) await convertFamily(join(root, folder), at, family, context);
      await copyFamily(at, family, out);
      context.progress('convert', i + 1, folders.length, 'items');
    }
  } finally {
    await out.close();
  }
  await rm(kept, { recursive: true });
}

const suffix = '.3dshapes';

/** The first closed parts of a family, in the order of the hashes of their names: no end of a series comes first. */
async function convertFamily(from: string, to: string, family: string, context: FetchContext): Promise<void> {
  await mkdir(to, { recursive: true });
  const out = await NumbersWriter.open(to, 'float32');
  const names = (await readdir(from)).filter((name) => name.endsWith('.wrl'));
  const order = new Map(names.map((name) => [name, sha256Hex(new TextEncoder().encode(name))]));
  names.sort((a, b) => (order.get(a)! < order.get(b)! ? -1 : 1));
  for (const name of names) {
    if (context.signal.aborted) throw new AbortedError();
    if (out.length === mostOfFolder) break;
    const values = distancesOf(await readFile(join(from, name)));
    if (values === undefined) continue;
    const id = `shapes/${family}/${name.slice(0, -'.wrl'.length)}`;
    await out.add({ id, shape: [grid, grid, grid], split: splitOf(family), label: family }, values);
  }
  await out.close();
}

async function copyFamily(directory: string, family: string, out: NumbersWriter): Promise<void> {
  const split = splitOf(family);
  const parts = openNumbers({ name: card.name, split, card, kind, stored: 'float32', directory });
  for (let i = 0; i < parts.length; i++) {
    const { id, shape, values } = await parts.get(i);
    await out.add({ id, shape, split, label: family }, values);
  }
  parts.close();
}

/** Undefined for what is too large, cannot be read, is too thin, or is not closed: its inside would be a guess. */
function distancesOf(bytes: Uint8Array): Float32Array | undefined {
  if (bytes.length > mostBytes) return undefined;
  try {
    const { values, notes } = signedDistance(readVrml(bytes), grid, { most: reach, limits: defaultLimits });
    const inside = values.reduce((count, value) => count + Number(value < 0), 0);
    return notes.length === 0 && inside >= leastInside ? values : undefined;
  } catch (error) {
    if (error instanceof FunctaError) return undefined;
    throw error;
  }
}

function splitOf(family: string): Split {
  for (const split of ['validation', 'test'] as const) if (families[split].includes(family)) return split;
  return 'train';
}
