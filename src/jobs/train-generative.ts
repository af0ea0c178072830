/** Training of the generative priors, which have files of their own beside the model's. */
import { readFile, rm } from 'node:fs/promises';
import { generativePriors } from '../../prior/generative/index.ts';
import type { GenerativeKind } from '../../prior/kinds.ts';
import type { RunEvent } from '../../prior/train/run.ts';
import { type ModulationSource, split } from '../../prior/train/source.ts';
import { readTrainingSet } from '../../prior/train/standard.ts';
import { BadInputError, NotFoundError } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import { writeWhole } from '../disk/whole.ts';
import type { Model } from '../field/model.ts';
import { generativePath } from '../models/generative.ts';
import { checkpointAt } from './files.ts';
import type { JobEvent, JobOptions } from './types.ts';

export interface GenerativeJob extends JobOptions {
  readonly model: Model;
  /** The model file that the prior stands beside. */
  readonly modelPath: string;
  readonly source: ModulationSource;
  /** Where the modulations come from, for the card. */
  readonly data: string;
  readonly replace: boolean;
  /** The model file beside which the prior stands that the training goes on from; absent: from the start. */
  readonly goOnFrom?: string | undefined;
  /** See `TrainPriorOptions`. */
  readonly parts?: boolean | undefined;
  readonly trainingSteps?: number | undefined;
  readonly width?: number | undefined;
  readonly blocks?: number | undefined;
  readonly batch?: number | undefined;
  readonly noise?: readonly number[] | undefined;
  readonly seed?: number | undefined;
  readonly threads?: number | undefined;
}

const job = 'prior';

/**
 * Trains one prior and writes its file; the state of the run is kept in `<file>.checkpoint`, from which the same call goes
 * on after a stop. The path of the file. Throws AbortedError, and what reading and writing throw.
 */
export async function trainGenerative(kind: GenerativeKind, options: GenerativeJob): Promise<string> {
  const { model, replace, onEvent, signal } = options;
  const source = mixed(options.source);
  const path = generativePath(options.modelPath, kind);
  const checkpoint = `${path}.checkpoint`;
  const from = options.goOnFrom === undefined ? undefined : await bytesBefore(kind, options.goOnFrom);
  const { training } = split(source.length);
  const begin = (total: number, unit: string, done = 0) =>
    onEvent?.({ type: 'start', job, total, done, unit });
  begin(training, 'functions read');
  const onRead = (done: number, total: number) =>
    onEvent?.({ type: 'progress', job, done, total, figures: {} });
  const set = await readTrainingSet(source, 0, training, onRead, signal);
  let begun = false;
  const bytes = await generativePriors[kind].train({
    set,
    heldOut: () => readTrainingSet(source, training, source.length),
    networkId: model.networkId,
    steps: model.steps,
    data: options.data,
    trainingSteps: options.trainingSteps,
    width: options.width,
    blocks: options.blocks,
    batch: options.batch,
    noise: options.noise,
    from,
    tokenLevels: from === undefined ? undefined : options.parts,
    seed: options.seed,
    threads: options.threads,
    checkpoint: checkpointAt(checkpoint),
    onBackend: (backend) => onEvent?.({ type: 'note', job, message: `${kind} is computed by ${backend}` }),
    onEvent: (event) => {
      if (event.type === 'train' && !begun) {
        begun = true;
        begin(event.steps, `${kind} steps`, event.step);
      }
      onEvent?.(toJobEvent(kind, event, checkpoint));
    },
    signal,
  });
  await writeWhole(path, bytes, { replace });
  await rm(checkpoint, { force: true });
  return path;
}

/** In an order of its own: data lie class by class, and the last twentieth, which is held out, would be classes that nothing is learnt of. */
function mixed({ length, at }: ModulationSource): ModulationSource {
  const order = new Rng(0).shuffle(Uint32Array.from({ length }, (_, i) => i));
  return { length, at: (index) => at(order[index]!) };
}

/** Throws BadInputError `prior-training` for a kind that is always trained from the start, NotFoundError `prior`. */
async function bytesBefore(kind: GenerativeKind, modelPath: string): Promise<Uint8Array> {
  if (!('goesOn' in generativePriors[kind])) {
    throw new BadInputError('prior-training', `a ${kind} prior is always trained from the start`);
  }
  const path = generativePath(modelPath, kind);
  try {
    return new Uint8Array(await readFile(path));
  } catch {
    throw new NotFoundError('prior', `there is no ${path} to go on from; train it from the start`);
  }
}

/** `kind`: what is trained; `path`: of its checkpoint. */
export function toJobEvent(kind: string, event: RunEvent, path: string): JobEvent {
  switch (event.type) {
    case 'train': {
      const { step, steps, loss } = event;
      return { type: 'progress', job, done: step, total: steps, figures: { loss } };
    }
    case 'figure':
      return { type: 'note', job, message: `${kind}: ${event.name} ${event.value.toFixed(4)}` };
    case 'checkpoint':
      return { type: 'checkpoint', job, path, done: event.step };
    case 'resumed':
      return { type: 'note', job, message: `${kind} goes on from step ${event.step}` };
    default:
      return event satisfies never;
  }
}
