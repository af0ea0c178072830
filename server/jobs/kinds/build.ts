/** A functaset of signals. */
import { join } from 'node:path';
import { buildFunctaset } from '../../../src/jobs/index.ts';
import { priorKind } from '../../../src/models/priors.ts';
import { openJobData, wantedBy } from '../data.ts';
import { loadJobModel } from '../model.ts';
import type { Outcome } from '../outcome.ts';
import type { SpecOf } from '../specs.ts';
import type { JobWork, WorkContext } from './index.ts';

const directory = 'store';

export const build: JobWork<'build'> = (spec, context) => buildStore(spec, context);

/** A store of the signals of a job, below the directory of its work. */
export async function buildStore(spec: SpecOf<'build' | 'add'>, context: WorkContext): Promise<Outcome> {
  const { engine, limits, inputs, places, onEvent, signal } = context;
  const model = await loadJobModel(inputs.model!);
  const { split = 'all', limit, quality, maxError, keep, effort, strict } = spec;
  const prior = spec.prior === undefined ? undefined : priorKind(spec.prior);
  const { data, close } = await openJobData(spec, context, split, wantedBy(model));
  try {
    const built = await buildFunctaset({
      ...{
        data,
        model,
        engine,
        limits,
        limit,
        quality,
        maxError,
        keep,
        effort,
        strict,
        prior,
        onEvent,
        signal,
      },
      path: join(places.work, directory),
      resume: true,
    });
    const { total, skipped, psnrDbMeanOfItems, bitsPerPoint } = built;
    return {
      functaset: { directory },
      figures: { functions: total, skipped, psnrDbMeanOfItems, bitsPerPoint },
    };
  } finally {
    await close();
  }
}
