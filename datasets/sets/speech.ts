import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { AbortedError, BadStreamError } from '../../src/core/errors.ts';
import { readWavHeader, readWavSamples } from '../../src/formats/wav.ts';
import type { Dataset, DatasetCard, OpenDatasetOptions, Split } from '../dataset.ts';
import type { DatasetEntry } from '../entry.ts';
import type { FetchContext } from '../fetch/context.ts';
import { withPackages } from '../fetch/debian.ts';
import type { PackageSource } from '../fetch/package-file.ts';
import { splitByHash } from '../folder-files.ts';
import { joinParts } from '../join.ts';
import { type NumbersItem, NumbersWriter, openNumbers } from '../numbers.ts';
import { digits } from './digits.ts';
import { fsdd, soundKind as kind, openFsdd, soundRate as rate } from './fsdd.ts';

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

export const speechSets: readonly DatasetEntry[] = [speech, short, fsdd, digits];

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
  return path === undefined ? prompts : joinParts([prompts, openFsdd(split, at)], split);
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
