/**
 * Whether more is never worse, over drawn pictures and cuts of real ones. Exit 1 when something is out of order.
 *
 *   npm run bench:order -- [--model cifar10] [--drawn 200] [--pictures FOLDER --side 64 --most 24] [--efforts 1,2,3]
 *       [--stride 1] [--seed 1] [--seconds N]
 *
 * Qualities are compared `stride` apart for up to 1,024 points, four times as far up to 16,384, sixteen times beyond.
 */
import { parseArgs } from 'node:util';
import { openEngine } from '../../src/engine/index.ts';
import { loadModel } from '../../src/pipeline/index.ts';
import { openSession } from '../../src/pipeline/session.ts';
import { measureOrder } from './order.ts';
import { cuts, drawn } from './order-pictures.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'cifar10' },
    drawn: { type: 'string', default: '200' },
    pictures: { type: 'string' },
    side: { type: 'string', default: '64' },
    most: { type: 'string', default: '24' },
    efforts: { type: 'string', default: '1,2,3' },
    stride: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string' },
  },
});
const engine = await openEngine();
const model = await loadModel(values.model);
const session = openSession({ model, engine });
const stride = Number(values.stride);
const signals = drawn(Number(values.drawn), model.card.spec.outputs, Number(values.seed));
if (values.pictures !== undefined)
  signals.push(...(await cuts(values.pictures, Number(values.side), Number(values.most))));
const started = performance.now();
const last = values.seconds === undefined ? Number.POSITIVE_INFINITY : 1000 * Number(values.seconds);
const {
  signals: tried,
  encoded,
  compared,
  disorders,
} = await measureOrder(session, signals, {
  efforts: values.efforts.split(',').map(Number),
  strideOf: (points) => Math.min(60, stride * (points <= 1024 ? 1 : points <= 16384 ? 4 : 16)),
  isOver: () => performance.now() - started > last,
  onDisorder: ({ kind, signal, effort, quality, text }) =>
    console.log(`${kind}: ${signal}, effort ${effort}, quality ${quality}: ${text}`),
});
const seconds = Math.round((performance.now() - started) / 1000);
console.log(
  `${model.card.name}, efforts ${values.efforts}, stride ${stride}: ${tried} of ${signals.length} pictures, ${encoded} files, ${compared} comparisons, ${disorders.length} out of order, ${seconds} s`,
);
await engine.close();
process.exitCode = disorders.length > 0 ? 1 : 0;
