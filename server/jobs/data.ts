/** The signals that a job reads, wherever they are, as a data set. */
import type { Dataset, Split } from '../../datasets/dataset.ts';
import { listDatasets, openDataset, openDirectory } from '../../datasets/registry.ts';
import { BadInputError, ConflictError, NotFoundError } from '../../src/core/errors.ts';
import type { Limits } from '../../src/core/limits.ts';
import type { Engine } from '../../src/engine/index.ts';
import type { Model } from '../../src/field/model.ts';
import type { DataKind } from '../../src/field/outputs.ts';
import { type OpenFunctaset, openFunctaset } from '../../src/library/functaset.ts';
import type { Signal } from '../../src/signal/signal.ts';
import type { JobLimits } from './limits.ts';
import { loadJobModel } from './model.ts';
import type { JobInputs, JobPlaces } from './record.ts';
import type { JobSpec } from './specs.ts';
import { unpacked } from './unpack.ts';

export interface DataContext {
  readonly inputs: JobInputs;
  readonly places: JobPlaces;
  readonly engine: Engine;
  readonly limits: Limits;
  readonly jobLimits: JobLimits;
  readonly signal: AbortSignal;
}

export interface JobData {
  readonly data: Dataset;
  close(): Promise<void>;
}

/** What signals are to be. */
export interface Wanted {
  /** Values at a point: what files that can be read either way are read as. */
  readonly outputs?: number | undefined;
  /** What files are whose directory does not say it. */
  readonly kind?: DataKind | undefined;
}

/** Signals that a model takes. */
export function wantedBy({ card }: Model): Wanted {
  return { outputs: card.spec.outputs, kind: card };
}

/** Opens a split of the data of a job. Throws what opening data throws, ConflictError `functaset-changed` where a functaset is another by now. */
export async function openJobData(
  { data }: Exclude<JobSpec, { kind: 'encode' }>,
  context: DataContext,
  split: Split | 'all',
  { outputs, kind }: Wanted = {},
): Promise<JobData> {
  const { inputs } = context;
  const as = { ...(outputs === 4 ? { alpha: true } : {}), ...(outputs === 1 ? { grey: true } : {}) };
  if ('functaset' in data) return openFunctions(inputs, context, split);
  if ('dataset' in data) return closing(await openDataset(data.dataset, split, as));
  const directory = 'upload' in data ? await unpacked(context) : inputs.directory!;
  return closing(await openDirectory(directory, split, { ...as, kind }));
}

/** A split that there may be none of. Throws as `openJobData`. */
export async function openIfAny(...args: Parameters<typeof openJobData>): Promise<JobData | undefined> {
  try {
    return await openJobData(...args);
  } catch (error) {
    if (error instanceof NotFoundError && error.code === 'empty-split') return undefined;
    throw error;
  }
}

/** Throws NotFoundError `unknown-dataset` unless a data set of this name is here, and is not told by a path. */
export function checkDataset(name: string): void {
  const here = listDatasets().filter(({ state }) => state === 'ready');
  if (here.some((listed) => listed.name === name)) return;
  const names = here.map((listed) => listed.name).join(', ');
  throw new NotFoundError('unknown-dataset', `no data set here is called ${name}; there are: ${names}`);
}

function closing(data: Dataset): JobData {
  return { data, close: async () => data.close() };
}

async function openFunctions(
  { functaset }: JobInputs,
  { engine, limits }: DataContext,
  split: Split | 'all',
): Promise<JobData> {
  if (split !== 'all')
    throw new BadInputError('unknown-split', 'a functaset has no splits; leave split out, or say all');
  const { path, name, networkId, model: ref } = functaset!;
  const model = await loadJobModel(ref);
  const set = await openFunctaset(path, { model, engine, limits, readOnly: true });
  if (set.store.info.networkId !== networkId) {
    await set.store.close();
    throw new ConflictError(
      'functaset-changed',
      `functaset ${name} is another by now; ask for the job again`,
    );
  }
  return { data: new StoredSignals(set, name), close: () => set.store.close() };
}

/** Functions decoded to signals as they are asked for. */
class StoredSignals implements Dataset {
  readonly name: string;
  readonly split = 'all';
  readonly length: number;
  readonly channels: number;
  readonly kind: NonNullable<Dataset['kind']>;
  readonly card: Dataset['card'];
  readonly #set: OpenFunctaset;
  readonly #ids: readonly string[];

  constructor(set: OpenFunctaset, name: string) {
    const { card } = set.model;
    this.name = name;
    this.#set = set;
    this.#ids = [...set.store.summaries({ onDamaged: () => undefined })].map(({ id }) => id);
    this.length = this.#ids.length;
    this.channels = card.spec.outputs;
    this.kind = { outputs: card.outputs, axes: card.axes };
    this.card = {
      ...{ name, title: `signals of functaset ${name}`, source: 'a functaset', licence: card.licence },
      ...{ redistributable: false, sha256: {}, split: 'none', downloadBytes: 0 },
    };
  }

  async get(i: number): Promise<Signal> {
    const id = this.idAt(i);
    const { label = null } = this.#set.store.get(id) ?? {};
    const signal = await (await this.#set.get(id)).decode();
    return { ...signal, id, ...(label === null ? {} : { label }) };
  }

  idAt(i: number): string {
    const id = this.#ids[i];
    if (id !== undefined) return id;
    throw new NotFoundError('no-item', `${this.name} has items 0 to ${this.length - 1}, not ${i}`);
  }

  shapeAt(i: number): readonly number[] {
    return this.#set.store.get(this.idAt(i))?.shape ?? this.#set.model.card.shape;
  }

  close(): void {}
}
