/** A context prior of a functaset's or a folder's own, from the model's (ADR 66). */
import { type AdaptedCard, writeAdapted } from '../../prior/adapted.ts';
import { contextKind } from '../../prior/registry.ts';
import { adaptAutoregressive } from '../../prior/train/adapt.ts';
import { check } from '../core/check.ts';
import { BadInputError } from '../core/errors.ts';
import { checkFree, writeWhole } from '../disk/whole.ts';
import { defaultQuality } from '../field/at-quality.ts';
import { loadModel } from '../models/models.ts';
import { optionsOfAdaptedPrior } from './arguments.ts';
import { nameOfData } from './data.ts';
import { openModulations } from './prior-data.ts';
import type { AdaptPriorOptions, AdaptPriorResult } from './types.ts';

const job = 'prior';

/**
 * Adapts the model's context prior to all functions of a set, or signals of data, and writes what it moved: a small file that is used as
 * a model. What is coded with it takes fewer bytes and is decoded with it alone. Throws BadInputError `one-source`, `prior-kind` (the model
 * has no such prior), ConflictError `output-exists`, AbortedError, and what reading and coding the signals throws.
 *
 * @example
 * const { path } = await adaptPrior({ engine, modelPath, data, steps: 2, out: 'adapted.safetensors' });
 * const { bytes } = await openSession({ model: await loadModel(path), engine }).encode(signal);
 */
export async function adaptPrior(options: AdaptPriorOptions): Promise<AdaptPriorResult> {
  check('adaptPrior', optionsOfAdaptedPrior(options, 'options'));
  const { modelPath, out, replace = false, quality = defaultQuality, effort = 1, onEvent, signal } = options;
  if ((options.functaset === undefined) === (options.data === undefined))
    throw new BadInputError(
      'one-source',
      'a prior is adapted to one functaset or one data set; give one of them',
    );
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  if (!replace) await checkFree(out, { replace: false });
  const model = await loadModel(modelPath);
  if (contextKind(model) === undefined)
    throw new BadInputError(
      'prior-kind',
      `model ${model.card.name} has no context prior that could be adapted; functa prior train makes one`,
    );
  const { engine, functaset, data, limit, cacheDir } = options;
  const from = { engine, modelPath, functaset, data, limit, cacheDir, effort, split: 'all' } as const;
  const coded = { qualities: [quality], codedOnly: true, turns: 1, onEvent, signal };
  const modulations = await openModulations(model, { ...from, ...coded }, true);
  try {
    const { source } = modulations;
    const { steps: trainingSteps, seed = 0, threads } = options;
    let began = false;
    const found = await adaptAutoregressive({
      ...{ modulations: source, spec: model.card.spec, steps: model.steps, tensors: model.tensors, quality },
      ...{ trainingSteps, seed, threads, signal },
      onStep: (step, steps, bitsPerSymbol) => {
        if (!began) onEvent?.({ type: 'start', job, total: steps, done: 0, unit: 'steps' });
        began = true;
        onEvent?.({ type: 'progress', job, done: step, total: steps, figures: { bitsPerSymbol } });
      },
    });
    const card: AdaptedCard = {
      ...{ model: model.card.name, modelId: model.id, networkId: model.networkId },
      recipe: {
        data: functaset === undefined ? nameOfData(data!) : modulations.data,
        signals: source.length,
        seed,
      },
      figures: { bytesBefore: round(found.bitsBefore / 8), bytesAfter: round(found.bitsAfter / 8) },
    };
    const bytes = writeAdapted(model.tensors, found.moves, card);
    await writeWhole(out, bytes, { replace });
    onEvent?.({ type: 'end', job, done: source.length, seconds: seconds() });
    return {
      ...{ path: out, model: await loadModel(out), signals: source.length },
      ...{ bytesBefore: found.bitsBefore / 8, bytesAfter: found.bitsAfter / 8 },
      ...{ fileBytes: bytes.length, seconds: seconds() },
    };
  } finally {
    await modulations.close();
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
