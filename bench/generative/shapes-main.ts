/**
 * Shapes drawn by family, beside draws of the Gaussian.
 *
 *   npm run bench:shapes -- [--data shapes] [--model shapes-samples] [--families A,B] [--each 4] [--guidance 2,3] [--steps 8,18] [--seed 1] [--threads 1]
 *
 * A shape is what is inside of it on its grid; two are as alike as their intersection over union (IoU). The classifier is the family of the nearest
 * real part: how often it is right is said of real parts, each without itself, and of draws. `nearest test` is to families that nothing was learnt
 * from: a draw that is only memory is nearer to what was learnt than real parts are to each other.
 */
import { parseArgs } from 'node:util';
import type { Split } from '../../datasets/dataset.ts';
import { openDataset } from '../../datasets/registry.ts';
import { openEngine } from '../../src/engine/index.ts';
import { loadModel } from '../../src/models/index.ts';
import { openSession } from '../../src/session/index.ts';
import { readSetting } from '../rate/setting.ts';
import { numbersAsked } from './options.ts';
import { insideOf, nearestShape, type Solid } from './solids.ts';

const { values: asked } = parseArgs({
  options: {
    data: { type: 'string', default: 'shapes' },
    model: { type: 'string', default: 'shapes-samples' },
    /** Those that are drawn, between commas; default: all that were learnt from. */
    families: { type: 'string' },
    /** Draws of each family. */
    each: { type: 'string', default: '4' },
    guidance: { type: 'string' },
    steps: { type: 'string' },
    seed: { type: 'string', default: '1' },
    threads: { type: 'string', default: '1' },
  },
});

interface Labelled {
  readonly solids: readonly Solid[];
  readonly labels: readonly string[];
}

const [train, tests] = [await real('train'), await real('test')];
const families = asked.families?.split(',') ?? [...new Set(train.labels)].sort();
const engine = await openEngine(undefined, { threads: Number(asked.threads) });
const session = openSession({ model: await loadModel(asked.model), engine });
try {
  const { machine, load, commit } = readSetting('bench:shapes', process.argv.slice(2));
  const sizes = `${train.solids.length} parts of ${families.length} families, ${tests.solids.length} of others`;
  console.log(`${machine}, load ${load}, ${commit}; ${sizes}\n`);
  console.log('| shapes | n | family as asked | IoU to nearest train | IoU to nearest test | empty |');
  console.log('| --- | --- | --- | --- | --- | --- |');
  row('training parts, each without itself', train, true);
  row('test parts', tests);
  row('functions of training parts', await functions());
  const each = Number(asked.each);
  for (const guidance of numbersAsked(asked.guidance))
    for (const steps of numbersAsked(asked.steps)) {
      const [solids, labels]: [Solid[], string[]] = [[], []];
      for (const [f, label] of families.entries()) {
        const how = { guidance, steps, label, prior: 'diffusion', seed: Number(asked.seed) + f } as const;
        const { signals } = await session.sample({ count: each, ...how });
        for (const { values } of signals) {
          solids.push(insideOf(values));
          labels.push(label);
        }
      }
      row(`diffusion, guidance ${guidance ?? 'of the card'}, steps ${steps ?? 'of the card'}`, {
        solids,
        labels,
      });
    }
  const { signals } = await session.sample({
    ...{ count: each * families.length, prior: 'gaussian', seed: Number(asked.seed) },
  });
  row('Gaussian', { solids: signals.map(({ values }) => insideOf(values)), labels: [] });
} finally {
  await engine.close();
}

function row(name: string, { solids, labels }: Labelled, isTrain = false): void {
  const found = solids.map((solid, i) => nearestShape(solid, train.solids, isTrain ? i : undefined));
  const right = found.filter(({ index }, i) => train.labels[index] === labels[i]).length;
  const cells = [
    name,
    solids.length,
    labels.length === 0 ? '-' : `${((100 * right) / solids.length).toFixed(1)} %`,
    median(found.map(({ iou }) => iou)).toFixed(3),
    median(solids.map((solid) => nearestShape(solid, tests.solids).iou)).toFixed(3),
    solids.filter(({ count }) => count === 0).length,
  ];
  console.log(`| ${cells.join(' | ')} |`);
}

async function real(split: Split): Promise<Labelled> {
  const data = await openDataset(asked.data, split);
  const [solids, labels]: [Solid[], string[]] = [[], []];
  for (let i = 0; i < data.length; i++) {
    const { values, label } = await data.get(i);
    solids.push(insideOf(values));
    labels.push(String(label));
  }
  data.close();
  return { solids, labels };
}

/** Every eighth part, as a file with the steps that draws are rounded to. */
async function functions(): Promise<Labelled> {
  const data = await openDataset(asked.data, 'train');
  const [solids, labels]: [Solid[], string[]] = [[], []];
  for (let i = 0; i < data.length; i += 8) {
    const part = await data.get(i);
    const { bytes } = await session.encode(part, { effort: 1, prior: 'factorized', steps: 'asked' });
    solids.push(insideOf((await session.decode(bytes)).values));
    labels.push(String(part.label));
  }
  data.close();
  return { solids, labels };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
