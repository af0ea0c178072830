/** The model that something was made with, among those at hand. */
import type { Model } from '../field/model.ts';
import { listModels, loadModel, modelFilesIn } from './models.ts';

export interface FindModelOptions {
  /** Directories whose models are looked at, those below them too; default: the models of the package. */
  readonly directories?: readonly string[] | undefined;
  /** One more, without those below it: where the file stands that wants its model. */
  readonly beside?: string | undefined;
}

/** Whether a model is the one whose digest a file carries. */
export function isCodedBy(modelDigest: string): (model: Pick<Model, 'id' | 'networkId'>) => boolean {
  return ({ id, networkId }) => id.startsWith(modelDigest) || networkId.startsWith(modelDigest);
}

/**
 * The first model for which `fits` holds, with the names of those of `directories`. A damaged model in `directories` is thrown, one in
 * `beside` is not what was asked for.
 */
export async function findModelWith(
  fits: (model: Model) => boolean,
  { directories, beside }: FindModelOptions = {},
): Promise<{ readonly model: Model | undefined; readonly known: readonly string[] }> {
  const entries = await listModels(directories);
  const known = entries.map(({ name }) => name);
  for (const { path } of entries) {
    const model = await loadModel(path);
    if (fits(model)) return { model, known };
  }
  for (const path of beside === undefined ? [] : await modelFilesIn(beside)) {
    const model = await loadModel(path).catch(() => undefined);
    if (model !== undefined && fits(model)) return { model, known };
  }
  return { model: undefined, known };
}
