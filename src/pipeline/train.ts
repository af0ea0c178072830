/** Learning a base network from a data set: the model file, its card, and the log of how it was made. */
import { appendFile } from 'node:fs/promises';
import type { Dataset, OpenOptions } from '../../datasets/dataset.ts';
import { openDataset } from '../../datasets/registry.ts';
import { FunctaError, NotFoundError } from '../core/errors.ts';
import { tensor } from '../core/tensor.ts';
import { canonicalJson } from '../field/canonical.ts';
import type { Channels, ModelCard } from '../field/card.ts';
import { readModel, writeModel } from '../field/model.ts';
import type { TrainEvent, Trained, TrainingRecipe } from '../learn/index.ts';
import { train } from '../learn/index.ts';
import { openingFor, sourceOf } from './data.ts';
import { writeFailure, writeWhole } from './files.ts';
import { scalesTensor } from './fit.ts';
import type { PipelineEvent, TrainOptions, TrainResult } from './types.ts';

const job = 'learn';

/**
 * Runs a recipe over a data set and writes `out`; `<out>.checkpoint` and `<out>.log.jsonl` stand beside it. Throws what
 * `train` of src/learn throws, EnvironmentError `disk-full` or `cannot-write`.
 */
export async function trainModel(options: TrainOptions): Promise<TrainResult> {
  const { engine, recipe, out, resume = false, signal } = options;
  const at = openingFor(recipe.spec.outputs, options);
  const split = options.split ?? 'train';
  const started = performance.now();
  const data = await openDataset(options.dataset, split, at);
  const held = await openValidation(options.dataset, at);
  const log = new Log(`${out}.log.jsonl`);
  const seconds = () => (performance.now() - started) / 1000;
  try {
    log.write({ type: 'run', resume, dataset: options.dataset, split, engine: engine.name, recipe });
    const trained = await train({
      engine,
      recipe,
      source: sourceOf(data, options.limit),
      validation: held === undefined ? undefined : sourceOf(held),
      checkpointPath: `${out}.checkpoint`,
      resume,
      signal,
      onEvent: (event) => {
        log.write({ seconds: seconds(), ...event });
        options.onEvent?.(toPipelineEvent(event, seconds()));
      },
    });
    const bytes = writeModel({
      card: cardOf(options, data, trained),
      network: trained.network,
      steps: trained.steps,
      tensors: new Map([[scalesTensor, tensor(trained.scales)]]),
    });
    await writeWhole(out, bytes);
    await log.done();
    return { path: out, model: readModel(bytes), seconds: seconds() };
  } finally {
    await log.done().catch(() => undefined);
    data.close();
    held?.close();
  }
}

/** The validation split, where a data set has one. */
async function openValidation(name: string, at: OpenOptions): Promise<Dataset | undefined> {
  try {
    return await openDataset(name, 'validation', at);
  } catch (error) {
    if (error instanceof NotFoundError && error.code === 'empty-split') return undefined;
    throw error;
  }
}

const pictureChannels: Readonly<Record<number, Channels>> = { 1: 'grey', 3: 'rgb', 4: 'rgba' };

function cardOf(options: TrainOptions, data: Dataset, trained: Trained): ModelCard {
  const { recipe, commit } = options;
  const { spec } = recipe;
  const channels = spec.axes === 2 ? pictureChannels[spec.outputs] : undefined;
  return {
    name: recipe.name,
    family: channels === undefined ? 'field' : 'image',
    shape: [...recipe.shape],
    // Coordinates that are local to a cell mean the same in a signal of any size.
    anySize: !spec.features.global,
    values: { offset: recipe.values.offset, scale: recipe.values.scale },
    channels: channels ?? 'values',
    spec,
    training: {
      dataset: options.dataset,
      split: options.split ?? 'train',
      signals: Math.min(options.limit ?? data.length, data.length),
      steps: recipe.steps,
      batch: recipe.batch,
      seed: recipe.seed,
      lambda: recipe.lambda,
      peak: recipe.values.peak,
      innerSteps: recipe.innerSteps,
      engine: options.engine.name,
      skippedSteps: trained.skipped,
      recipe: canonicalJson(recipe),
      ...(commit === undefined ? {} : { commit }),
    },
    figures: figuresOf(recipe, trained),
    licence: options.licence ?? data.card.licence,
    notes: options.notes ?? '',
  };
}

/** Of the last validation: values not clamped, bits by one logistic a channel. */
function figuresOf(recipe: TrainingRecipe, { history }: Trained): Record<string, number> {
  const last = history.at(-1);
  if (last === undefined) return {};
  const figures: Record<string, number> = { validationSignals: last.signals };
  const put = (name: string, value: number) => {
    if (Number.isFinite(value)) figures[name] = Math.round(value * 1e4) / 1e4;
  };
  put(`psnrDbMeanOfItemsAt${recipe.innerSteps}StepsUnquantised`, last.psnrDb);
  for (const { quality, psnrDb, bitsPerPoint } of last.rounded) {
    put(`psnrDbMeanOfItemsAtQuality${quality}`, psnrDb);
    put(`logisticBitsPerPointAtQuality${quality}`, bitsPerPoint);
  }
  return figures;
}

function toPipelineEvent(event: TrainEvent, seconds: number): PipelineEvent {
  switch (event.type) {
    case 'start':
      return { type: 'start', job, total: event.steps, done: event.step, unit: 'steps' };
    case 'progress': {
      const { loss, psnrDb, bitsPerPoint } = event;
      return {
        type: 'progress',
        job,
        done: event.step,
        total: event.steps,
        figures: { psnrDb, bitsPerPoint, loss },
      };
    }
    case 'validation': {
      const rows = event.rounded.map(
        (row) => `q${row.quality} ${row.psnrDb.toFixed(2)} dB at ${row.bitsPerPoint.toFixed(3)} bits/point`,
      );
      const message = [
        `step ${event.step}, held-out: ${event.psnrDb.toFixed(2)} dB unquantised`,
        ...rows,
      ].join('; ');
      return { type: 'note', job, message };
    }
    case 'skipped':
      return { type: 'note', job, message: `step ${event.step} was left out: a number was not finite` };
    case 'checkpoint':
      return { type: 'checkpoint', job, path: event.path, done: event.step };
    case 'done':
      return { type: 'end', job, done: event.step, seconds };
    default:
      return event satisfies never;
  }
}

/** Lines of JSON, appended in order; the first failure is kept for `done`. */
class Log {
  readonly #path: string;
  #last: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  write(line: Readonly<Record<string, unknown>>): void {
    this.#last = this.#last.then(() => appendFile(this.#path, `${JSON.stringify(line)}\n`));
    this.#last.catch(() => undefined);
  }

  async done(): Promise<void> {
    try {
      await this.#last;
    } catch (error) {
      throw error instanceof FunctaError ? error : writeFailure(this.#path, error);
    }
  }
}
