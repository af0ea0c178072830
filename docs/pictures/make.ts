/**
 * Makes the pictures of the README with the bundled models: `npx tsx docs/pictures/make.ts [NAME...]`. Signals that were not
 * learnt from, each as it is, as its file decodes, and as its file decodes at four times the size; samples; 64 samples of the
 * diffusion, class by class, beside 64 pictures of the test split; and signals completed from a part: each as it is, what is known of it, the completed, four
 * draws, and four times their deviation.
 */
import { writeFileSync } from 'node:fs';
import { openDataset } from '../../datasets/registry.ts';
import { complete, maskOf, observeMasked, shownObservation } from '../../src/complete/index.ts';
import { Rng } from '../../src/core/rng.ts';
import { openEngine } from '../../src/engine/index.ts';
import { contactSheet } from '../../src/formats/contact-sheet.ts';
import { writeImage } from '../../src/formats/image.ts';
import { findModel, loadModel } from '../../src/models/index.ts';
import { openSession } from '../../src/session/index.ts';
import { regionMask } from '../../src/signal/mask.ts';
import type { Signal } from '../../src/signal/signal.ts';

const directory = new URL('.', import.meta.url);
const count = 10;
const scale = 4;

/** Every sample as a square of `scale` samples. */
function enlarge({ id, shape, channels, values }: Signal): Signal {
  const [height, width] = shape as [number, number];
  const large = new Float32Array(values.length * scale * scale);
  for (let y = 0; y < height * scale; y++)
    for (let x = 0; x < width * scale; x++) {
      const from = (Math.floor(y / scale) * width + Math.floor(x / scale)) * channels;
      large.set(values.subarray(from, from + channels), (y * width * scale + x) * channels);
    }
  return { id, shape: [height * scale, width * scale], channels, values: large };
}

const engine = await openEngine();
const model = await loadModel('fashion-mnist');
const session = openSession({ model, engine });
const data = await openDataset('fixture-fashion', 'all');

const sheet = (signals: readonly Signal[], columns: number) => contactSheet(signals, { columns, gap: 4 });

/**
 * 64 samples of the diffusion for a data set, as its card says, the classes in order; with real ones, beside the first of each class in the test split, and
 * others of the split where a class has too few.
 */
async function classes(name: string, { withReal }: { readonly withReal: boolean }): Promise<Signal> {
  const real = await openDataset(name, 'test');
  const drawing = openSession({ model: await loadModel(await findModel(`${name}-samples`)), engine });
  const drawn: Signal[] = [];
  const pictures: Signal[] = [];
  for (let label = 0; label < 10; label++) {
    const wanted = label < 4 ? 7 : 6;
    const request = { prior: 'diffusion', label };
    drawn.push(...(await drawing.sample({ ...request, count: wanted, seed: 0 })).signals);
    for (let i = 0, left = wanted; left > 0 && i < real.length; i++) {
      const signal = await real.get(i);
      if (Number(signal.label) === label && left-- > 0) pictures.push(signal);
    }
  }
  for (let i = 0; pictures.length < drawn.length; i++) {
    const signal = await real.get(i);
    if (!pictures.some(({ id }) => id === signal.id)) pictures.push(signal);
  }
  const sets = withReal ? [drawn, pictures] : [drawn];
  const rows = Array.from({ length: 8 }, (_, row) => sets.map((all) => all.slice(8 * row, 8 * row + 8)));
  const told = rows.flat(2);
  return sheet(told[0]!.shape[0]! > 32 ? told : told.map(enlarge), 8 * sets.length);
}

const pictures: Readonly<Record<string, () => Promise<Signal>>> = {
  async decodes() {
    const originals: Signal[] = [];
    const plain: Signal[] = [];
    const large: Signal[] = [];
    let bytes = 0;
    for (let i = 0; i < count; i++) {
      const signal = await data.get(i * 3);
      const file = await session.encode(signal, { quality: 50, effort: 5 });
      bytes += file.bytes.length;
      originals.push(enlarge(signal));
      plain.push(enlarge(await session.decode(file.bytes)));
      large.push(await session.decode(file.bytes, { size: `${scale}x` }));
    }
    console.log(`${count} files at quality 50, effort 5: ${(bytes / count).toFixed(1)} bytes each`);
    return sheet([...originals, ...plain, ...large], count);
  },

  async samples() {
    const { signals } = await session.sample({ count: 2 * count, seed: 1, size: `${scale}x` });
    return sheet(signals, count);
  },

  classes: () => classes('fashion-mnist', { withReal: true }),
  // Pictures of CIFAR-10 carry no licence to pass on.
  'classes-cifar10': () => classes('cifar10', { withReal: false }),
  'classes-emoji': () => classes('emoji', { withReal: true }),

  async completions() {
    const shape = model.card.shape;
    const rng = new Rng(1);
    const masks = [
      regionMask(shape, { start: [0, 0], count: [28, 14] }, true),
      regionMask(shape, { start: [14, 0], count: [14, 28] }, true),
      maskOf({ shape, values: Float32Array.from({ length: 784 }, () => Number(rng.uniform() < 0.15)) }),
    ];
    const completed: Signal[] = [];
    for (let i = 0; i < 6; i++) {
      const signal = await data.get(i * 3 + 1);
      const known = observeMasked(signal, masks[i % masks.length]);
      const found = await complete({ model, engine }, known, { size: `${scale}x`, seed: 1 });
      const deviation = found.spread!.deviation;
      const brighter = { ...deviation, values: deviation.values.map((value) => Math.min(1, 4 * value)) };
      completed.push(
        enlarge(signal),
        enlarge(shownObservation(known)),
        found.completed,
        ...found.draws,
        brighter,
      );
    }
    return sheet(completed, 8);
  },
};

try {
  const asked = process.argv.slice(2);
  for (const name of asked.length > 0 ? asked : Object.keys(pictures)) {
    const make = pictures[name];
    if (make === undefined)
      throw new Error(`no picture is called ${name}; there are ${Object.keys(pictures)}`);
    writeFileSync(new URL(`${name}.png`, directory), await writeImage(await make(), 'png'));
  }
} finally {
  await engine.close();
}
