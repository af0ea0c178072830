/**
 * Pictures as the eye has them: what artefacts there are, in numbers, and perceptual measures beside PSNR, for ours and for formats
 * run here on the same pictures.
 *
 *   npm run bench:perceptual -- --data kodak:DIRECTORY --crop 192 --qualities 40,50,60,70
 *
 * With --json the figures are kept, and --against compares a run with them: rates at equal PSNR and at equal scores.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { withLimits } from '../../src/core/limits.ts';
import { openEngine } from '../../src/engine/index.ts';
import { formats } from '../../src/jobs/peer-codecs.ts';
import { loadModel } from '../../src/models/index.ts';
import { openSession } from '../../src/session/index.ts';
import { readPictures } from '../rate/pictures.ts';
import { readSetting, withoutDirectory } from '../rate/setting.ts';
import { type Figures, figuresEnlarged, figuresOfOurs, figuresOfPeer } from './measure.ts';
import { type PerceptualOptions, readOptions } from './options.ts';
import { middleOf } from './pictures.ts';
import { comparison, type PerceptualResult, type Row, report } from './report.ts';
import { openMeasures } from './tools.ts';

/** Of other formats: from little above nothing to what is hardly told apart. */
const peerSettings = [5, 15, 30, 50, 70, 85];
/** Large pictures at high effort are no attack here. */
const limits = withLimits({ maxMultiplyAdds: Number.MAX_SAFE_INTEGER });

async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const result = { ...(await measureAll(options, say)), ...readSetting('bench:perceptual', args) };
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(result, undefined, 1)}\n`);
  const lines = report(result);
  if (options.against !== undefined) {
    const before = JSON.parse(await readFile(options.against, 'utf8')) as PerceptualResult;
    lines.push('', ...comparison(before, result));
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function measureAll(
  options: PerceptualOptions,
  say: (line: string) => void,
): Promise<Pick<PerceptualResult, 'title' | 'measures' | 'rows' | 'notes'>> {
  const { data: dataset, split, limit, crop, effort, enlarge, threads } = options;
  const model = await loadModel(options.model);
  const alpha = model.card.spec.outputs === 4;
  const { signals: all } = await readPictures({ dataset, split, limit, alpha });
  const signals = crop === undefined ? all : all.map((signal) => middleOf(signal, crop));
  const { measures, absent, close } = await openMeasures();
  const engine = await openEngine(undefined, threads === undefined ? {} : { threads });
  const rows: Row[] = [];
  const add = async (name: string, setting: string, figuresOf: (at: number) => Promise<Figures>) => {
    say(`${name} ${setting}`);
    const figures: Figures[] = [];
    for (let i = 0; i < signals.length; i++) figures.push(await figuresOf(i));
    rows.push({ name, setting, figures });
  };
  try {
    const session = openSession({ model, engine, limits });
    for (const quality of options.qualities)
      await add('functa', `quality ${quality}`, (i) =>
        figuresOfOurs(session, signals[i]!, { quality, effort }, measures),
      );
    for (const quality of enlarge ? options.qualities : [])
      await add('functa, enlarged', `quality ${quality}`, (i) =>
        figuresEnlarged(session, signals[i]!, { quality, effort }, measures),
      );
    for (const peer of options.peers) {
      const { name, variants } = formats[peer];
      const variant = variants.find(({ channels }) => channels.includes(signals[0]!.channels))!;
      for (const setting of peerSettings)
        await add(`${name} ${variant.label}`.trim(), `quality ${setting}`, (i) =>
          figuresOfPeer(variant, setting, signals[i]!, measures),
        );
    }
  } finally {
    await engine.close();
    await close();
  }
  const cut = crop === undefined ? '' : `, the middle ${crop} x ${crop} of each`;
  const title = `${withoutDirectory(dataset)} ${split}, ${signals.length} pictures${cut}; model ${model.card.name} (${model.id.slice(0, 12)}), effort ${effort}`;
  return { title, measures: measures.map(({ score: _, ...measure }) => measure), rows, notes: absent };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`bench:perceptual: ${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  }
}
