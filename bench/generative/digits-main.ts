/**
 * Spoken digits drawn by label, recognised by a classifier learnt on real ones.
 *
 *   npm run bench:digits -- --data digits:DIRECTORY [--model digits] [--samples 200] [--guidance 2,3] [--steps 8,18] [--quality 50] [--seed 1] [--threads 1]
 *
 * The classifier sees log energies of bands, and learns on the training speakers. Rows say how it does on clips of speakers that it never heard,
 * on those clips as functions of the model, and on draws, as many of each digit: a row for each guidance and number of steps; without them, what
 * the card says. Guidance and steps are chosen at one seed and measured at another.
 */
import { parseArgs } from 'node:util';
import type { Dataset, Split } from '../../datasets/dataset.ts';
import { openDataset } from '../../datasets/registry.ts';
import { openEngine } from '../../src/engine/index.ts';
import { loadModel } from '../../src/models/index.ts';
import { openSession } from '../../src/session/index.ts';
import type { Session } from '../../src/session/types.ts';
import { rate } from '../modalities/speech.ts';
import { readSetting } from '../rate/setting.ts';
import { numbersAsked } from './options.ts';
import { frechet, nearest } from './pixels/distance.ts';
import { bandsOf, defaultFloor } from './sounds/bands.ts';
import { type LabelledSounds, openSoundJudge } from './sounds/judge.ts';

const { values: asked } = parseArgs({
  options: {
    data: { type: 'string' },
    model: { type: 'string', default: 'digits' },
    samples: { type: 'string', default: '200' },
    guidance: { type: 'string' },
    steps: { type: 'string' },
    /** Whose steps draws are rounded to, and functions of clips. */
    quality: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    threads: { type: 'string', default: '1' },
    /** Clips of each speaker that are brought through the model. */
    functions: { type: 'string', default: '100' },
    /** Power below which bands say nothing to the classifier; chosen by what it says of the validation speaker. */
    floor: { type: 'string', default: String(defaultFloor) },
    /** The classifier alone. */
    'judge-only': { type: 'boolean', default: false },
  },
});
if (asked.data === undefined) throw new TypeError('--data digits:DIRECTORY says where the digits lie');
const threads = Number(asked.threads);

const real = async (split: Split) => {
  const data = await openDataset(asked.data!, split);
  try {
    return { digits: data.labels!, ...(await clipsOf(data)) };
  } finally {
    data.close();
  }
};
const [train, validation, tests] = [await real('train'), await real('validation'), await real('test')];
const judge = await openSoundJudge(train, train.digits.length, { threads });
const engine = await openEngine(undefined, { threads });
try {
  const { machine, load, commit } = readSetting('bench:digits', process.argv.slice(2));
  console.log(`${machine}, load ${load}, ${commit}; ${train.bands.length} clips learnt from\n`);
  console.log(
    '| sounds | n | recognised | Frechet distance to real | nearest training clip |\n| --- | --- | --- | --- | --- |',
  );
  const training = judge.features(train);
  const row = (name: string, sounds: LabelledSounds) => {
    const features = judge.features(sounds);
    const { accuracy, classes } = judge.judge(sounds);
    const near = [...nearest(features, training)].sort((a, b) => a - b)[sounds.labels.length >> 1]!;
    const cells = [
      name,
      sounds.labels.length,
      percent(accuracy),
      frechet(training, features).toFixed(2),
      near.toFixed(2),
    ];
    console.log(`| ${cells.join(' | ')} |`);
    return classes;
  };
  row('training speakers', train);
  row('validation speaker', validation);
  row('test speaker', tests);
  if (!asked['judge-only']) {
    const session = openSession({ model: await loadModel(asked.model), engine });
    for (const split of ['train', 'validation', 'test'] as const)
      row(`functions of clips, ${split}`, await functionsOf(session, split, Number(asked.functions)));
    const byDigit: string[] = [];
    for (const guidance of numbersAsked(asked.guidance))
      for (const steps of numbersAsked(asked.steps)) {
        const how = { guidance, steps };
        const told = Object.entries(how).flatMap(([what, value]) =>
          value === undefined ? [] : [`${what} ${value}`],
        );
        const name = ['draws', ...told].join(', ');
        const drawn = await drawsOf(session, train.digits, Number(asked.samples), how);
        const classes = row(name, drawn);
        const right = train.digits.map((digit, d) => {
          const own = drawn.labels.flatMap((label, i) => (label === d ? [classes[i]] : []));
          return `${digit}: ${percent(own.filter((c) => c === d).length / own.length)}`;
        });
        byDigit.push(`${name}: ${right.join(', ')}`);
      }
    console.log(`\n${byDigit.join('\n')}`);
  }
} finally {
  judge.close();
  await engine.close();
}

async function clipsOf(data: Dataset): Promise<LabelledSounds> {
  const [bands, labels]: [Float32Array[], number[]] = [[], []];
  for (let i = 0; i < data.length; i++) {
    const { values, label } = await data.get(i);
    bands.push(bandsOf(values, rate, Number(asked.floor)));
    labels.push(Number(label));
  }
  return { bands, labels };
}

/** Clips of a split as files of the model hold them, spread evenly over the split. */
async function functionsOf(session: Session, split: Split, count: number): Promise<LabelledSounds> {
  const data = await openDataset(asked.data!, split);
  const [bands, labels]: [Float32Array[], number[]] = [[], []];
  for (let i = 0; i < count; i++) {
    const clip = await data.get(Math.floor((i * data.length) / count));
    // With the steps that draws are rounded to.
    const { bytes } = await session.encode(clip, {
      quality: Number(asked.quality),
      effort: 1,
      prior: 'factorized',
      steps: 'asked',
    });
    bands.push(bandsOf((await session.decode(bytes)).values, rate, Number(asked.floor)));
    labels.push(Number(clip.label));
  }
  data.close();
  return { bands, labels };
}

interface How {
  readonly guidance: number | undefined;
  readonly steps: number | undefined;
}

async function drawsOf(
  session: Session,
  digits: readonly string[],
  samples: number,
  { guidance, steps }: How,
): Promise<LabelledSounds> {
  const [bands, labels]: [Float32Array[], number[]] = [[], []];
  for (const [label, digit] of digits.entries()) {
    const { signals } = await session.sample({
      ...{ count: Math.ceil(samples / digits.length), prior: 'diffusion', label },
      ...{ guidance, steps, quality: Number(asked.quality), seed: Number(asked.seed) + Number(digit) },
    });
    for (const { values } of signals) {
      bands.push(bandsOf(values, rate, Number(asked.floor)));
      labels.push(label);
    }
  }
  return { bands, labels };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
