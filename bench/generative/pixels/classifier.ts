/**
 * A small classifier of pictures, trained here on the training split of a data set: the features that distances between sets
 * of pictures are taken in, and a judge of what class a sample looks like. It is not the Inception network, and a Frechet
 * distance in its features is no FID.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Architecture, mapInputCount } from '../../../src/classify/architecture.ts';
import { judge, type LearnEvent, learn } from '../../../src/classify/learn.ts';
import { type Network, openNetwork } from '../../../src/classify/network.ts';
import { BadInputError } from '../../../src/core/errors.ts';
import { sha256Hex } from '../../../src/core/hash.ts';
import { writeWhole } from '../../../src/disk/whole.ts';
import { openTensorFlow, type TensorFlow } from '../../../src/engine/tfjs/backend.ts';
import { readSafetensors, writeSafetensors } from '../../../src/field/safetensors.ts';
import { pointCount } from '../../../src/field/spec.ts';
import { loadPictures, pictureExamples, pictureMaps } from './pictures.ts';

export interface PixelClassifierOptions {
  /** Default: `fashion-mnist`. */
  readonly dataset?: string | undefined;
  /** Where the trained one is kept; default `.cache/generative`. */
  readonly cache?: string | undefined;
  /** Of the data sets. */
  readonly cacheDir?: string | undefined;
  /** Threads of TensorFlow.js; default 1. */
  readonly threads?: number | undefined;
  readonly onEvent?: ((event: LearnEvent) => void) | undefined;
}

export interface PixelClassifier {
  /** Numbers of a picture in `features`. */
  readonly width: number;
  readonly classes: readonly string[];
  /** Share of the pictures of the validation split that it is right about. */
  readonly validationAccuracy: number;
  /** [n, width] of images [n, points * channels] with values in [0, 1]. */
  features(images: Float32Array): Float32Array;
  /** [n]: the likeliest class of each image, from 0. */
  classesOf(images: Float32Array): Int32Array;
  /** Share of images [n, points * channels] in [0, 1] whose likeliest class is in labels [n]. */
  accuracyOf(images: Float32Array, labels: ArrayLike<number>): number;
  close(): void;
}

/** Points along each axis that the network takes together as one cell. */
const side = 2;
const stages = [
  { width: 32, blocks: 1 },
  { width: 64, blocks: 1 },
  { width: 96, blocks: 1 },
];
const learning = { epochs: 8, batch: 128, rate: 4e-3, dropout: 0.1, smoothing: 0.1, seed: 1 };
/** Pictures in one call of the network. */
const together = 256;

/** Opens the classifier of a data set, from the cache or, the first time, by training it for some minutes. */
export async function openPixelClassifier(options: PixelClassifierOptions = {}): Promise<PixelClassifier> {
  const { dataset = 'fashion-mnist', cache = '.cache/generative', cacheDir, threads = 1 } = options;
  const { tf } = await openTensorFlow({ threads });
  const validation = await loadPictures(dataset, 'validation', { cacheDir });
  const { shape, channels, classes } = validation;
  const maps = pictureMaps(shape, channels, side, { unit: 1 });
  const architecture: Architecture = {
    cells: maps.cells,
    channels: maps.channels,
    stages,
    classes: classes.length,
  };
  const recipe = JSON.stringify({ dataset, side, stages, learning });
  const digest = sha256Hex(new TextEncoder().encode(recipe)).slice(0, 12);
  const path = join(cache, `${dataset}-pixels-${digest}.safetensors`);
  const kept = await readFile(path).catch(() => undefined);
  if (kept === undefined) {
    const tensors = await train(tf, dataset, architecture, options);
    await mkdir(cache, { recursive: true });
    await writeWhole(path, writeSafetensors(tensors, { recipe }), { replace: true });
  }
  const { tensors } = readSafetensors(kept ?? (await readFile(path)));
  const network = openNetwork(tf, architecture, tensors);
  const examples = pictureExamples(validation, side, { mirrored: false });
  const { accuracy } = judge(network, architecture, examples);
  const width = mapInputCount(architecture);
  const run = (images: Float32Array) => runAll(network, maps, pointCount(shape) * channels, images);
  const classesOf = (images: Float32Array) => {
    const { logits } = run(images);
    const n = classes.length;
    return Int32Array.from({ length: logits.length / n }, (_, i) => {
      const own = logits.subarray(i * n, (i + 1) * n);
      return own.indexOf(Math.max(...own));
    });
  };
  return {
    width,
    classes,
    validationAccuracy: accuracy,
    features: (images) => run(images).features,
    classesOf,
    accuracyOf(images, labels) {
      const found = classesOf(images);
      if (labels.length !== found.length || found.length === 0) {
        throw new BadInputError(
          'bench-labels',
          `${labels.length} labels are not one for each of ${found.length} images`,
        );
      }
      return found.filter((c, i) => c === labels[i]).length / found.length;
    },
    close: () => network.dispose(),
  };
}

async function train(
  tf: TensorFlow,
  dataset: string,
  architecture: Architecture,
  { cacheDir, onEvent }: PixelClassifierOptions,
) {
  const pictures = await loadPictures(dataset, 'train', { cacheDir });
  const examples = pictureExamples(pictures, side, { mirrored: true });
  return learn(tf, { architecture, learning, examples, onEvent });
}

function runAll(
  network: Network,
  maps: ReturnType<typeof pictureMaps>,
  imageLength: number,
  images: Float32Array,
): { features: Float32Array; logits: Float32Array } {
  const count = images.length / imageLength;
  if (!Number.isInteger(count)) {
    throw new BadInputError(
      'bench-images',
      `${images.length} values are no whole number of images of ${imageLength}`,
    );
  }
  const mapLength = pointCount(maps.cells) * maps.channels;
  const parts: ReturnType<Network['run']>[] = [];
  for (let first = 0; first < count; first += together) {
    const n = Math.min(together, count - first);
    const filled = new Float32Array(n * mapLength);
    for (let i = 0; i < n; i++) {
      const image = images.subarray((first + i) * imageLength, (first + i + 1) * imageLength);
      maps.fill(image, filled.subarray(i * mapLength, (i + 1) * mapLength));
    }
    parts.push(network.run(filled));
  }
  return {
    features: joined(parts.map(({ features }) => features)),
    logits: joined(parts.map(({ logits }) => logits)),
  };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
