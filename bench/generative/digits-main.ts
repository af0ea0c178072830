/**
 * Spoken digits drawn by label, recognised by a classifier learnt on real ones.
 *
 *   npm run bench:digits -- --data digits:DIRECTORY [--model digits] [--samples 200] [--guidance 2] [--steps 18] [--seed 1] [--threads 1]
 *
 * The classifier sees log energies of bands, and learns on the training speakers. Rows say how it does on clips of speakers that it never heard,
 * on those clips as functions of the model, and on draws: as many of each digit.
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
import { frechet, nearest } from './pixels/distance.ts';
import { bandsOf } from './sounds/bands.ts';
import { type LabelledSounds, openSoundJudge } from './sounds/judge.ts';

const { values: asked } = parseArgs({
  options: {
    data: { type: 'string' },
    model: { type: 'string', default: 'digits' },
    samples: { type: 'string', default: '200' },
    guidance: { type: 'string', default: '2' },
    steps: { type: 'string', default: '18' },
    seed: { type: 'string', default: '1' },
    threads: { type: 'string', default: '1' },
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
    const drawn = await drawsOf(session, train.digits, Number(asked.samples));
    const classes = row(`draws, guidance ${asked.guidance}, ${asked.steps} steps`, drawn);
    const right = train.digits.map((digit, d) => {
      const own = drawn.labels.flatMap((label, i) => (label === d ? [classes[i]] : []));
      return `${digit}: ${percent(own.filter((c) => c === d).length / own.length)}`;
    });
    console.log(`\nby digit: ${right.join(', ')}`);
  }
} finally {
  judge.close();
  await engine.close();
}

async function clipsOf(data: Dataset): Promise<LabelledSounds> {
  const [bands, labels]: [Float32Array[], number[]] = [[], []];
  for (let i = 0; i < data.length; i++) {
    const { values, label } = await data.get(i);
    bands.push(bandsOf(values, rate));
    labels.push(Number(label));
  }
  return { bands, labels };
}

async function drawsOf(
  session: Session,
  digits: readonly string[],
  samples: number,
): Promise<LabelledSounds> {
  const [bands, labels]: [Float32Array[], number[]] = [[], []];
  for (const [label, digit] of digits.entries()) {
    const { signals } = await session.sample({
      ...{ count: Math.ceil(samples / digits.length), prior: 'diffusion', label },
      ...{
        guidance: Number(asked.guidance),
        steps: Number(asked.steps),
        seed: Number(asked.seed) + Number(digit),
      },
    });
    for (const { values } of signals) {
      bands.push(bandsOf(values, rate));
      labels.push(label);
    }
  }
  return { bands, labels };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
