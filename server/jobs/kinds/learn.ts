/** A model of signals. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { trainModel } from '../../../src/jobs/index.ts';
import { openIfAny, openJobData } from '../data.ts';
import { loadJobModel } from '../model.ts';
import { checkedRecipe, recipeFor } from '../recipes.ts';
import type { JobWork } from './index.ts';

const file = 'model.safetensors';
const mediaType = 'application/octet-stream';

export const learn: JobWork<'learn'> = async (spec, context) => {
  const { engine, inputs, places, jobLimits, onEvent, signal } = context;
  const from = inputs.model === undefined ? undefined : await loadJobModel(inputs.model);
  const split = spec.split ?? ('functaset' in spec.data ? 'all' : 'train');
  const wanted = { outputs: checkedRecipe(spec, jobLimits)?.spec.outputs };
  const { data, close } = await openJobData(spec, context, split, wanted);
  const held = split === 'train' ? await openIfAny(spec, context, 'validation', wanted) : undefined;
  try {
    const recipe = await recipeFor(spec, data, held?.data, jobLimits);
    const out = join(places.work, file);
    const { model } = await trainModel({
      ...{ engine, recipe, data, from, out, onEvent, signal },
      validation: held?.data,
      limit: spec.limit,
      licence: spec.licence,
      notes: spec.notes,
      replace: true,
      resume: existsSync(`${out}.checkpoint`),
    });
    return {
      ...(spec.model === undefined
        ? { file: { file, mediaType } }
        : { model: { file, id: model.id, beside: [] } }),
      figures: numbersOf(model.card.figures),
    };
  } finally {
    await held?.close();
    await close();
  }
};

function numbersOf(figures: Readonly<Record<string, unknown>>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(figures).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  );
}
