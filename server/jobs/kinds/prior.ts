/** Priors of a model, trained on signals or on functions. */
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generativeKinds } from '../../../prior/kinds.ts';
import { trainPrior } from '../../../src/jobs/index.ts';
import { generativePath } from '../../../src/models/generative.ts';
import { type JobData, openJobData, wantedBy } from '../data.ts';
import { loadJobModel } from '../model.ts';
import type { JobWork } from './index.ts';

const file = 'model.safetensors';

export const prior: JobWork<'prior'> = async (spec, context) => {
  const { engine, inputs, places, onEvent, signal } = context;
  const { kinds, effort, steps, seed, limit } = spec;
  const model = await loadJobModel(inputs.model!);
  const out = join(places.work, file);
  // functions say more than the signals they decode to, where they are the model's own
  const own = inputs.functaset?.networkId === model.networkId ? inputs.functaset : undefined;
  let opened: JobData | undefined;
  if (own === undefined) {
    const split = spec.split ?? ('functaset' in spec.data ? 'all' : 'train');
    opened = await openJobData(spec, context, split, wantedBy(model));
  }
  try {
    const generative = generativeKinds.filter((kind) => (kinds as readonly string[]).includes(kind));
    const trained = await trainPrior({
      ...{ engine, out, kinds, effort, steps, seed, limit, onEvent, signal },
      modelPath: inputs.model!.path,
      functaset: own?.path,
      data: opened?.data,
      replace: true,
    });
    const rewritten = kinds.length > generative.length;
    // a model of another name is a file of its own, though its bytes be the same
    if (!rewritten && spec.as !== undefined) await copyFile(inputs.model!.path, out);
    return {
      model: {
        ...(rewritten || spec.as !== undefined ? { file } : {}),
        id: trained.model.id,
        beside: generative.map((kind) => ({ file: nameBeside(kind), kind })),
      },
      figures: Object.fromEntries(
        Object.entries(trained.bitsPerPoint).map(([kind, bits]) => [`${kind}BitsPerPoint`, bits]),
      ),
    };
  } finally {
    await opened?.close();
  }
};

function nameBeside(kind: (typeof generativeKinds)[number]): string {
  return generativePath(file, kind);
}
