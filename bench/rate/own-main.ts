/**
 * Networks of their own (`functa encode --recipe coin`) beside published figures, and beside a model at equal bytes. Prints a table.
 *
 *   npm run bench:coin -- [--data cifar10] [--split test] [--limit 50] [--from 0] [--model cifar10] [--effort 2]
 *       [--sizes 2x12,2x16,2x22] [--bits 16,8,6] [--w0 N] [--iterations 5000] [--seed 0] [--threads 1]
 *
 * Bytes are those of whole files. PSNR is the mean of pictures, after +- their standard deviation. For each picture the model's file is the best
 * of at most as many bytes as the network's. `published`: COIN at the weights' rate in 16 bits, on all pictures of the data set.
 */
import { parseArgs } from 'node:util';
import { withLimits } from '../../src/core/limits.ts';
import { openEngine } from '../../src/engine/index.ts';
import type { OwnSize } from '../../src/fit/index.ts';
import { type CoinEncoded, fitCoin } from '../../src/jobs/index.ts';
import { loadModel } from '../../src/models/index.ts';
import { type Encoded, openSession } from '../../src/session/index.ts';
import { readPictures } from './pictures.ts';
import { publishedCurves } from './published.ts';

const { values } = parseArgs({
  options: {
    data: { type: 'string', default: 'cifar10' },
    split: { type: 'string', default: 'test' },
    limit: { type: 'string', default: '50' },
    from: { type: 'string', default: '0' },
    model: { type: 'string', default: 'cifar10' },
    effort: { type: 'string', default: '2' },
    sizes: { type: 'string', default: '2x12,2x16,2x22' },
    bits: { type: 'string', default: '16,8,6' },
    w0: { type: 'string' },
    iterations: { type: 'string', default: '5000' },
    seed: { type: 'string', default: '0' },
    threads: { type: 'string', default: '1' },
  },
});
const engine = await openEngine(undefined, { threads: Number(values.threads) });
const { signals } = await readPictures({
  dataset: values.data,
  split: values.split as 'test',
  limit: Number(values.limit),
  from: Number(values.from),
});
const session = openSession({ model: await loadModel(values.model), engine });
const published = publishedCurves(values.data.startsWith('kodak') ? 'kodak' : values.data).find(({ name }) =>
  name.startsWith('COIN,'),
);
const sizes = values.sizes.split(',').map((text): OwnSize => {
  const [layers, width] = text.split('x').map(Number);
  return { layers: layers!, width: width! };
});

console.log(`n = ${signals.length}, ${values.iterations} iterations, w0 ${values.w0 ?? 'by size'}`);
console.log(
  '| network | weights | bits a weight | bits a pixel | PSNR, dB | s | published, 16 bits | model, at most as many bytes |',
);
console.log('| --- | --- | --- | --- | --- | --- | --- | --- |');
for (const size of sizes) for (const bits of values.bits.split(',').map(Number)) await row(size, bits);
await engine.close();

async function row(size: OwnSize, bits: number): Promise<void> {
  const own: CoinEncoded[] = [];
  const model: Encoded[] = [];
  for (const signal of signals) {
    const found = await fitCoin(signal, {
      ...{ engine, size, bits, iterations: Number(values.iterations), seed: Number(values.seed) },
      w0: values.w0 === undefined ? undefined : Number(values.w0),
      limits: withLimits({ maxMultiplyAdds: Number.POSITIVE_INFINITY }),
    });
    own.push(found);
    const target = { fileBytes: found.bytes.length };
    model.push(await session.encode(signal, { target, effort: Number(values.effort) }));
  }
  const rate = meanOf(own.map(({ bitsPerPoint }) => bitsPerPoint));
  const near =
    bits === 16
      ? published?.points.find(({ bitsPerPixel }) => Math.abs(bitsPerPixel / rate - 1) < 0.05)
      : undefined;
  const cells = [
    `${size.layers}x${size.width}`,
    own[0]!.weights,
    meanOf(own.map(({ bitsPerWeight }) => bitsPerWeight)).toFixed(2),
    rate.toFixed(3),
    spread(own.map(({ psnrDb }) => psnrDb)),
    meanOf(own.map(({ seconds }) => seconds)).toFixed(2),
    near === undefined ? '-' : `${near.psnrDb.toFixed(2)} at ${near.bitsPerPixel.toFixed(3)}`,
    `${spread(model.map(({ psnrDb }) => psnrDb))} at ${meanOf(model.map(({ bitsPerPoint }) => bitsPerPoint)).toFixed(3)}`,
  ];
  console.log(`| ${cells.join(' | ')} |`);
}

function meanOf(all: readonly number[]): number {
  return all.reduce((sum, value) => sum + value, 0) / all.length;
}

function spread(all: readonly number[]): string {
  const finite = all.filter(Number.isFinite);
  const mean = meanOf(finite);
  const deviation = Math.sqrt(meanOf(finite.map((value) => (value - mean) ** 2)));
  const exact = all.length - finite.length;
  return `${mean.toFixed(2)} +- ${deviation.toFixed(2)}${exact > 0 ? `, ${exact} exact` : ''}`;
}
