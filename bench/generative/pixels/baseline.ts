/**
 * The network that classifies modulations, on pixels: the same stages and training, and views of the same kinds, so that what
 * the two reach can be compared. Run: node --import tsx bench/generative/pixels/baseline.ts DATASET [EPOCHS] [VIEWS].
 */

import { type Examples, judge, learn } from '../../../src/classify/learn.ts';
import { openNetwork } from '../../../src/classify/network.ts';
import { probeRecipes } from '../../../src/classify/train.ts';
import { Rng } from '../../../src/core/rng.ts';
import { openTensorFlow } from '../../../src/engine/tfjs/backend.ts';
import { type LabelledPictures, loadPictures, pictureMaps } from './pictures.ts';

/** Points of a block along each axis: as many cells as the grids of the bundled models are laid on. */
const side = 4;
/** Largest shift of a view, as a share of each axis. */
const shift = 0.125;

export interface BaselineResult {
  readonly dataset: string;
  readonly epochs: number;
  readonly views: number;
  readonly validationAccuracy: number;
  readonly testAccuracy: number;
  readonly seconds: number;
}

export async function pixelBaseline(options: {
  readonly dataset: string;
  readonly epochs?: number | undefined;
  readonly views?: number | undefined;
  readonly threads?: number | undefined;
  readonly onLine?: ((line: string) => void) | undefined;
}): Promise<BaselineResult> {
  const { dataset, threads = 1, onLine } = options;
  const recipe = probeRecipes.network;
  const { views = recipe.views } = options;
  const learning = { ...recipe.learning, epochs: options.epochs ?? recipe.learning.epochs };
  const started = performance.now();
  const [train, validation, test] = await Promise.all(
    (['train', 'validation', 'test'] as const).map((split) => loadPictures(dataset, split)),
  );
  const { cells, channels } = pictureMaps(train!.shape, train!.channels, side);
  const architecture = { cells, channels, stages: recipe.stages, classes: train!.classes.length };
  const { tf } = await openTensorFlow({ threads });
  const held = examplesOf(validation!, 1, learning.seed);
  const tensors = await learn(tf, {
    architecture,
    learning,
    examples: examplesOf(train!, views, learning.seed),
    validation: held,
    onEvent: (event) => {
      if (event.type === 'epoch') onLine?.(`epoch ${event.epoch}: ${event.accuracy.toFixed(4)}`);
    },
  });
  const network = openNetwork(tf, architecture, tensors);
  const accuracyOn = (examples: Examples) => judge(network, architecture, examples).accuracy;
  const result = {
    ...{ dataset, epochs: learning.epochs, views },
    validationAccuracy: accuracyOn(held),
    testAccuracy: accuracyOn(examplesOf(test!, 1, learning.seed)),
    seconds: (performance.now() - started) / 1000,
  };
  network.dispose();
  return result;
}

/** View 0 is the picture, 1 its mirror image, those after shifted by whole pixels, mirrored in turn: as for functions. */
function examplesOf(pictures: LabelledPictures, views: number, seed: number): Examples {
  const { count, shape, channels, bytes, labels } = pictures;
  const maps = [false, true].map((mirrored) => pictureMaps(shape, channels, side, { mirrored }));
  const length = bytes.length / count;
  return {
    count,
    views,
    classOf: (i) => labels[i]!,
    fill(i, view, target) {
      const picture = bytes.subarray(i * length, (i + 1) * length);
      const rng = new Rng(seed + view, i);
      const offsets = shape.map((n) => (view < 2 ? 0 : Math.round(n * shift * (2 * rng.uniform() - 1))));
      maps[view % 2]!.fill(view < 2 ? picture : moved(picture, shape, channels, offsets), target);
    },
  };
}

/** Pixels past the border are those of the border. */
function moved(
  picture: Uint8Array,
  shape: readonly number[],
  channels: number,
  by: readonly number[],
): Uint8Array {
  const [height, width] = shape as [number, number];
  const clamp = (i: number, n: number) => Math.min(Math.max(i, 0), n - 1);
  return Uint8Array.from(picture, (_, at) => {
    const point = Math.floor(at / channels);
    const y = clamp(Math.floor(point / width) + by[0]!, height);
    const x = clamp((point % width) + by[1]!, width);
    return picture[(y * width + x) * channels + (at % channels)]!;
  });
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const [dataset = 'fashion-mnist', epochs, views] = process.argv.slice(2);
  const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));
  const onLine = (line: string) => process.stderr.write(`${line}\n`);
  const result = await pixelBaseline({ dataset, epochs: number(epochs), views: number(views), onLine });
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
