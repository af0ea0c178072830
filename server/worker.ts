/** What a worker of the pool does with a job. Models are read once and kept. */
import { readSignalAs } from '../datasets/read.ts';
import type { Signal } from '../datasets/signal.ts';
import type { Model } from '../src/field/model.ts';
import { inlineWork } from '../src/pipeline/inline-work.ts';
import { loadModel } from '../src/pipeline/models.ts';
import type { Job, ReadTask } from './pool.ts';
import { flatten, type Outcome } from './wire-error.ts';

const models = new Map<string, Promise<Model>>();

/** Runs one job; faults come back as values, since a thread boundary strips errors of their fields. */
export async function run(job: Job): Promise<Outcome<unknown>> {
  try {
    return { ok: true, value: await work(job) };
  } catch (error) {
    return { ok: false, error: flatten(error) };
  }
}

async function work(job: Job): Promise<unknown> {
  switch (job.kind) {
    case 'read':
      return read(job.task);
    case 'code':
      return inlineWork.code(await modelAt(job.model), job.task);
    case 'decode':
      return inlineWork.decode(await modelAt(job.model), job.task);
    case 'draw':
      return inlineWork.draw(await modelAt(job.model), job.task);
    default:
      return job satisfies never;
  }
}

async function modelAt(path: string): Promise<Model> {
  const known = models.get(path);
  if (known !== undefined) return known;
  const loading = loadModel(path);
  models.set(path, loading);
  loading.catch(() => models.delete(path));
  return loading;
}

function read({ bytes, format, channels, axes, limits }: ReadTask): Promise<Signal> {
  const id = format === 'npy' ? 'the array' : 'the picture';
  return readSignalAs(bytes, { id, channels, axes, limits });
}
