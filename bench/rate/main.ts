/**
 * Rate against distortion on a data set: ours, formats run here on the same pictures, baselines in the same program, and
 * published curves.
 *
 *   npm run bench:rate -- --data cifar10 --limit 1000 --effort 5
 *
 * Results of other formats are kept in .cache/rate, by the samples of the pictures and the version of the program.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { engineNamed, openEngine } from '../../src/engine/index.ts';
import { readOptions, usualModel } from './options.ts';
import { plotPng, plotSvg } from './plot.ts';
import { type RateResult, toJson } from './result.ts';
import { runRate } from './run.ts';
import { readSetting } from './setting.ts';
import { report } from './table.ts';

async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const engine = await openEngine(
    engineNamed(options.engine),
    options.threads === undefined ? {} : { threads: options.threads },
  );
  try {
    const found = await runRate(options, engine, say);
    const result: RateResult = { ...found, ...readSetting('bench:rate', args) };
    const text = `${report(result).join('\n')}\n`;
    if (options.out !== undefined) await write(options.out, result, text);
    process.stdout.write(options.json ? toJson(result) : text);
  } finally {
    await engine.close();
  }
}

async function write(out: string, result: RateResult, text: string): Promise<void> {
  const { dataset, split, n, effort, model, range, curves } = result;
  const other = model === usualModel(dataset) ? '' : `-${model}`;
  const name = `${dataset.replace(/:.*/, '')}${other}-effort${effort}`;
  const title = `${dataset.replace(/:.*/, '')}: rate and distortion`;
  const subtitle = `${n} pictures of the ${split} split; functa: model ${model}, effort ${effort}, ${curves[0]!.form} bytes`;
  const svg = plotSvg(curves, { title, subtitle, range });
  await mkdir(out, { recursive: true });
  const at = (suffix: string) => join(out, `${name}.${suffix}`);
  await writeFile(at('json'), toJson(result));
  await writeFile(at('md'), `# ${title}\n\n![${subtitle}](${name}.svg)\n\n\`\`\`\n${text}\`\`\`\n`);
  await writeFile(at('svg'), svg);
  await writeFile(at('png'), await plotPng(svg));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`bench:rate: ${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  }
}
