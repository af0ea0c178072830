/**
 * Three kinds of signal, each with a small trained model: pictures, sounds of one axis from -1 to 1, and maps in kelvin with missing values
 * and cells that count by their area. Models are made once for all tests (make-kinds.ts) and kept by the digest of what they are made from.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256Hex } from '../src/core/hash.ts';
import { Rng } from '../src/core/rng.ts';
import { canonicalJson } from '../src/field/canonical.ts';
import type { ModelCard } from '../src/field/card.ts';
import { axesOfKind, outputsOfKind } from '../src/field/kinds.ts';
import { type Model, readModel } from '../src/field/model.ts';
import type { Axis, Output } from '../src/field/outputs.ts';
import { pyramid } from '../src/field/presets.ts';
import { pointCount } from '../src/field/spec.ts';
import type { Signal } from '../src/signal/signal.ts';
import { sourceOf } from '../src/signal/source.ts';
import { weightsOf } from '../src/signal/weights.ts';

export const kindNames = ['picture', 'sound', 'map'] as const;
export type KindName = (typeof kindNames)[number];

export interface Kind {
  readonly name: KindName;
  readonly outputs: readonly Output[];
  readonly axes: readonly Axis[];
  readonly shape: readonly number[];
  /** Name of the format that is meant where none is named. */
  readonly format: string;
  /** Samples along each axis of a cell of each level, coarse to fine. */
  readonly cells: readonly number[];
  /** Signal `i`. */
  signal(i: number): Signal;
}

const folder = join(import.meta.dirname, '..', 'node_modules', '.cache', 'functa-kinds');
/** Signals that a model is learnt from; others are new to it. */
const learnt = 16;

const waves = (rng: Rng, axes: number, count: number) =>
  Array.from({ length: count }, () => ({
    turns: Array.from({ length: axes }, () => Math.round(4 * rng.uniform())),
    phase: 2 * Math.PI * rng.uniform(),
    share: (0.5 + rng.uniform() / 2) / count,
  }));

/** Smooth values from -1 to 1, [points]. */
function smooth(shape: readonly number[], rng: Rng): Float32Array {
  const own = waves(rng, shape.length, 3);
  const values = new Float32Array(pointCount(shape));
  for (let p = 0; p < values.length; p++) {
    let left = p;
    const at = shape.map(() => 0);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at[axis] = (left % shape[axis]!) / shape[axis]!;
      left = Math.floor(left / shape[axis]!);
    }
    for (const { turns, phase, share } of own)
      values[p]! += share * Math.sin(phase + 2 * Math.PI * at.reduce((sum, x, a) => sum + x * turns[a]!, 0));
  }
  return values;
}

const pictureShape = [16, 16];
const soundShape = [256];
const mapShape = [12, 24];

export const kinds: Readonly<Record<KindName, Kind>> = {
  picture: {
    name: 'picture',
    outputs: outputsOfKind('rgb', { offset: 0.5, scale: 1 }),
    axes: axesOfKind('rgb', 2),
    shape: pictureShape,
    format: 'png',
    cells: [8, 4],
    signal(i) {
      const [light, ...tints] = [0, 1, 2, 3].map((c) => smooth(pictureShape, new Rng(100 + i, c)));
      const values = Float32Array.from({ length: 3 * 256 }, (_, at) => {
        const p = Math.floor(at / 3);
        return Math.round(127.5 + 90 * light![p]! + 30 * tints[at % 3]![p]!) / 255;
      });
      return { id: `picture-${i}`, shape: pictureShape, channels: 3, values };
    },
  },
  sound: {
    name: 'sound',
    outputs: outputsOfKind('mono', { offset: 0, scale: 1 }),
    axes: [{ name: 't', unit: 's', start: 0, step: 1 / 8000 }],
    shape: soundShape,
    format: 'wav',
    cells: [32, 8],
    signal(i) {
      const values = smooth(soundShape, new Rng(200 + i)).map((v) => Math.round(0.9 * v * 32768) / 32768);
      return { id: `sound-${i}`, shape: soundShape, channels: 1, values };
    },
  },
  map: {
    name: 'map',
    outputs: [
      { name: 'temperature', unit: 'K', offset: 280, scale: 80, low: 240, peak: 80, sample: 'float32' },
    ],
    axes: [
      { name: 'latitude', unit: 'degrees', start: -82.5, step: 15, weight: 'cosine' },
      { name: 'longitude', unit: 'degrees', start: 7.5, step: 15, wraps: true },
    ],
    shape: mapShape,
    format: 'npy',
    cells: [4, 2],
    signal(i) {
      const own = smooth(mapShape, new Rng(300 + i));
      const values = own.map((v, p) => {
        const [y, x] = [Math.floor(p / 24), p % 24];
        // an island that nobody measured, elsewhere on each map
        const missing = Math.abs(y - 5) <= 1 && Math.abs(x - 3 - (i % 16)) <= 1;
        return missing ? Number.NaN : 300 - 2 * Math.abs(y - 5.5) ** 1.5 + 20 * v;
      });
      return { id: `map-${i}`, shape: mapShape, channels: 1, values };
    },
  },
};

