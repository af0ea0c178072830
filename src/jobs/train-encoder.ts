/** An encoder of a model, learnt from a data set: the file that stands beside the model's and starts its searches (ADR 69). */
import { rm } from 'node:fs/promises';
import type { Dataset } from '../../datasets/dataset.ts';
import { check } from '../core/check.ts';
import { AbortedError, BadInputError, ConflictError } from '../core/errors.ts';
import { sha256Hex } from '../core/hash.ts';
import { defaultLimits } from '../core/limits.ts';
import { stoppable } from '../core/look.ts';
import { seal, unseal } from '../core/sealed.ts';
import { checkFree, writeWhole } from '../disk/whole.ts';
import type { Batch } from '../engine/engine.ts';
import { atQuality } from '../field/at-quality.ts';
import { canonicalJson } from '../field/canonical.ts';
import { type Encoder, writeEncoder } from '../field/encoder.ts';
import type { Model } from '../field/model.ts';
import { readSafetensors, writeSafetensors } from '../field/safetensors.ts';
import { adaptBatch } from '../fit/adapt.ts';
import { adaptPredicted } from '../fit/adapt-predicted.ts';
import { batchFor, rateOf } from '../fit/fit.ts';
import { EncoderSums } from '../fit/predict-learn.ts';
import { encoderPath } from '../models/encoder.ts';
import { loadModel } from '../models/models.ts';
import { groups } from '../session/session.ts';
import { cutBox } from '../signal/box.ts';
import type { Signal } from '../signal/signal.ts';
import { checkFits } from '../signal/values.ts';
import { weightsOf } from '../signal/weights.ts';
import { optionsOfEncoder } from './arguments.ts';
import { nameOfData, openData, openingForModel } from './data.ts';
import { checkpointAt } from './files.ts';
import type { TrainEncoderOptions, TrainEncoderResult } from './types.ts';

const job = 'encoder';
const format = 'encoder-checkpoint/1';

/** Gradients beyond the inner steps, for what is learnt from. */
const taughtGradients = 8;
/** Qualities that signals are fitted at in turn. */
const qualityCount = 5;
/** Signals to learn from, where nobody says: more hardly change the maps. */
const usualSignals = 4096;
/** Signals that are fitted together. */
const runSignals = 16;
/** Of so many runs the first is held out, at most so many. */
const heldOutEvery = 16;
const mostHeldOut = 16;
/** Runs between two checkpoints. */
const checkpointEvery = 64;

/**
 * Learns the maps that predict modulations from samples, on modulations that a long search finds, and writes them beside the model, or to `out`. While
 * it runs its sums are kept in `<out>.checkpoint`: the same call after a stop goes on from there. Throws BadInputError `encoder-field`
 * for fields that have no encoders, ConflictError `output-exists`, `other-run`, AbortedError, and what reading and fitting the signals throws.
 *
 * @example
 * await trainEncoder({ engine, modelPath, data, limit: 8, out: 'mine.encoder.safetensors' });
 */
