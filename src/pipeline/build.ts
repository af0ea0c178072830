/** From a data set to a functaset: a function for every signal, stored as its file. */
import type { Dataset } from '../../datasets/dataset.ts';
import { openDataset } from '../../datasets/registry.ts';
import type { Signal } from '../../datasets/signal.ts';
import { AbortedError, ConflictError } from '../core/errors.ts';
import { defaultLimits } from '../core/limits.ts';
import { bitsPerPoint, meanPsnrOfItems } from '../core/units.ts';
import { pointCount } from '../field/spec.ts';
import type { Functaset, StoredFunction } from '../functaset/index.ts';
import { openingFor } from './data.ts';
import { defaultBatch, openSession } from './session.ts';
import { openFunctasetOf } from './store.ts';
import type { BuildOptions, BuildResult, Encoded, PipelineEvent } from './types.ts';
import { checkFits } from './values.ts';

const job = 'build';

/**
 * Fits, codes and stores the signals of a data set, a batch at a time; `onFlushed` names those that are on the disk.
 * A build that was stopped or killed goes on with `resume`, which leaves out what is stored. Throws ConflictError
 * `functaset-not-empty` or `functaset-network`, AbortedError, and what coding and storing throw; what was
 * acknowledged stays.
 */
export async function buildFunctaset(options: BuildOptions): Promise<BuildResult> {
  const { model, engine, path, resume = false, limits = defaultLimits } = options;
  const started = performance.now();
  const dataset = await openDataset(
    options.dataset,
    options.split,
    openingFor(model.card.spec.outputs, options),
  );
  try {
    const store = await openFunctasetOf(model, path);
    try {
      if (store.count > 0 && !resume) {
        throw new ConflictError(
          'functaset-not-empty',
          `${path} holds ${store.count} functions already; resume the build, or choose another path`,
        );
      }
      const session = openSession({ model, engine, limits });
      const errors: number[] = [];
      let bytes = 0;
      let points = 0;
      const encode = async (signals: readonly Signal[]) => {
        const { quality, effort, prior, signal } = options;
        const { items } = await session.encodeMany(signals, {
          ...{ quality, effort, prior, signal },
          batch: signals.length,
          archive: false,
        });
        await store.putMany(items.map((item, i) => stored(signals[i]!, item)));
        options.onFlushed?.(signals.map(({ id }) => id));
        for (const item of items) {
          errors.push(item.mse);
          bytes += item.bytes.length;
          points += pointCount(item.shape);
        }
        return { psnrDb: meanPsnrOfItems(errors), bitsPerPoint: bitsPerPoint(bytes, points) };
      };
      await storeAll(dataset, store, encode, options);
      const seconds = (performance.now() - started) / 1000;
      const total = store.count;
      options.onEvent?.({ type: 'end', job, done: total, seconds });
      const found = errors.length > 0 ? undefined : await store.stats();
      return {
        path,
        added: errors.length,
        total,
        psnrDbMeanOfItems: found === undefined ? meanPsnrOfItems(errors) : (found.meanPsnrDb ?? Number.NaN),
        bitsPerPoint:
          found === undefined
            ? bitsPerPoint(bytes, points)
            : bitsPerPoint(found.codedBytes, Math.max(1, total) * pointCount(model.card.shape)),
        seconds,
      };
    } finally {
      await store.close();
    }
  } finally {
    dataset.close();
  }
}

/** Walks the data set in order and hands on batches of signals of one shape that are not stored yet. */
async function storeAll(
  dataset: Dataset,
  store: Functaset,
  encode: (signals: readonly Signal[]) => Promise<Readonly<Record<string, number>>>,
  { model, limit, batch = defaultBatch, signal, onEvent }: BuildOptions,
): Promise<void> {
  const total = Math.min(limit ?? dataset.length, dataset.length);
  const tell = (event: PipelineEvent) => onEvent?.(event);
  tell({ type: 'start', job, total, done: 0, unit: 'functions' });
  let pending: Signal[] = [];
  const flush = async (done: number) => {
    if (pending.length === 0) return;
    const figures = await encode(pending);
    pending = [];
    tell({ type: 'progress', job, done, total, figures });
  };
  for (let i = 0; i < total; i++) {
    if (signal?.aborted) throw new AbortedError();
    const item = await dataset.get(i);
    if (store.has(item.id)) continue;
    checkFits(model, item);
    if (pending.length > 0 && pending[0]!.shape.join() !== item.shape.join()) await flush(i);
    pending.push(item);
    if (pending.length >= batch) await flush(i + 1);
  }
  await flush(total);
}

function stored({ id, label }: Signal, { shape, psnrDb, estimatedBits, bytes }: Encoded): StoredFunction {
  return { id, label, shape, psnrDb, bits: estimatedBits, content: { kind: 'file', bytes } };
}
