/** The Free Spoken Digit Dataset, from a directory of the caller. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { NotFoundError } from '../../src/core/errors.ts';
import type { DataKind } from '../../src/field/outputs.ts';
import type { Dataset, DatasetCard, OpenDatasetOptions, Split } from '../dataset.ts';
import type { DatasetEntry } from '../entry.ts';
import { noItem } from '../flat.ts';

/** Samples a second of all speech here. */
export const soundRate = 8000;

/** Sound of one channel, whole samples of 16 bits at 8 kHz. */
export const soundKind: DataKind = {
  outputs: [{ name: 'sound', low: -1, peak: 2, sample: 'int16' }],
  axes: [{ name: 't', unit: 's', start: 0, step: 1 / soundRate }],
};

const fsddCard: DatasetCard = {
  name: 'fsdd',
  title: 'Free Spoken Digit Dataset: 3,000 clips of ten digits by six speakers, 22 minutes at 8 kHz',
  source:
    'fsdd:DIRECTORY, which holds index.json and fsdd_i16le_8k.bin.gz (github.com/Jakobovski/free-spoken-digit-dataset)',
  licence: 'CC-BY-SA-4.0',
  redistributable: true,
  sha256: {},
  split: 'test the speaker yweweler, validation theo, train george, jackson, lucas and nicolas',
  downloadBytes: 0,
};

export const fsdd: DatasetEntry = {
  name: fsddCard.name,
  card: fsddCard,
  needsPath: true,
  open: openFsdd,
};

const testSpeaker = 'yweweler';
const validationSpeaker = 'theo';
const digitNames = Array.from({ length: 10 }, (_, digit) => String(digit));

interface Clip {
  readonly name: string;
  readonly digit: number;
  readonly speaker: string;
  /** In samples. */
  readonly offset: number;
  readonly length: number;
}

/** The clips in memory: 21 MB. Throws NotFoundError `no-directory`. */
export function openFsdd(split: Split, { path = '' }: OpenDatasetOptions): Dataset {
  const of = (speaker: string): Split =>
    speaker === testSpeaker ? 'test' : speaker === validationSpeaker ? 'validation' : 'train';
  const clips = readIndex(path).filter(({ speaker }) => of(speaker) === split);
  const samples = readSamples(path);
  const { name } = fsddCard;
  const at = (i: number): Clip => {
    const clip = clips[i];
    if (clip === undefined) throw noItem({ name, split, length: clips.length }, i);
    return clip;
  };
  return {
    ...{
      name,
      split,
      card: fsddCard,
      kind: soundKind,
      channels: 1,
      length: clips.length,
      labels: digitNames,
    },
    idAt: (i) => idOf(at(i)),
    shapeAt: (i) => [at(i).length],
    get(i) {
      const clip = at(i);
      const { offset, length, digit } = clip;
      const values = Float32Array.from(
        { length },
        (_, k) => samples.getInt16(2 * (offset + k), true) / 32768,
      );
      return { id: idOf(clip), shape: [length], channels: 1, values, label: digit };
    },
    close: () => undefined,
  };
}

function idOf({ name }: Clip): string {
  return `${fsddCard.name}/${name.slice(0, -'.wav'.length)}`;
}

function readIndex(directory: string): Clip[] {
  return JSON.parse(new TextDecoder().decode(readHere(directory, 'index.json'))) as Clip[];
}

function readSamples(directory: string): DataView {
  const bytes = gunzipSync(readHere(directory, 'fsdd_i16le_8k.bin.gz'));
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function readHere(directory: string, file: string): Uint8Array {
  try {
    return readFileSync(join(directory, file));
  } catch {
    throw new NotFoundError(
      'no-directory',
      `${directory} holds no ${file} of spoken digits; say where it lies`,
    );
  }
}
