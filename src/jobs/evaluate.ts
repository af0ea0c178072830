/**
 * Rate and distortion of a model over a data set, from the bytes of real files: what `functa eval` prints.
 *
 * Per item: `fileBytes` of its own file; `archiveBytes` of one archive of all items, over items; PSNR of the picture
 * decoded from its file, rounded and clamped to 8 bits. `encodeMs` is adaptation (in batches, shared equally) and entropy coding;
 * `decodeMs` is entropy decoding and evaluation at the signal's size, one file at a time; both leave reading and writing
 * of pictures out. `histogramBytes` is an archive of the same symbols through the `histogram` prior, over items.
 */

import { encodeArchive, readArchiveIndex } from '../../codec/index.ts';
import { check } from '../core/check.ts';
import { AbortedError, BadInputError } from '../core/errors.ts';
import { defaultLimits } from '../core/limits.ts';
import { bitsPerPoint, meanPsnrOfItems, psnrOfMeanMse } from '../core/units.ts';
import { pointCount } from '../field/spec.ts';
import { type Fitted, fitSignals } from '../fit/fit.ts';
import { bestPrior, priorKind, priorsOf } from '../models/priors.ts';
import { archiveOf, headerBytesOf } from '../session/coding.ts';
import { functionRows } from '../session/function-rows.ts';
import { inlineWork } from '../session/inline-work.ts';
import { defaultBatch, groups } from '../session/session.ts';
import type { Coded } from '../session/work.ts';
import { errorAgainst, type SignalError } from '../signal/errors.ts';
import { collectRows } from '../signal/rows.ts';
import type { Signal } from '../signal/signal.ts';
import { checkFits } from '../signal/values.ts';
import { optionsOfEval } from './arguments.ts';
import { nameOfData, openData, openingForModel } from './data.ts';
import { checkPeers, type PeerName } from './peer-names.ts';
import type { Peer } from './peers.ts';
import type { EvalOptions, EvalQuality, EvalResult, JobEvent, PeerPoint } from './types.ts';

const job = 'eval';
const defaultQualities = [30, 40, 50, 60];

/**
 * Throws BadInputError `no-qualities`, `unknown-peer`, `empty-dataset`; AbortedError; what coding and data sets throw.
 *
 * @example
 * const { qualities } = await evaluate({ model, engine, data, qualities: [50], limit: 4 });
 */
export async function evaluate(options: EvalOptions): Promise<EvalResult> {
  check('evaluate', optionsOfEval(options, 'options'));
  const { model, engine, split = 'all', effort = 1, qualities = defaultQualities } = options;
  const prior = options.prior ?? bestPrior(model);
  if (qualities.length === 0)
    throw new BadInputError('no-qualities', 'give at least one quality to evaluate at');
  const peerNames = checkPeers(options.peers ?? []);
  // codecs are loaded where they are asked for
  if (peerNames.length > 0) (await import('./peer-codecs.ts')).checkCompared(model.card, peerNames);
  const started = performance.now();
  const signals = await readSignals(options);
  const total = signals.length * qualities.length;
  const tell = (event: JobEvent) => options.onEvent?.(event);
  tell({ type: 'start', job, total, done: 0, unit: 'signals coded' });
  const peers = peerNames.length === 0 ? [] : await peersOf(options, peerNames, signals);
  for (const { name, applies } of peers) {
    if (applies) continue;
    const message = `${name} holds no ${signals[0]!.channels} channels and is left out`;
    tell({ type: 'note', job, message });
  }
  const run = new Run(options, signals, prior, effort);
  const rows: EvalQuality[] = [];
  for (const [i, quality] of qualities.entries()) {
    const row = await run.at(quality, (done) => {
      tell({ type: 'progress', job, done: i * signals.length + done, total, figures: { quality } });
    });
    const points: Record<string, PeerPoint> = {};
    for (const peer of peers) {
      if (!peer.applies) continue;
      tell({ type: 'note', job, message: `${peer.name} at ${row.psnrDbMeanOfItems.toFixed(2)} dB` });
      points[peer.name] = await peer.at(row.psnrDbMeanOfItems);
    }
    rows.push({ ...row, peers: points });
  }
  tell({ type: 'end', job, done: total, seconds: (performance.now() - started) / 1000 });
  return {
    model: model.card.name,
    dataset: nameOfData(options.data),
    split,
    n: signals.length,
    prior,
    effort,
    engine: engine.name,
    qualities: rows,
  };
}

/** One model over fixed signals, at one quality after another. */
class Run {
  readonly #options: EvalOptions;
  readonly #signals: readonly Signal[];
  readonly #prior: string;
  readonly #effort: number;
  /** Effort 1 adapts alike at every quality of a network that does not change with it: once. */
  #fitted: { fitted: Fitted[]; ms: number } | undefined;