/** The model of a kind, as make-kinds.ts left it. */
export function modelOfKind(name: KindName): Model {
  return readModel(new Uint8Array(readFileSync(pathOfKind(name))));
}

/** Where the model of a kind stands. */
export function pathOfKind(name: KindName): string {
  const { outputs, axes, shape, cells, signal } = kinds[name];
  const what = { outputs, axes, shape, cells, steps, first: [...signal(0).values].map(String), version: 1 };
  const digest = sha256Hex(new TextEncoder().encode(canonicalJson(what))).slice(0, 16);
  return join(folder, `${name}-${digest}.safetensors`);
}

const steps = 80;

/** Makes the models that are not there yet. */
export async function makeKinds(): Promise<void> {
  const missing = kindNames.filter((name) => !existsSync(pathOfKind(name)));
  if (missing.length === 0) return;
  const { openEngine } = await import('../src/engine/index.ts');
  const { makeModel } = await import('../src/jobs/testing.ts');
  const engine = await openEngine();
  mkdirSync(folder, { recursive: true });
  try {
    for (const name of missing) {
      const path = pathOfKind(name);
      const recipe = await recipeOf(kinds[name]);
      const card = cardOf(kinds[name], recipe);
      const signals = Array.from({ length: learnt }, (_, i) => kinds[name].signal(i));
      const source = sourceOf(
        name,
        card.outputs.length,
        signals.map((one) => ({ ...one, weights: weightsOf(card, one) })),
      );
      writeFileSync(`${path}.${process.pid}`, await makeModel(engine, { recipe, source, signals, card }));
      renameSync(`${path}.${process.pid}`, path);
    }
  } finally {
    await engine.close();
  }
}

async function recipeOf({ name, outputs, axes, shape, cells }: Kind) {
  const { presetRecipe, withOverrides } = await import('../src/learn/index.ts');
  const [{ offset, scale, peak }] = outputs as [Output];
  const levels = cells.map((cell, k) => ({ cell, channels: 6 - 2 * k }));
  return withOverrides(presetRecipe('fashion-mnist'), {
    name: `tiny-${name}`,
    spec: pyramid({ axes: axes.length, outputs: outputs.length, width: 16, layers: 2, w0: 10, levels }),
    shape,
    values: { offset, scale, peak },
    steps,
    flips: [],
    batch: 8,
    phases: { distortion: 40, rounded: 10, coded: 0 },
    validation: { every: steps, signals: 4 },
  });
}

function cardOf(
  { name, outputs, axes, shape }: Kind,
  recipe: Awaited<ReturnType<typeof recipeOf>>,
): ModelCard {
  return {
    name: recipe.name,
    family: name === 'picture' ? 'image' : name === 'sound' ? 'audio' : 'field',
    shape,
    anySize: true,
    outputs,
    axes,
    spec: recipe.spec,
    training: {
      dataset: name,
      split: 'train',
      steps: recipe.steps,
      batch: recipe.batch,
      seed: recipe.seed,
      lambda: recipe.lambda,
      innerSteps: recipe.innerSteps,
    },
    figures: {},
    licence: 'Apache-2.0',
    notes: 'For tests.',
  };
}
