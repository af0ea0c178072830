/**
 * Priors as generators: what held-out modulations cost, how samples compare with pictures, and what completing gains.
 *
 *   npm run bench:generative -- --data fashion-mnist --samples 1000 --out docs/results
 *
 * The classifier of pictures, in whose features distances are taken, is trained the first time and kept in .cache/generative.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDataset } from '../../datasets/registry.ts';
import { openEngine } from '../../src/engine/index.ts';
import { fitSignals } from '../../src/fit/fit.ts';
import { loadModel } from '../../src/models/index.ts';
import { heldOutBits } from './bits.ts';
import { coarseRows } from './coarse.ts';
import { completions } from './completion.ts';
import { type GenerativeOptions, readOptions } from './options.ts';
import { type GenerativeResult, report, resultOf } from './result.ts';
import { sampleRows } from './samples.ts';

type Opened = {
  readonly engine: Awaited<ReturnType<typeof openEngine>>;
  readonly model: Awaited<ReturnType<typeof loadModel>>;
};

async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  const { parts, threads, out, seed } = options;
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const engine = await openEngine(undefined, { threads });
  try {
    const model = await loadModel(options.model);
    const held = parts.some((part) => part === 'bits' || part === 'samples')
      ? await heldOut({ engine, model }, options)
      : [];
    const rows = {
      bits: parts.includes('bits')
        ? await heldOutBits(model, held.slice(0, options.items), options.priors, seed)
        : [],
      samples: parts.includes('samples') ? await sampleRows(model, engine, held, options, say) : [],
      completion: parts.includes('completion') ? await completions(model, engine, options, say) : [],
      coarse: parts.includes('coarse') ? await coarseRows(model, engine, options, say) : [],
    };
    const at = out === undefined ? undefined : join(out, `generative-${model.card.name}`);
    const result = resultOf(options, model, rows, args, await readBefore(at));
    const json = `${JSON.stringify(result, null, 1)}\n`;
    const text = `${report(result).join('\n')}\n`;
    if (at !== undefined && out !== undefined) {
      await mkdir(out, { recursive: true });
      await writeFile(`${at}.json`, json);
      await writeFile(`${at}.md`, text);
    }
    process.stdout.write(options.json ? json : text);
  } finally {
    await engine.close();
  }
}

/** Modulations of the first signals of the split, by the learnt steps. */
async function heldOut({ engine, model }: Opened, options: GenerativeOptions): Promise<Float32Array[]> {
  const data = await openDataset(options.data, options.split);
  const n = Math.min(data.length, Math.max(options.items, options.samples));
  const found: Float32Array[] = [];
  for (let i = 0; i < n; i += 32) {
    const signals = await Promise.all(Array.from({ length: Math.min(32, n - i) }, (_, k) => data.get(i + k)));
    const fitted = await fitSignals(model, engine, signals, { quality: 50, effort: 1 });
    found.push(...fitted.map(({ modulation }) => modulation));
  }
  data.close();
  return found;
}

async function readBefore(at: string | undefined): Promise<GenerativeResult | undefined> {
  const text = at === undefined ? undefined : await readFile(`${at}.json`, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as GenerativeResult);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`bench:generative: ${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  }
}
