/**
 * What each effort gains and costs: real archives of a validation split at several qualities, Bjontegaard's rate difference
 * against effort 1, and milliseconds of encoding a picture. `node --import tsx bench/rate/effort.ts [options]`, below.
 */
import { parseArgs } from 'node:util';
import { openEngine } from '../../src/engine/index.ts';
import { maxEffort } from '../../src/fit/effort.ts';
import { evaluate } from '../../src/jobs/index.ts';
import { loadModel } from '../../src/models/index.ts';
import { rateDifference } from './bd.ts';
import { numbers, whole } from './options.ts';

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: { data: text, model: text, limit: text, qualities: text, efforts: text, threads: text },
});
const dataset = values.data ?? 'cifar10';
const limit = whole('limit', values.limit ?? '100');
const qualities = numbers('qualities', values.qualities ?? '40,50,60,70');
const efforts = numbers(
  'efforts',
  values.efforts ?? Array.from({ length: maxEffort }, (_, i) => i + 1).join(),
);

const model = await loadModel(values.model ?? dataset);
const engine = await openEngine(undefined, { threads: whole('threads', values.threads ?? '1') });
try {
  console.log(
    `${model.card.name} ${model.id.slice(0, 12)} on ${limit} of ${dataset} validation, ${engine.name}`,
  );
  console.log(`qualities ${qualities}, ${engine.threads} thread(s), Node ${process.version}\n`);
  console.log('| effort | rate against effort 1 | bytes, PSNR at each quality | encode, ms a picture |');
  console.log('|---|---|---|---|');
  let first: readonly { bitsPerPixel: number; psnrDb: number }[] | undefined;
  for (const effort of efforts) {
    const result = await evaluate({
      model,
      engine,
      data: dataset,
      split: 'validation',
      limit,
      qualities,
      effort,
    });
    const points = result.qualities.map((row) => ({
      bitsPerPixel: row.archiveBitsPerPoint,
      psnrDb: row.psnrDbMeanOfItems,
    }));
    first ??= points;
    const range = { fromDb: 0, toDb: 100 };
    const gain = points.length > 1 ? rateDifference(points, first, range, 'linear') : null;
    const cells = result.qualities.map(
      (row) => `${row.archiveBytes.toFixed(1)}, ${row.psnrDbMeanOfItems.toFixed(2)} dB`,
    );
    const ms = result.qualities.reduce((sum, row) => sum + row.encodeMs, 0) / qualities.length;
    const percent = gain === null ? '-' : `${gain.percent.toFixed(1)} %`;
    console.log(`| ${effort} | ${percent} | ${cells.join('; ')} | ${ms.toFixed(1)} |`);
  }
} finally {
  await engine.close();
}