export async function trainEncoder(options: TrainEncoderOptions): Promise<TrainEncoderResult> {
  check('trainEncoder', optionsOfEncoder(options, 'options'));
  const { engine, modelPath, data: ref, split = 'train', replace = false, onEvent, signal } = options;
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  // Its own encoder, if it has one, teaches it nothing.
  const { encoder: _, ...model } = await loadModel(modelPath);
  const out = options.out ?? encoderPath(model.path!);
  await checkFree(out, { replace });
  const sums = new EncoderSums(model.card.spec);
  const opened = await openData(ref, split, openingForModel(model, options));
  try {
    const { data } = opened;
    const count = Math.min(options.limit ?? usualSignals, data.length);
    const recipe = { data: nameOfData(ref), split, signals: count, gradients: taughtGradients };
    const qualities = qualitiesOf(model);
    const place = checkpointAt(`${out}.checkpoint`);
    const digest = sha256Hex(new TextEncoder().encode(canonicalJson({ id: model.id, recipe, qualities })));
    let next = await resumed(sums, await place.load(), digest);
    if (next > 0) onEvent?.({ type: 'note', job, message: `goes on from signal ${next}` });
    onEvent?.({ type: 'start', job, total: count, done: next, unit: 'signals' });
    const save = () => place.save(packed(sums, next, digest));
    const heldOut: Taught[] = [];
    for (let run = 0; run * runSignals < count; run++) {
      const [first, end] = [run * runSignals, Math.min(count, (run + 1) * runSignals)];
      const isHeldOut = run % heldOutEvery === 0 && heldOut.length < mostHeldOut;
      if (first < next && !isHeldOut) continue;
      const quality = qualities[run % qualities.length]!;
      const signals = await signalsOf(model, data, first, end, count);
      const all = groups(signals, runSignals).map((group) => ({
        batch: batchFor(model.card, group),
        quality,
      }));
      const whole = all.filter(({ batch }) => batch.weights?.includes(0) !== true);
      if (isHeldOut) heldOut.push(...whole);
      if (first >= next && (!isHeldOut || count <= runSignals)) {
        try {
          const found = await Promise.all(whole.map((one) => taught(model, engine, one, signal)));
          // All of a run or nothing: what is kept after a stop is whole.
          for (const [i, { batch }] of whole.entries()) sums.add(engine, batch, found[i]!, quality);
        } catch (error) {
          if (error instanceof AbortedError) await save();
          throw error;
        }
      }
      next = Math.max(next, end);
      onEvent?.({ type: 'progress', job, done: next, total: count, figures: {} });
      if (run % checkpointEvery === checkpointEvery - 1) await save();
    }
    if (heldOut.length === 0)
      throw new BadInputError(
        'all-missing',
        `all signals of ${nameOfData(ref)} have missing values; an encoder learns from whole ones`,
      );
    await save();
    onEvent?.({ type: 'note', job, message: 'solves for the maps' });
    const parts = stoppable(signal, () => sums.solve());
    const card = { networkId: model.networkId, model: model.card.name, recipe };
    const range = [qualities[0]!, qualities.at(-1)!] as const;
    const encoder: Encoder = { card: { ...card, qualities: range, figures: {} }, parts };
    const figures = await figuresOf({ ...model, encoder: () => encoder }, engine, heldOut, signal);
    await writeWhole(out, writeEncoder({ parts, card: { ...encoder.card, figures } }), { replace });
    await rm(`${out}.checkpoint`, { force: true });
    onEvent?.({ type: 'end', job, done: count, seconds: seconds() });
    return { path: out, model: model.card.name, signals: count, figures, seconds: seconds() };
  } finally {
    opened.close();
  }
}

/** Signals that were fitted, and at which quality. */
interface Taught {
  readonly batch: Batch;
  readonly quality: number;
}

/** From the lowest that the network was taught to the highest. */
function qualitiesOf({ slopes, card }: Model): number[] {
  const { recipe } = card.training;
  const own = typeof recipe === 'string' ? (JSON.parse(recipe) as { quality?: Range }).quality : undefined;
  const [lowest, highest] = slopes?.qualities ?? [own?.lowest ?? 35, own?.highest ?? 70];
  return Array.from({ length: qualityCount }, (_, i) =>
    Math.round(lowest + (i * (highest - lowest)) / (qualityCount - 1)),
  );
}

interface Range {
  readonly lowest: number;
  readonly highest: number;
}

/** Those of a run, spread evenly over the data; of large ones the middle. */
async function signalsOf(
  model: Model,
  data: Dataset,
  first: number,
  end: number,
  count: number,
): Promise<Signal[]> {
  const indices = Array.from({ length: end - first }, (_, i) =>
    Math.floor(((first + i + 0.5) * data.length) / count),
  );
  const signals = await Promise.all(indices.map((index) => data.get(index)));
  for (const one of signals) checkFits(model, one);
  return signals.map((one) => middleOf(model, one));
}

