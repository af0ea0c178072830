/** The words of a request for a job, looked up: a job that cannot be done is refused before it is taken in. */
import { existsSync, realpathSync } from 'node:fs';
import { join, sep } from 'node:path';
import { ConflictError, NotFoundError } from '../../src/core/errors.ts';
import type { Access } from '../access/access.ts';
import { refOf, type ServedModel } from '../catalogue.ts';
import {
  findFunctaset,
  findModel,
  findWritable,
  type InNamespace,
  modelOf,
  type ServerContext,
} from '../context.ts';
import { functasetPath, homeOf, modelPath } from '../home.ts';
import { checkDataset } from './data.ts';
import type { JobLimits } from './limits.ts';
import { checkedRecipe } from './recipes.ts';
import type { JobInputs } from './record.ts';
import type { DataSpec, JobSpec } from './specs.ts';

export interface AllowedDirectories {
  /** Paths by name. */
  readonly allowed: Readonly<Record<string, string>>;
}

/**
 * Throws NotFoundError `unknown-model`, `unknown-functaset`, `unknown-dataset`, `unknown-directory`; ConflictError `name-taken`,
 * `model-of-operator`, `prior-exists`; what recipes throw, and LimitError `limit-job-steps`.
 */
export function inputsOf(
  context: ServerContext & AllowedDirectories,
  spec: JobSpec,
  asker: Access,
  limits: JobLimits,
): JobInputs {
  const home = homeOf(context);
  const data = dataInputs(context, spec.data, asker);
  switch (spec.kind) {
    case 'build':
      checkFree(functasetPath(home, asker.namespace, spec.functaset), `functaset ${spec.functaset}`);
      checkNoOther(context.catalogue.functasets, spec.functaset, 'functaset');
      return { ...data, model: refOf(findModel(context, spec.model, asker)) };
    case 'add': {
      const served = findWritable(context, spec.functaset, asker);
      const { name, path, networkId } = served;
      return { ...data, target: { name, path, networkId }, model: refOf(modelOf(context, served)) };
    }
    case 'learn': {
      checkedRecipe(spec, limits);
      if (spec.model !== undefined) checkNewModel(context, spec.model, asker);
      const from = spec.from === undefined ? undefined : findModel(context, spec.from, asker);
      return { ...data, model: from && refOf(from) };
    }
    case 'prior': {
      const model = findModel(context, spec.model, asker);
      if (spec.as !== undefined && spec.as !== model.name) checkNewModel(context, spec.as, asker);
      else checkReplaceable(model, spec);
      return { ...data, model: refOf(model) };
    }
    case 'encode':
      return { ...data, model: refOf(findModel(context, spec.model, asker)) };
    default:
      return spec satisfies never;
  }

  function checkNewModel({ catalogue }: ServerContext, name: string, { namespace }: InNamespace): void {
    checkFree(modelPath(home, namespace, name), `model ${name}`);
    checkNoOther(catalogue.models, name, 'model');
  }
}

function dataInputs(
  context: ServerContext & AllowedDirectories,
  data: DataSpec,
  asker: InNamespace,
): Omit<JobInputs, 'model'> {
  if ('dataset' in data) checkDataset(data.dataset);
  if ('functaset' in data) {
    const { name, path, networkId, ...rest } = findFunctaset(context, data.functaset, asker);
    const model = refOf(modelOf(context, { name, path, networkId, ...rest }));
    return { functaset: { name, path, networkId, model } };
  }
  return 'directory' in data ? { directory: directoryOf(context.allowed, data) } : {};
}

/** The real path of what is asked for, which lies in what the operator allows, whatever links say. */
export function directoryOf(
  allowed: Readonly<Record<string, string>>,
  { directory, path = '' }: Extract<DataSpec, { directory: string }>,
): string {
  const root = Object.hasOwn(allowed, directory) ? realpathSync(allowed[directory]!) : undefined;
  if (root !== undefined) {
    const found = realOf(join(root, path));
    if (found === root || found?.startsWith(`${root}${sep}`)) return found;
  }
  const names = Object.keys(allowed).join(', ') || 'none; the operator allows some with --allow-directory';
  throw new NotFoundError(
    'unknown-directory',
    `there is no directory ${join(directory, path).slice(0, 128)} that jobs may read; allowed are: ${names}`,
  );
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

function checkFree(path: string, what: string): void {
  if (existsSync(path)) throw taken(what);
}

/** The operator's names are everybody's. */
function checkNoOther(
  served: readonly { readonly name: string; readonly namespace?: string | undefined }[],
  name: string,
  what: string,
): void {
  if (served.some((one) => one.name === name && one.namespace === undefined)) throw taken(`${what} ${name}`);
}

function taken(what: string): ConflictError {
  return new ConflictError('name-taken', `there is a ${what} already; remove it, or ask with another name`);
}

function checkReplaceable(
  { name, namespace, priors }: ServedModel,
  { kinds, replace }: Extract<JobSpec, { kind: 'prior' }>,
): void {
  if (namespace === undefined)
    throw new ConflictError(
      'model-of-operator',
      `model ${name} is the operator's and stays as it is; say with \`as\` what the one with the priors is called`,
    );
  const there = priors.filter((prior) => (kinds as readonly string[]).includes(prior.name));
  if (there.length > 0 && replace !== true)
    throw new ConflictError(
      'prior-exists',
      `model ${name} has ${there.map((prior) => prior.name).join(', ')} already; say replace, or another name with \`as\``,
    );
}
