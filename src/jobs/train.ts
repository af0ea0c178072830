/** Learning a base network from a data set: the model file, its card, and the log of how it was made. */

import { appendFile, rm, stat } from 'node:fs/promises';
import type { Dataset, OpenDatasetOptions } from '../../datasets/dataset.ts';
import { contextKind, readPrior } from '../../prior/registry.ts';
import { check } from '../core/check.ts';
import { BadInputError, FunctaError, NotFoundError } from '../core/errors.ts';
import { type Tensor, tensor } from '../core/tensor.ts';
import { writeFailure } from '../disk/failure.ts';
import { checkFree, writeWhole } from '../disk/whole.ts';
import { slopeTensor } from '../field/at-quality.ts';
import { canonicalJson, specDigest } from '../field/canonical.ts';
import type { ModelCard } from '../field/card.ts';
import { familyOf } from '../field/kinds.ts';
import { modulationLayout } from '../field/layout.ts';
import { type Model, readModel, writeModel } from '../field/model.ts';
import { scalesTensor } from '../fit/fit.ts';
import { priceWith } from '../fit/price.ts';
import type { TrainerOptions as LearnOptions, TrainEvent, Trained, TrainingRecipe } from '../learn/index.ts';
import { startFrom, stepRng, train } from '../learn/index.ts';
import { optionsOfTraining } from './arguments.ts';
import { kindOfData, nameOfData, type OpenedData, openData, openingFor, sourceOf } from './data.ts';
import { holds } from './files.ts';
import type { JobEvent, TrainModelOptions, TrainResult } from './types.ts';

const job = 'learn';

/**
 * Runs a recipe over a data set and writes `out`; `<out>.checkpoint` and `<out>.log.jsonl` stand beside it. Throws what
 * `train` of src/learn throws, ConflictError `output-exists`, EnvironmentError `disk-full` or `cannot-write`.
 *
 * @example
 * const recipe = withSteps(systemRecipe('spatial', await shapeOfData(data, 'all')), 4);
 * await trainModel({ data, recipe, engine, out: 'mine.safetensors' });
 */
export async function trainModel(options: TrainModelOptions): Promise<TrainResult> {
  check('trainModel', optionsOfTraining(options, 'options'));
  const { engine, recipe, out, resume = false, replace = false, signal } = options;
  // what a resumed run replaces is seen at its end: it has its output already if it was done
  const checkpointPath = `${out}.checkpoint`;
  if (!resume) await checkFree(out, { replace });
  if (!resume && replace && (await isDone(out, checkpointPath))) await rm(checkpointPath);
  const at = openingFor(recipe.spec.outputs, options);
  const split = options.split ?? 'train';
  const started = performance.now();
  const opened = await openData(options.data, split, at);
  const { data } = opened;
  checkCircle(recipe, data);
  const held = await openValidation(options, at);
  const log = new Log(`${out}.log.jsonl`);
  const seconds = () => (performance.now() - started) / 1000;
  try {
    const from = options.from?.id;
    log.write({
      type: 'run',
      resume,
      dataset: nameOfData(options.data),
      split,
      engine: engine.name,
      from,
      recipe,
    });
    const trained = await train({
      engine,
      recipe,
      source: sourceOf(data, options.limit),
      validation: held && sourceOf(held.data),
      start: await startOf(options),
      prices: pricesOf(options),
      checkpointPath,
      resume,
      signal,
      onEvent: (event) => {
        log.write({ seconds: seconds(), ...event });
        options.onEvent?.(toJobEvent(event, seconds()));
      },
    });
    const bytes = modelFile(options, data, trained);
    await writeWhole(out, bytes, { replace: replace || (await holds(out, bytes)) });
    await log.done();
    return { path: out, model: readModel(bytes), seconds: seconds() };
  } finally {
    await log.done().catch(() => undefined);
    opened.close();
    held?.close();
  }
}

/** Whether a checkpoint is of the run that made the model beside it: one that is newer may be of a run to go on with. */
async function isDone(out: string, checkpoint: string): Promise<boolean> {
  const [model, saved] = await Promise.all(
    [out, checkpoint].map((path) => stat(path).catch(() => undefined)),
  );
  return model !== undefined && saved !== undefined && saved.mtimeMs <= model.mtimeMs;
}

/** Throws BadInputError `recipe-data` where the field of a recipe goes round a circle and the signals do not. */
function checkCircle({ spec, values }: TrainingRecipe, data: Dataset): void {
  if (!spec.wraps || kindOfData(data, spec.axes, values).axes.at(-1)?.wraps) return;
  throw new BadInputError(
    'recipe-data',
    `the last axis of the recipe's field wraps, that of ${data.name} does not; leave "wraps" out of the recipe's spec, or say "wraps" of the axis in signals.json`,
  );
}

