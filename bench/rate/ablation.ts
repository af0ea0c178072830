/**
 * What each step of coding brings, at equal PSNR on one set:
 *
 *   npm run bench:ablation -- --data cifar10 --limit 300
 *
 * One network throughout; a row changes one thing of the row before it. Bytes are those of an archive, over pictures.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { columns } from '../../src/cli/text.ts';
import { BadInputError } from '../../src/core/errors.ts';
import { engineNamed, openEngine } from '../../src/engine/index.ts';
import { maxEffort } from '../../src/fit/effort.ts';
import { loadModel } from '../../src/models/index.ts';
import { ablationRows } from './ablation-rows.ts';
import { rateAt } from './bd.ts';
import { type Comparison, compare } from './comparison.ts';
import type { Curve } from './curve.ts';
import { numbers, whole } from './options.ts';
import { readPictures } from './pictures.ts';
import { written } from './result.ts';
import { readSetting, type Setting, withoutDirectory } from './setting.ts';

const usage = `npm run bench:ablation -- [options]
  --data NAME          cifar10
  --split SPLIT        test
  --limit N            pictures (300)
  --training N         signals of the training split that tables are counted on (2000)
  --model MODEL        a model file, or the name of one in models/ (that of the data set)
  --psnr LIST          dB at which bytes are compared (26,28,30)
  --qualities LIST     (20,25,...,80)
  --efforts LIST       (3,5,7,9)
  --prior-steps N      of the context models trained here; 0 leaves them out (1500)
  --engine NAME, --threads N, --json, --out DIRECTORY`;

export interface AblationRow {
  readonly name: string;
  readonly what: string;
  /** Mean bytes of a picture at each PSNR; null where the row does not reach it. */
  readonly bytes: readonly (number | null)[];
  readonly encodeMs: number | null;
  /** Against the row before, and against `one histogram`; over the PSNRs asked for. */
  readonly step: Comparison | null;
  readonly sinceHistogram: Comparison | null;
  readonly points: Curve['points'];
}

export interface AblationResult extends Setting {
  readonly dataset: string;
  readonly split: string;
  readonly n: number;
  readonly training: number;
  readonly model: string;
  readonly modelDigest: string;
  readonly psnrDb: readonly number[];
  readonly rows: readonly AblationRow[];
}

const firstRow = 'one histogram';

/** Rows from curves, in order. `pixels`: of one picture. */
export function toRows(curves: readonly Curve[], psnrs: readonly number[], pixels: number): AblationRow[] {
  const range = { fromDb: Math.min(...psnrs) - 0.5, toDb: Math.max(...psnrs) + 0.5 };
  const options = { range, atDb: psnrs, resamples: 200 };
  const base = curves.find(({ name }) => name === firstRow);
  return curves.map((curve, i) => {
    const before = curves[i - 1];
    const middle = curve.points[Math.floor(curve.points.length / 2)];
    return {
      name: curve.name,
      what: curve.source,
      bytes: psnrs.map((psnrDb) => {
        const rate = rateAt(curve.points, psnrDb);
        return rate === null ? null : (rate * pixels) / 8;
      }),
      encodeMs: middle?.encodeMs ?? null,
      step: before === undefined ? null : compare(curve, before, options),
      sinceHistogram: base === undefined || base === curve ? null : compare(curve, base, options),
      points: curve.points,
    };
  });
}

export function ablationReport(result: AblationResult): string[] {
  const { dataset, split, n, training, model, modelDigest, psnrDb, rows } = result;
  const percent = (found: Comparison | null) => {
    if (found === null) return '-';
    const text = `${found.linear < 0 ? '-' : '+'}${Math.abs(found.linear).toFixed(1)}`;
    return `${text}${found.error === null ? '' : ` +- ${found.error.toFixed(1)}`} %${found.linear > 0 ? ' LOSS' : ''}`;
  };
  return [
    `${dataset} ${split}, ${n} pictures; model ${model} (${modelDigest}); tables from ${training} training signals`,
    `${result.machine}; load ${result.load}; ${result.runtime}; commit ${result.commit}`,
    result.command,
    '',
    'Bytes a picture in an archive at equal PSNR; rate against the row before and against one histogram, over these PSNRs',
    ...columns([
      ['', ...psnrDb.map((db) => `${db} dB`), 'step', `since ${firstRow}`, 'encode', ''],
      ...rows.map(({ name, what, bytes, step, sinceHistogram, encodeMs, points }) => [
        name,
        ...bytes.map((count, i) => count?.toFixed(1) ?? missing(points, psnrDb[i]!)),
        percent(step),
        percent(sinceHistogram),
        encodeMs === null ? '-' : `${encodeMs.toFixed(1)} ms`,
        what,
      ]),
    ]),
  ];
}

