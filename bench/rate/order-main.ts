/**
 * Whether more is never worse, over drawn pictures and cuts of real ones. Exit 1 when something is out of order.
 *
 *   npm run bench:order -- [--model cifar10] [--drawn 200] [--pictures FOLDER --side 64 --most 24] [--efforts 1,2,3]
 *       [--stride 1] [--seed 1] [--part 0/1] [--seconds N]
 *
 * Of every `stride` qualities one is compared with the next for up to 1,024 points, of four times as many up to 16,384, of sixteen times as
 * many beyond. One encoder codes a signal at all of them, which keeps what it found; every 97th file is coded afresh, and has to be the same.
 * `--part 1/4` is the second of every four pictures. The smallest come first.
 */
import { parseArgs } from 'node:util';
import { defaultLimits } from '../../src/core/limits.ts';
import { openEngine } from '../../src/engine/index.ts';
import { pointCount } from '../../src/field/spec.ts';
import { loadModel } from '../../src/models/index.ts';
import { SignalEncoder } from '../../src/session/encoder.ts';
import { inlineWork } from '../../src/session/index.ts';
import { openSession } from '../../src/session/session.ts';
import type { Signal } from '../../src/signal/signal.ts';
import { type Coder, measureOrder } from './order.ts';
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
    part: { type: 'string', default: '0/1' },
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
const [part, parts] = values.part.split('/').map(Number) as [number, number];
const chosen = signals
  .filter((_, i) => i % parts === part)
  .sort((a, b) => pointCount(a.shape) - pointCount(b.shape));
const context = { model, engine, work: inlineWork, limits: defaultLimits };
let files = 0;
function coderOf(signal: Signal): Coder {
  const encoder = new SignalEncoder(context, signal, {});
  return {
    async encode(quality, effort) {
      const found = await encoder.encode(quality, effort);
      if (files++ % 97 !== 0) return found;
      const { bytes } = await session.encode(signal, { quality, effort });
      if (Buffer.compare(bytes, found.bytes) !== 0)
        throw new Error(
          `${signal.id}, effort ${effort}, quality ${quality}: coded afresh it is another file`,
        );
      return found;
    },
  };
}
const started = performance.now();
const last = values.seconds === undefined ? Number.POSITIVE_INFINITY : 1000 * Number(values.seconds);
const {
  signals: tried,
  encoded,
  compared,
  disorders,
} = await measureOrder(coderOf, chosen, {
  efforts: values.efforts.split(',').map(Number),
  strideOf: (points) => Math.min(60, stride * (points <= 1024 ? 1 : points <= 16384 ? 4 : 16)),
  isOver: () => performance.now() - started > last,
  onDisorder: ({ kind, signal, effort, quality, text }) =>
    console.log(`${kind}: ${signal}, effort ${effort}, quality ${quality}: ${text}`),
});
const seconds = Math.round((performance.now() - started) / 1000);
console.log(
  `${model.card.name}, efforts ${values.efforts}, stride ${stride}: ${tried} of ${chosen.length} pictures, ${encoded} files, ${compared} comparisons, ${disorders.length} out of order, ${seconds} s`,
);
await engine.close();
process.exitCode = disorders.length > 0 ? 1 : 0;