/** Of a signal that is more than twice as long as those that the network learnt from along an axis, so much of it. */
function middleOf({ card }: Model, signal: Signal): Signal {
  const { shape, channels } = signal;
  const count = shape.map((n, axis) => Math.min(n, 2 * card.shape[axis]!));
  if (count.join() === shape.join()) return signal;
  const box = { start: shape.map((n, axis) => Math.floor((n - count[axis]!) / 2)), count };
  const cut = (values: Float32Array, outputs: number) => cutBox(values, shape, outputs, box);
  const all = weightsOf(card, signal);
  return {
    ...{ id: signal.id, shape: count, channels, values: cut(signal.values, channels) },
    ...(all && { weights: cut(all, 1) }),
  };
}

/** What a long search finds, before symbols are chosen. */
async function taught(
  model: Model,
  engine: TrainEncoderOptions['engine'],
  { batch, quality }: Taught,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const { network, card } = atQuality(model, quality);
  const { innerSteps: learntSteps } = card.training;
  const rate = rateOf(atQuality(model, quality), batch, quality);
  const steps = learntSteps + taughtGradients;
  return (await adaptBatch(engine, network, batch, { steps, learntSteps, rate, signal })).modulations;
}

/** Mean PSNR of held-out signals, before numbers are quantised: by effort 1 from the encoder and from zero. */
async function figuresOf(
  model: Model,
  engine: TrainEncoderOptions['engine'],
  heldOut: readonly Taught[],
  signal: AbortSignal | undefined,
): Promise<Record<string, number>> {
  const sums = { psnrDbPredicted: 0, psnrDbInnerSteps: 0 };
  let signals = 0;
  for (const { batch, quality } of heldOut) {
    const own = atQuality(model, quality);
    const { network, card } = own;
    const plain = { from: quality, rate: rateOf(own, batch, quality) };
    const predicted = await adaptPredicted(own, engine, batch, {
      plain,
      further: 0,
      rate: undefined,
      signal,
    });
    const { innerSteps: steps } = card.training;
    const inner = await adaptBatch(engine, network, batch, { steps, learntSteps: steps, signal });
    const size = batch.targets.length / batch.count;
    // The mean over outputs of what an error in field units is of the peak.
    const unit =
      card.outputs.reduce((sum, { scale, peak }) => sum + (scale / peak) ** 2, 0) / card.outputs.length;
    const psnr = async (modulations: Float32Array) => {
      const { losses } = await engine.gradient(network, batch, modulations, { signal });
      return losses.reduce(
        (sum, loss) => sum - 10 * Math.log10(Math.max(1e-12, (2 * loss * unit) / size)),
        0,
      );
    };
    sums.psnrDbPredicted += await psnr(predicted!.modulations);
    sums.psnrDbInnerSteps += await psnr(inner.modulations);
    signals += batch.count;
  }
  return Object.fromEntries(
    Object.entries(sums).map(([name, sum]) => [name, Math.round((1e4 * sum) / signals) / 1e4]),
  );
}

function packed(sums: EncoderSums, next: number, digest: string): Uint8Array {
  return seal(format, writeSafetensors(sums.tensors(), { digest, next: String(next) }));
}

/** How many signals were added before; 0 without a checkpoint. */
async function resumed(sums: EncoderSums, sealed: Uint8Array | undefined, digest: string): Promise<number> {
  if (sealed === undefined) return 0;
  const bytes = unseal(format, sealed, {
    what: 'the checkpoint of this encoder',
    remedy: 'remove it (the .checkpoint file beside the output) and learn from the start',
  });
  const { tensors, metadata } = readSafetensors(bytes, { ...defaultLimits, maxFileBytes: bytes.length });
  if (metadata.digest !== digest)
    throw new ConflictError(
      'other-run',
      'the checkpoint belongs to another encoder; choose another place for it or the old settings',
    );
  sums.restore(tensors);
  return Number(metadata.next);
}