/** Why a row has no bytes at a PSNR: how far it goes. */
function missing(points: Curve['points'], psnrDb: number): string {
  const all = points.map((point) => point.psnrDb);
  const [least, most] = [Math.min(...all), Math.max(...all)];
  return psnrDb > most ? `to ${most.toFixed(1)} dB` : `from ${least.toFixed(1)} dB`;
}

async function main(args: readonly string[]): Promise<void> {
  const values = parse(args);
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const data = values.data ?? 'cifar10';
  const split = values.split ?? 'test';
  if (split !== 'test' && split !== 'validation' && split !== 'train') {
    throw new BadInputError('bench-usage', `--split is one of train, validation, test, not ${split}`);
  }
  const limit = whole('limit', values.limit ?? '300');
  const threads = values.threads === undefined ? {} : { threads: whole('threads', values.threads) };
  const psnrDb = numbers('psnr', values.psnr ?? '26,28,30');
  const model = await loadModel(values.model ?? data);
  const engine = await openEngine(engineNamed(values.engine), threads);
  try {
    const alpha = model.card.spec.outputs === 4;
    const pictures = await readPictures({ dataset: data, split, limit, alpha });
    const count = whole('training', values.training ?? '2000', 2);
    const { signals: training } = await readPictures({ dataset: data, split: 'train', limit: count, alpha });
    const curves: Curve[] = [];
    for await (const curve of ablationRows({
      model,
      engine,
      pictures,
      training,
      qualities: numbers('qualities', values.qualities ?? '20,25,30,35,40,45,50,55,60,65,70,75,80'),
      efforts: numbers('efforts', values.efforts ?? '3,5,7,9').filter((effort) => effort <= maxEffort),
      priorSteps: whole('prior-steps', values['prior-steps'] ?? '1500', 0),
      say,
    })) {
      curves.push(curve);
    }
    const { width, height } = pictures.pictures[0]!;
    const result: AblationResult = {
      dataset: withoutDirectory(data),
      split,
      n: pictures.signals.length,
      training: training.length,
      model: model.card.name,
      modelDigest: model.id.slice(0, 12),
      psnrDb,
      rows: toRows(curves, psnrDb, width * height),
      ...readSetting('bench:ablation', args),
    };
    const text = `${ablationReport(result).join('\n')}\n`;
    const json = `${JSON.stringify({ ...result, rows: result.rows.map((row) => ({ ...row, points: row.points.map(written) })) }, null, 1)}\n`;
    if (values.out !== undefined) {
      await mkdir(values.out, { recursive: true });
      const name = join(values.out, `${result.dataset.replace(/:.*/, '')}-ablation`);
      await writeFile(`${name}.json`, json);
      await writeFile(`${name}.md`, `# ${result.dataset}: what each step brings\n\n\`\`\`\n${text}\`\`\`\n`);
    }
    process.stdout.write(values.json === true ? json : text);
  } finally {
    await engine.close();
  }
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        data: text,
        split: text,
        limit: text,
        training: text,
        model: text,
        psnr: text,
        qualities: text,
        efforts: text,
        'prior-steps': text,
        engine: text,
        threads: text,
        out: text,
        json: flag,
        help: flag,
      },
    });
    if (values.help === true) throw new BadInputError('bench-usage', usage);
    return values;
  } catch (error) {
    if (error instanceof BadInputError) throw error;
    throw new BadInputError('bench-usage', `${error instanceof Error ? error.message : error}\n${usage}`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`bench:ablation: ${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  }
}
