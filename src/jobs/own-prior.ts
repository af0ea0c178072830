/**
 * The prior of a functaset: a Gaussian over the modulations of its own functions, made when it is first asked for and kept beside
 * the store until that changes. What is unlikely in a set is what is unlike the set, whatever its model was learnt from.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Gaussian, openGaussian, trainGaussian } from '../../prior/gaussian/index.ts';
import { stepsAt } from '../../prior/quantiser.ts';
import { stepsOf, type TrainingSet } from '../../prior/train/standard.ts';
import { AbortedError, BadInputError } from '../core/errors.ts';
import { stoppable } from '../core/look.ts';
import { seal, unseal } from '../core/sealed.ts';
import { replaceWhole } from '../disk/whole.ts';
import { openMultiply } from '../engine/tfjs/multiply.ts';
import { atQuality, defaultQuality } from '../field/at-quality.ts';
import { modulationLayout } from '../field/layout.ts';
import { type Functaset, stampOf } from '../functaset/index.ts';
import { type FunctionSource, modulated, openStored } from '../session/functions.ts';
import { broughtTo } from '../session/refit.ts';

export interface OwnPriorOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Of fewer functions nothing is learnt that says what the set is like. */
export const leastFunctions = 64;
/** Functions that it is learnt from, spread evenly over the store, at most; and their numbers. */
const mostFunctions = 16_384;
const mostNumbers = 2 ** 25;
/** Functions for each direction of the covariance, at least: with fewer an outlier gets a direction of its own and is likely. */
const functionsPerDirection = 8;
const mostDirections = 256;
/**
 * What is odd in a set has so much variance that it gets directions of its own, and is likely then. Hence the least likely share is left
 * out and the rest learnt again, so many times (concentration steps: P. Rousseeuw and K. Van Driessen, Technometrics 41, 1999).
 */
const trimmed = 0.05;
const trims = 2;
const name = 'own-prior.gaussian';
const format = 'functa-own-prior/1';

/** With the bytes of its file, for those that hold a part of the functaset. */
export interface OwnPrior {
  readonly bytes: Uint8Array;
  readonly gaussian: Gaussian;
}

interface Kept {
  readonly stamp: string;
  readonly prior: Promise<OwnPrior>;
}

const open = new Map<string, Kept>();

/**
 * The Gaussian of the functions of the model's own shape, at quality 50; of samples their plain fits. Throws BadInputError `own-prior` where they are too few or all
 * alike, AbortedError, and what opening functions throws.
 */
export async function ownPrior(
  source: FunctionSource,
  store: Functaset,
  options: OwnPriorOptions = {},
): Promise<Gaussian> {
  return (await ownPriorFile(source, store, options)).gaussian;
}

/** Throws as `ownPrior`. */
export async function ownPriorFile(
  source: FunctionSource,
  store: Functaset,
  options: OwnPriorOptions = {},
): Promise<OwnPrior> {
  const stamp = stampOf(store);
  const key = `${store.path}\n${source.model.id}`;
  const known = open.get(key);
  if (known?.stamp === stamp) return known.prior;
  const prior = readOrMake(source, store, stamp, options);
  open.set(key, { stamp, prior });
  prior.catch(() => open.delete(key));
  return prior;
}

async function readOrMake(
  source: FunctionSource,
  store: Functaset,
  stamp: string,
  options: OwnPriorOptions,
): Promise<OwnPrior> {
  const path = join(store.path, name);
  // Of a model whose priors alone are others, the modulations are the same: what is kept is of the network and the store.
  const about = `${format}/${stamp.slice(0, 32)}`;
  const { networkId } = source.model;
  try {
    const kept = unseal(about, readFileSync(path), { what: path, remedy: 'it is made again' });
    return { bytes: kept, gaussian: openGaussian(kept, { networkId }) };
  } catch {
    // Not there, damaged, or of the store as it was: it is made again.
  }
  const bytes = await make(source, store, options);
  try {
    replaceWhole(path, (fresh) => writeFileSync(fresh, seal(about, bytes)));
  } catch {
    // A store that can only be read: the prior lives as long as this process.
  }
  return { bytes, gaussian: openGaussian(bytes, { networkId }) };
}

async function make(
  source: FunctionSource,
  store: Functaset,
  { signal, onProgress }: OwnPriorOptions,
): Promise<Uint8Array> {
  const { card, networkId } = source.model;
  const layout = modulationLayout(card.spec, card.shape);
  const most = Math.max(leastFunctions, Math.min(mostFunctions, Math.floor(mostNumbers / layout.length)));
  const stride = Math.max(1, Math.ceil(store.count / most));
  const rows: Float32Array[] = [];
  let seen = 0;
  for await (const page of openStored(source, store, { signal, onDamaged: () => {} })) {
    if (signal?.aborted) throw new AbortedError();
    const chosen = page.filter(({ shape }) => seen++ % stride === 0 && shape.join() === card.shape.join());
    const found = await modulated(source, chosen, { signal });
    for (const { modulation } of await broughtTo(source, found, defaultQuality, signal))
      rows.push(modulation);
    onProgress?.(seen, store.count);
  }
  if (rows.length < leastFunctions) {
    throw new BadInputError(
      'own-prior',
      `a prior of a functaset is learnt from ${leastFunctions} functions of [${card.shape}] or more, and ${store.path} has ${rows.length}; name a prior of the model`,
    );
  }
  const train = (set: TrainingSet) =>
    trainGaussian({
      ...{ set, networkId, data: 'the functaset that it stands in', signal },
      rank: Math.min(mostDirections, Math.floor(set.count / functionsPerDirection)),
      multiply: openMultiply(source.engine.threads),
    });
  let kept = rows;
  let bytes = await train(setOf(layout, kept));
  const steps = stepsOf(layout, stepsAt(atQuality(source.model, defaultQuality).steps, defaultQuality));
  for (let turn = 0; turn < trims; turn++) {
    const own = openGaussian(bytes);
    const bits = stoppable(signal, () => own.scoreAt(steps)(setOf(layout, rows).modulations, 0));
    const likely = Array.from(bits.keys()).sort((a, b) => bits[a]! - bits[b]! || a - b);
    kept = likely
      .slice(0, Math.ceil((1 - trimmed) * rows.length))
      .sort((a, b) => a - b)
      .map((i) => rows[i]!);
    bytes = await train(setOf(layout, kept));
  }
  return bytes;
}

function setOf(layout: TrainingSet['layout'], rows: readonly Float32Array[]): TrainingSet {
  const modulations = new Float32Array(rows.length * layout.length);
  rows.forEach((row, i) => {
    modulations.set(row, i * layout.length);
  });
  return { layout, count: rows.length, modulations, labels: [], labelOf: new Uint16Array(rows.length) };
}
