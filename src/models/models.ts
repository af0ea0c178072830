/** Model files by name or path. */

import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { adaptedFormat } from '../../prior/adapted.ts';
import { generativeKinds } from '../../prior/kinds.ts';
import { aText, check, listOf, optionsOf } from '../core/check.ts';
import { EnvironmentError, FunctaError, NotFoundError } from '../core/errors.ts';
import { sha256Hex } from '../core/hash.ts';
import { checkLimit, defaultLimits, type Limits } from '../core/limits.ts';
import { packageRoot } from '../disk/package.ts';
import { isModelFormat, type Model, readModel } from '../field/model.ts';
import { adaptedModel, isAnyModelFormat } from './adapted.ts';
import { withEncoder } from './encoder.ts';
import { fileKindIn, fileKindOf, modelSuffix } from './file-kind.ts';

/** A model file found in a directory of models. */
export interface ModelEntry {
  readonly name: string;
  readonly path: string;
  readonly fileBytes: number;
}

/** The kind of a classifier beside a model's file. */
export const classifierName = 'classifier';

/**
 * The directory of the models that come with the package.
 *
 * @example
 * const models = await listModels([bundledModels(), 'mine']);
 */
export function bundledModels(): string {
  return join(packageRoot(), 'models');
}

/**
 * Models of directories (default: the bundled ones), sorted by name; priors and classifiers beside them are none. A directory
 * that is not there has none.
 *
 * @example
 * const names = (await listModels()).map(({ name }) => name);
 */
export async function listModels(directories: readonly string[] = [bundledModels()]): Promise<ModelEntry[]> {
  check('listModels', listOf(aText, 'directories')(directories, 'directories'));
  const found = new Map<string, ModelEntry>();
  for (const directory of directories) {
    const files = await readdir(directory, { withFileTypes: true, recursive: true }).catch(() => []);
    for (const file of files) {
      const stem = basename(file.name, modelSuffix);
      const name = stem === 'model' ? basename(file.parentPath) : stem;
      if (!file.isFile() || extname(file.name) !== modelSuffix || found.has(name)) continue;
      if (stem === classifierName || generativeKinds.some((kind) => kind === stem)) continue;
      const path = join(file.parentPath, file.name);
      const kind = await fileKindOf(path);
      // A damaged file is listed as the model that it may be: whoever loads it hears of it.
      if (typeof kind === 'object' && !isAnyModelFormat(kind.format)) continue;
      found.set(name, { name, path, fileBytes: (await stat(path)).size });
    }
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Model files of a directory itself, by name; none where it cannot be read. */
export async function modelFilesIn(directory: string): Promise<string[]> {
  const names = await readdir(directory).catch(() => []);
  const found: string[] = [];
  for (const name of names.filter((name) => extname(name) === modelSuffix).sort()) {
    const path = join(directory, name);
    const kind = await fileKindOf(path);
    if (typeof kind === 'object' && isAnyModelFormat(kind.format)) found.push(path);
  }
  return found;
}

/** The path of a model given by path, or by name within directories. Throws NotFoundError `unknown-model`. */
export async function findModel(ref: string, directories?: readonly string[]): Promise<string> {
  const isFile = await stat(ref).then(
    (found) => found.isFile(),
    () => false,
  );
  if (isFile) return ref;
  const entries = await listModels(directories);
  const entry = entries.find(({ name }) => name === ref);
  if (entry !== undefined) return entry.path;
  const known = entries.map(({ name }) => name).join(', ') || 'none here';
  throw new NotFoundError('unknown-model', `no model is called ${ref}, and no file is; there are: ${known}`);
}

/**
 * Reads a model by path, or by name within `directories` (default: the bundled ones), with the encoder beside it; of an adapted prior, the model that it adapts, with it.
 * Throws NotFoundError `unknown-model`, `model-not-here` (that of an adapted prior), BadStreamError when the file is no model, BadInputError `encoder-network` where the encoder beside it is another's, LimitError, EnvironmentError `model-unreadable`.
 *
 * @example
 * const bundled = await loadModel('cifar10');
 */
export async function loadModel(
  ref: string,
  options: {
    readonly directories?: readonly string[] | undefined;
    readonly limits?: Limits | undefined;
  } = {},
): Promise<Model> {
  check(
    'loadModel',
    aText(ref, 'model'),
    optionsOf({ directories: listOf(aText, 'directories') })(options, 'options'),
  );
  const path = await findModel(ref, options.directories);
  const limits = options.limits ?? defaultLimits;
  try {
    const { size } = await stat(path);
    checkLimit('file-bytes', size, limits.maxFileBytes, `${path} is larger than a model may be`);
    const bytes = await readFile(path);
    const kind = fileKindIn(bytes);
    if (typeof kind === 'object' && kind.format === adaptedFormat)
      return await adaptedModel(bytes, path, limits, (base) => findBase(base, path, options.directories));
    return await withEncoder({ ...readModel(bytes, limits), path }, limits);
  } catch (error) {
    if (error instanceof FunctaError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new EnvironmentError('model-unreadable', `${path} cannot be read: ${reason}`, { cause: error });
  }
}

/** The model of an id, by its name first: of the directories, and beside `path`. */
async function findBase(
  { name, id }: { readonly name: string; readonly id: string },
  path: string,
  directories?: readonly string[],
): Promise<Model | undefined> {
  const listed = await listModels(directories);
  const beside = (await modelFilesIn(dirname(path))).map((own) => ({
    name: basename(own, modelSuffix),
    path: own,
  }));
  for (const entry of [...listed, ...beside].sort(
    (a, b) => Number(b.name === name) - Number(a.name === name),
  )) {
    // one that cannot be read is not it
    const bytes = await readFile(entry.path).catch(() => undefined);
    if (bytes === undefined) continue;
    const kind = fileKindIn(bytes);
    if (typeof kind === 'object' && isModelFormat(kind.format) && sha256Hex(bytes) === id)
      return withEncoder({ ...readModel(bytes), path: entry.path }, defaultLimits);
  }
  return undefined;
}
