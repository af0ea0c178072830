/** Gives what a job made its name, and serves it. Every step may be done again after the process ended in the middle of it. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ConflictError, FunctaError } from '../../src/core/errors.ts';
import { placeFile } from '../../src/disk/place.ts';
import { readModel } from '../../src/field/model.ts';
import { pathBeside } from '../../src/models/beside.ts';
import type { Catalogue } from '../catalogue.ts';
import { functasetPath, type Home, modelPath } from '../home.ts';
import type { Pool } from '../work/pool.ts';
import type { Writer } from '../writer/writer.ts';
import { merge } from './merge.ts';
import type { Outcome } from './outcome.ts';
import type { JobPlaces, JobRecord, JobResult } from './record.ts';

export interface PublishContext {
  readonly home: Home;
  readonly catalogue: Catalogue;
  readonly pool: Pool;
  readonly writer: Writer;
}

/** Throws ConflictError `name-taken`, `model-replaced`, EnvironmentError `disk-full` or `cannot-write`. */
export async function publish(
  context: PublishContext,
  record: JobRecord,
  places: JobPlaces,
  { functaset, model, file, figures }: Outcome,
): Promise<JobResult> {
  const { spec, namespace, inputs } = record;
  const result: { -readonly [M in keyof JobResult]: JobResult[M] } = { figures: finite(figures) };
  if (functaset !== undefined && spec.kind === 'build') {
    const name = spec.functaset;
    const path = functasetPath(context.home, namespace, name);
    await named(`functaset ${name}`, context.writer.adopt(join(places.work, functaset.directory), path));
    await context.catalogue.addFunctaset({ name, path, namespace });
    result.functaset = name;
  }
  if (functaset !== undefined && spec.kind === 'add') {
    Object.assign(result.figures, await merge(context, record, join(places.work, functaset.directory)));
    result.functaset = spec.functaset;
  }
  if (model !== undefined && (spec.kind === 'learn' || spec.kind === 'prior')) {
    const { name, path, replace } = target(context.home, { spec, namespace, inputs });
    if (replace) await checkStill(path, [inputs.model!.id, model.id], name);
    for (const { file: beside, kind } of model.beside)
      await placeFile(join(places.work, beside), pathBeside(path, kind), { replace: true });
    if (model.file !== undefined)
      await named(`model ${name}`, placeFile(join(places.work, model.file), path, { replace }));
    const { size } = await stat(path);
    await context.catalogue.addModel({ name, path, fileBytes: size, namespace });
    result.model = name;
    result.modelId = model.id;
  }
  if (file !== undefined) {
    await placeFile(join(places.work, file.file), places.result, { replace: true });
    result.mediaType = file.mediaType;
    result.fileBytes = (await stat(places.result)).size;
  }
  return result;
}

/** The file of the model that a job makes; `replace`: it takes the place of the model that the job began with. */
function target(
  home: Home,
  { spec, namespace, inputs }: Pick<JobRecord, 'spec' | 'namespace' | 'inputs'>,
): { readonly name: string; readonly path: string; readonly replace: boolean } {
  if (spec.kind === 'learn') {
    const name = spec.model!;
    return { name, path: modelPath(home, namespace, name), replace: false };
  }
  const { as } = spec as Extract<typeof spec, { kind: 'prior' }>;
  const name = as ?? inputs.model!.name;
  const replace = as === undefined || as === inputs.model!.name;
  return { name, path: replace ? inputs.model!.path : modelPath(home, namespace, name), replace };
}

/** Throws ConflictError `model-replaced` unless what stands there is the model that was meant, or the new one already. */
async function checkStill(path: string, ids: readonly string[], name: string): Promise<void> {
  const bytes = await readFile(path).catch(() => undefined);
  if (bytes !== undefined && ids.includes(readModel(bytes).id)) return;
  throw new ConflictError(
    'model-replaced',
    `model ${name} was replaced or removed while its priors were trained; train them again`,
  );
}

/** A name that is taken, without its path. */
async function named(what: string, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof FunctaError) || error.code !== 'output-exists') throw error;
    throw new ConflictError('name-taken', `there is a ${what} by now; remove it, or ask with another name`);
  }
}

/** JSON has no infinity. */
export function finite(figures: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(figures).filter(([, value]) => Number.isFinite(value)));
}