/** The model to learn on from; its quantiser holds only where all levels are its own. */
async function startOf({ from, recipe, engine, signal }: TrainModelOptions): Promise<LearnOptions['start']> {
  if (from === undefined) return undefined;
  const rng = stepRng(recipe.seed, 'weights', 0);
  const scales = from.tensors.get(scalesTensor)?.data;
  const use = scales && from.steps.map((step, c) => Number(scales[c]) / step);
  const network = await startFrom(engine, from.network, recipe.spec, rng, { ...recipe, use, signal });
  if (!isOfSpec(from, recipe) || !(scales instanceof Float32Array)) return { network };
  const scaleSlopes = from.tensors.get(slopeTensor(scalesTensor))?.data;
  const slopes =
    from.slopes && scaleSlopes instanceof Float32Array ? { ...from.slopes, scales: scaleSlopes } : undefined;
  return { network, steps: from.steps, scales, slopes };
}

/** Whether the model to learn on from has the recipe's levels. */
function isOfSpec(from: Model, recipe: TrainingRecipe): boolean {
  return specDigest(from.network.spec) === specDigest(recipe.spec);
}

/** Those of the model to learn on from, where its symbols are the recipe's: until others are trained, symbols are priced by them. */
function priorsOf({ from, recipe }: TrainModelOptions): [string, Tensor][] {
  if (from === undefined || !isOfSpec(from, recipe)) return [];
  return [...from.tensors].filter(([name]) => name.startsWith('prior.'));
}

/** What the prior of the model to learn on from charges, where its symbols are the recipe's. */
function pricesOf({ from, recipe }: TrainModelOptions): LearnOptions['prices'] {
  if (!recipe.coded.priced || from === undefined) return undefined;
  const kind = contextKind(from);
  if (kind === undefined || !isOfSpec(from, recipe)) return undefined;
  const prior = readPrior(from, kind);
  const layout = modulationLayout(recipe.spec, recipe.shape);
  return {
    id: from.id,
    at: (quality) => (symbols) => priceWith(prior, layout, Math.round(quality), symbols),
  };
}

function modelFile(options: TrainModelOptions, data: Dataset, trained: Trained): Uint8Array {
  const { network, steps, scales } = trained;
  const { lowest, highest } = options.recipe.quality;
  const slopes = trained.slopes && { ...trained.slopes, qualities: [lowest, highest] as const };
  const card = cardOf(options, data, trained);
  const tensors = new Map([...priorsOf(options), [scalesTensor, tensor(scales)]]);
  if (slopes !== undefined) tensors.set(slopeTensor(scalesTensor), tensor(slopes.scales));
  return writeModel({ card, network, steps, slopes, tensors });
}

/** Data to take figures on, where there are any. */
async function openValidation(
  { data, validation }: TrainModelOptions,
  at: OpenDatasetOptions,
): Promise<OpenedData | undefined> {
  if (validation !== undefined) return openData(validation, 'all');
  if (typeof data !== 'string') return undefined;
  try {
    return await openData(data, 'validation', at);
  } catch (error) {
    if (error instanceof NotFoundError && error.code === 'empty-split') return undefined;
    throw error;
  }
}

function cardOf(options: TrainModelOptions, data: Dataset, trained: Trained): ModelCard {
  const { recipe, commit, from } = options;
  const { spec } = recipe;
  const { offset, scale, peak } = recipe.values;
  const kind = kindOfData(data, spec.axes, recipe.values);
  return {
    name: recipe.name,
    family: familyOf(kind),
    shape: [...recipe.shape],
    // Coordinates that are local to a cell mean the same in a signal of any size.
    anySize: !spec.features.global,
    outputs: kind.outputs.map((output) => ({ ...output, offset, scale })),
    axes: kind.axes,
    spec,
    training: {
      dataset: nameOfData(options.data),
      split: data.split,
      signals: Math.min(options.limit ?? data.length, data.length),
      steps: recipe.steps,
      batch: recipe.batch,
      seed: recipe.seed,
      lambda: recipe.lambda,
      peak,
      innerSteps: recipe.innerSteps,
      engine: options.engine.name,
      skippedSteps: trained.skipped,
      ...(trained.rateCuts > 0 ? { rateCuts: trained.rateCuts } : {}),
      recipe: canonicalJson(recipe),
      ...(from === undefined ? {} : { from: from.id }),
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

function toJobEvent(event: TrainEvent, seconds: number): JobEvent {
  switch (event.type) {
    case 'start':
      return { type: 'start', job, total: event.steps, done: event.step, unit: 'steps' };
    case 'progress': {
      const { loss, psnrDb, bitsPerPoint, gradientNorm } = event;
      return {
        type: 'progress',
        job,
        done: event.step,
        total: event.steps,
        figures: { psnrDb, bitsPerPoint, loss, gradientNorm },
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
    case 'skipped': {
      const why =
        event.why === 'not-finite'
          ? 'a number was not finite'
          : `its gradient (norm ${event.gradientNorm.toPrecision(3)}) was far longer than all before it`;
      return { type: 'note', job, message: `step ${event.step} was left out: ${why}` };
    }
    case 'rates-cut': {
      const { step, growth, share } = event;
      const message = `at step ${step} gradients have grown ${growth.toFixed(0)}-fold: learning rates are halved, to 1/${1 / share} of the recipe's`;
      return { type: 'note', job, message };
    }
    case 'start-rates-cut': {
      const message = `inner steps raised the loss of the first batch: inner rates start at 1/${1 / event.share} of the estimate`;
      return { type: 'note', job, message };
    }
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
