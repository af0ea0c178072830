/** Models of jobs, which may have waited for hours. */
import { ConflictError } from '../../src/core/errors.ts';
import type { Model } from '../../src/field/model.ts';
import { loadModel } from '../../src/models/index.ts';
import type { ModelRef } from '../work/shelf.ts';

/** Throws ConflictError `model-replaced` where what stands there now is not the model that was meant, or is none. */
export async function loadJobModel({ name, path, id }: ModelRef): Promise<Model> {
  const model = await loadModel(path).catch(() => undefined);
  if (model?.id === id) return model;
  throw new ConflictError(
    'model-replaced',
    `model ${name} was replaced or removed since this job was asked for; ask for it again`,
  );
}
