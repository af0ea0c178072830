import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { AbortedError, BadStreamError, NotFoundError } from '../../src/core/errors.ts';
import type { DataKind } from '../../src/field/outputs.ts';
import { readWavHeader, readWavSamples } from '../../src/formats/wav.ts';
import type { Dataset, DatasetCard, OpenDatasetOptions, Split } from '../dataset.ts';
import type { DatasetEntry } from '../entry.ts';
import type { FetchContext } from '../fetch/context.ts';
import { withPackages } from '../fetch/debian.ts';
import type { PackageSource } from '../fetch/package-file.ts';
import { noItem } from '../flat.ts';
import { splitByHash } from '../folder-files.ts';
import { joinParts } from '../join.ts';
import { type NumbersItem, NumbersWriter, openNumbers } from '../numbers.ts';

/** Samples a second of all of them. */
const rate = 8000;
/** Prompts of these languages are learnt from, those of the last are for tests: its speaker is heard nowhere else. */
const languages = [
  { name: 'en', bytes: 18_272_864 },
  { name: 'es', bytes: 23_767_256 },
  { name: 'fr', bytes: 18_516_060 },
  { name: 'ru', bytes: 18_788_860 },
  { name: 'it', bytes: 18_262_124 },
] as const;
const testLanguage = 'it';
const sources: readonly PackageSource[] = languages.map(({ name, bytes }) => ({
  ...{ kind: 'debian', name: `asterisk-core-sounds-${name}-wav`, bytes },
}));

/** Sound of one channel, whole samples of 16 bits at 8 kHz. */
const kind: DataKind = {
  outputs: [{ name: 'sound', low: -1, peak: 2, sample: 'int16' }],
  axes: [{ name: 't', unit: 's', start: 0, step: 1 / rate }],
};

const promptsCard: DatasetCard = {
  name: 'speech',
  title:
    'Prompts of a telephone exchange: 2,831 of 131 minutes at 8 kHz in five languages; speech:DIRECTORY joins the digits of fsdd to them',
  source: 'Debian asterisk-core-sounds-en-wav, -es-wav, -fr-wav, -it-wav and -ru-wav',
  licence: 'CC-BY-SA-3.0, (c) Digium and Sangoma',
  redistributable: true,
  sha256: {},
  split:
    'test the Italian speaker; of the others (English, Spanish, French, Russian) a tenth by the hash of the name of the prompt is validation, the rest train',
  downloadBytes: sources.reduce((sum, { bytes }) => sum + bytes, 0),
};

const digitsCard: DatasetCard = {
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

const speech: DatasetEntry = {
  name: promptsCard.name,
  directory: 'speech',
  layout: 1,
  card: promptsCard,
  fetch: fetchPrompts,
  open: (split, at) => openSpeech(promptsCard, split, at, Number.POSITIVE_INFINITY),
};

const shortCard: DatasetCard = {
  ...promptsCard,
  name: 'speech-short',
  title: 'The clips of speech of at most 4 seconds: items of about one size for priors and figures',
};

const short: DatasetEntry = {
  ...speech,
  name: shortCard.name,
  card: shortCard,
  open: (split, at) => openSpeech(shortCard, split, at, 4 * rate),
};

const digits: DatasetEntry = {
  name: digitsCard.name,
  card: digitsCard,
  needsPath: true,
  open: openDigits,
};

export const speechSets: readonly DatasetEntry[] = [speech, short, digits];

/** Prompts of at most so many samples, and the digits where somebody says where they lie. */
function openSpeech(
  card: DatasetCard,
  split: Split,
  at: OpenDatasetOptions & { directory: string },
  most: number,
): Dataset {
  const { directory, path } = at;
  const takes = (item: NumbersItem) => item.split === split && item.shape[0]! <= most;
  const prompts = openNumbers({ name: card.name, split, card, kind, stored: 'int16', directory, takes });
  return path === undefined ? prompts : joinParts([prompts, openDigits(split, at)], split);
}

function fetchPrompts(context: FetchContext): Promise<void> {
  return withPackages(sources, context, (unpacked) => convertPrompts(unpacked, context));
}

async function convertPrompts(unpacked: string, context: FetchContext): Promise<void> {
  const paths = (await readdir(unpacked, { recursive: true })).filter((path) => path.endsWith('.wav')).sort();
  context.step('convert', `${paths.length} prompts: decode`);
  const out = await NumbersWriter.open(context.directory, 'int16');
  try {
    for (const path of paths) {
      if (context.signal.aborted) throw new AbortedError();
      await addPrompt(out, join(unpacked, path), unpacked);
      context.progress('convert', out.length, paths.length, 'items');
    }
  } finally {
    await out.close();
  }
}

/** A prompt lies in usr/share/asterisk/sounds/LANGUAGE_REGION_VOICE/; an empty one is left out. */
async function addPrompt(out: NumbersWriter, path: string, root: string): Promise<void> {
  const bytes = await readFile(path);
  const header = readWavHeader(bytes);
  if (header.rate !== rate || header.channels !== 1)
    throw new BadStreamError('bad-sheet', 0, `${path} is not of one channel at ${rate} samples a second`);
  if (header.frames === 0) return;
  const [voice = '', ...rest] = relative(join(root, 'usr/share/asterisk/sounds'), path).split('/');
  const language = voice.slice(0, 2);
  const prompt = rest.join('/').slice(0, -'.wav'.length);
  // The same prompt of all languages falls into one split.
  const isHeld = splitByHash(`speech/${prompt}`) === 'validation';
  const split = language === testLanguage ? 'test' : isHeld ? 'validation' : 'train';
  const id = `speech/${language}/${prompt}`;
  await out.add({ id, shape: [header.frames], split }, readWavSamples(bytes, header));
}

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
function openDigits(split: Split, { path = '' }: OpenDatasetOptions): Dataset {
  const of = (speaker: string): Split =>
    speaker === testSpeaker ? 'test' : speaker === validationSpeaker ? 'validation' : 'train';
  const clips = readIndex(path).filter(({ speaker }) => of(speaker) === split);
  const samples = readSamples(path);
  const { name } = digitsCard;
  const at = (i: number): Clip => {
    const clip = clips[i];
    if (clip === undefined) throw noItem({ name, split, length: clips.length }, i);
    return clip;
  };
  return {
    ...{ name, split, card: digitsCard, kind, channels: 1, length: clips.length, labels: digitNames },
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
  return `${digitsCard.name}/${name.slice(0, -'.wav'.length)}`;
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
