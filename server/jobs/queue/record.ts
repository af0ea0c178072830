/** Jobs as a shared database has them, and as they are told of and worked on here. */
import { isAbsolute, join, relative, sep } from 'node:path';
import { ConflictError } from '../../../src/core/errors.ts';
import type { NumberedEvent, QueuedEvent, QueuedJob } from '../../../src/postgres/index.ts';
import type { ToldJob } from '../book.ts';
import type { EventLine, JobEventBody } from '../log.ts';
import type { JobInputs, JobRecord } from '../record.ts';

/** What is kept of a request. Paths of its inputs are below a home, and mean the same in every home; one of the operator has none. */
export interface Asked {
  readonly spec: JobRecord['spec'];
  readonly inputs: JobInputs;
}

export function toldJob(job: QueuedJob): ToldJob {
  const progress = job.progress as ToldJob['progress'] | null;
  return { record: recordOf(job), progress: progress ?? undefined };
}

export function recordOf(job: QueuedJob): JobRecord {
  const { id, namespace, state, idempotencyKey: key, idempotencyDigest: digest } = job;
  return {
    ...{ id, namespace, state },
    ...(job.asked as Asked),
    madeAt: job.madeAt.toISOString(),
    ...(job.startedAt === null ? {} : { startedAt: job.startedAt.toISOString() }),
    ...(job.endedAt === null ? {} : { endedAt: job.endedAt.toISOString() }),
    ...(job.result === null ? {} : { result: job.result as NonNullable<JobRecord['result']> }),
    ...(job.fault === null ? {} : { fault: job.fault as NonNullable<JobRecord['fault']> }),
    ...(key === null || digest === null ? {} : { idempotency: { key, digest } }),
  };
}

export function eventOf({ type, ...body }: JobEventBody): QueuedEvent {
  return { type, body: JSON.stringify(body) };
}

export function lineOf({ id, type, at, body }: NumberedEvent): EventLine {
  return { id, type, text: JSON.stringify({ id, type, at: at.toISOString(), ...JSON.parse(body) }) };
}

/** Inputs as every machine understands them. Throws ConflictError `not-shared` for a functaset of this server alone. */
export function portable(inputs: JobInputs, root: string): JobInputs {
  const { model, functaset, target } = inputs;
  const path = (given: string) => below(root, given);
  const shared = <T extends { readonly name: string; readonly path: string }>(ref: T): T => {
    const inside = path(ref.path);
    if (inside !== '') return { ...ref, path: inside };
    throw new ConflictError(
      'not-shared',
      `functaset ${ref.name} is on the disk of this server alone, where no worker reads it; copy it into the database: functa store copy`,
    );
  };
  return {
    model: model && { ...model, path: path(model.path) },
    functaset: functaset && {
      ...shared(functaset),
      model: { ...functaset.model, path: path(functaset.model.path) },
    },
    target: target && shared(target),
  };
}

/** With `/` between its parts; empty: it is outside. */
function below(root: string, path: string): string {
  const inside = relative(root, path);
  return inside.startsWith('..') || isAbsolute(inside) ? '' : inside.split(sep).join('/');
}

/** NAMESPACE and NAME of `KIND/NAMESPACE/NAME`, a path below a home; `+` stands for no namespace. */
export function ownerOf(path: string): { readonly namespace: string; readonly name: string } {
  const [, namespace = '', file = ''] = path.split('/');
  return { namespace: namespace === '+' ? '' : namespace, name: file.replace(/\.safetensors$/, '') };
}

export function placeIn(root: string, path: string): string {
  return join(root, ...path.split('/'));
}