  constructor(options: EvalOptions, signals: readonly Signal[], prior: string, effort: number) {
    this.#options = options;
    this.#signals = signals;
    this.#prior = prior;
    this.#effort = effort;
  }

  async at(quality: number, onItem: (done: number) => void): Promise<Omit<EvalQuality, 'peers'>> {
    const { model, engine, signal: abort } = this.#options;
    const { fitted, ms } = await this.#fit(quality);
    const items: (Coded & { readonly shape: readonly number[] })[] = [];
    const errors: SignalError[] = [];
    const sums = { files: 0, headers: 0, bits: 0, codeMs: 0, decodeMs: 0, points: 0 };
    for (const [i, signal] of this.#signals.entries()) {
      if (abort?.aborted) throw new AbortedError();
      const { shape } = signal;
      const { modulation, symbols } = fitted[i]!;
      const codeStart = performance.now();
      const coded = await inlineWork.code(model, { modulation, symbols, shape, quality, prior: this.#prior });
      const decodeStart = performance.now();
      const task = { bytes: coded.bytes, item: 0, limits: defaultLimits };
      const found = await inlineWork.decode(model, task);
      const stream = functionRows({ model, engine }, found, { limits: defaultLimits });
      const decoded = await collectRows(stream);
      sums.decodeMs += performance.now() - decodeStart;
      sums.codeMs += decodeStart - codeStart;
      sums.files += coded.bytes.length;
      sums.headers += headerBytesOf(coded.bytes);
      sums.bits += coded.estimatedBits;
      sums.points += pointCount(shape);
      errors.push(errorAgainst(model.card, signal, decoded));
      items.push({ ...coded, shape });
      onItem(i + 1);
    }
    const n = items.length;
    const mses = errors.map(({ mse }) => mse);
    const archive = archiveOf(model, items);
    const { perStream } = readArchiveIndex(archive);
    return {
      quality,
      fileBytes: sums.files / n,
      fileBytesWithoutHeader: (sums.files - sums.headers) / n,
      archiveBytes: archive.length / n,
      bitsPerPoint: bitsPerPoint(sums.files, sums.points),
      archiveBitsPerPoint: bitsPerPoint(archive.length, sums.points),
      estimatedBits: sums.bits / n,
      psnrDbMeanOfItems: meanPsnrOfItems(mses),
      psnrDbOfMeanMse: psnrOfMeanMse(mses),
      rmse: model.card.outputs.map((_, o) =>
        Math.sqrt(errors.reduce((sum, own) => sum + own.rmse[o]! ** 2, 0) / n),
      ),
      maxError: model.card.outputs.map((_, o) => Math.max(...errors.map((own) => own.maxError[o]!))),
      encodeMs: (ms + sums.codeMs) / n,
      decodeMs: sums.decodeMs / n,
      histogramBytes: priorsOf(model).includes('histogram')
        ? encodeArchive(model, items, { quality, prior: 'histogram', perStream }).length / n
        : null,
    };
  }

  async #fit(quality: number): Promise<{ fitted: Fitted[]; ms: number }> {
    if (this.#fitted !== undefined) return this.#fitted;
    const { model, engine, batch = defaultBatch, signal } = this.#options;
    const started = performance.now();
    const fitted: Fitted[] = [];
    for (const group of groups(this.#signals, batch)) {
      if (signal?.aborted) throw new AbortedError();
      const request = { quality, effort: this.#effort, prior: priorKind(this.#prior), signal };
      fitted.push(...(await fitSignals(model, engine, group, request)));
    }
    const found = { fitted, ms: performance.now() - started };
    if (this.#effort === 1 && model.slopes === undefined) this.#fitted = found;
    return found;
  }
}

async function peersOf(
  { signal }: EvalOptions,
  names: readonly PeerName[],
  signals: readonly Signal[],
): Promise<readonly Peer[]> {
  const { Peer } = await import('./peers.ts');
  return names.map((name) => new Peer(name, signals, signal));
}

async function readSignals({
  model,
  data: ref,
  split = 'all',
  limit,
  cacheDir,
  signal,
}: EvalOptions): Promise<Signal[]> {
  const { data, close } = await openData(ref, split, openingForModel(model, { cacheDir }));
  try {
    const signals: Signal[] = [];
    for (let i = 0; i < Math.min(limit ?? data.length, data.length); i++) {
      if (signal?.aborted) throw new AbortedError();
      const item = await data.get(i);
      checkFits(model, item);
      signals.push(item);
    }
    if (signals.length === 0)
      throw new BadInputError('empty-dataset', `${nameOfData(ref)} ${split} has no signals to evaluate`);
    return signals;
  } finally {
    close();
  }
}
