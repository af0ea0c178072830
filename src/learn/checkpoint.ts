/**
 * A run on disk: one sealed safetensors file (core/sealed.ts) with all parameters, Adam's moments and the history. Written beside
 * its place, flushed, then renamed over it: whenever the process dies, the file is the last whole checkpoint. Checkpoints
 * without a seal, of older versions, are refused: their headers were not checked.
 */
import { readFile } from 'node:fs/promises';
import { ConflictError, EnvironmentError, NotFoundError } from '../core/errors.ts';
import { defaultLimits } from '../core/limits.ts';
import { seal, unseal } from '../core/sealed.ts';
import { type Tensor, takeTensor, tensor } from '../core/tensor.ts';
import { writeWhole } from '../disk/whole.ts';
import { canonicalJson } from '../field/canonical.ts';
import { readSafetensors, writeSafetensors } from '../field/safetensors.ts';
import type { TrainingRecipe } from './recipe.ts';
import { freshState, groupNames, mapLearnt, type TrainerState } from './state.ts';

const FORMAT = 'learn-checkpoint/2';

/** Throws EnvironmentError `disk-full` or `cannot-write`; the old file then stays. */
export async function saveCheckpoint(
  path: string,
  state: TrainerState,
  recipe: TrainingRecipe,
  digest: string,
): Promise<void> {
  const tensors = new Map<string, Tensor>();
  groupNames.forEach((name, i) => {
    const moments = state.adam.moments[i]!;
    tensors.set(name, tensor(state.learnt[name]));
    tensors.set(`adam.${name}.m`, tensor(moments.m));
    tensors.set(`adam.${name}.v`, tensor(moments.v));
    if (state.average !== null) tensors.set(`average.${name}`, tensor(state.average[name]));
  });
  const position: Position = {
    step: state.step,
    calibrated: state.calibrated,
    skipped: state.skipped,
    skippedInRow: state.skippedInRow,
    updates: state.adam.moments.map(({ count }) => count),
    history: state.history,
    watch: state.watch,
  };
  const bytes = writeSafetensors(tensors, {
    recipe: canonicalJson(recipe),
    digest,
    position: JSON.stringify(position),
  });
  await writeWhole(path, seal(FORMAT, bytes), { replace: true });
}

/**
 * Throws NotFoundError `no-checkpoint`, ConflictError `other-recipe` when the file belongs to another recipe or
 * source, BadStreamError `seal-absent` or `seal-broken` when it is damaged or of another version.
 */
export async function loadCheckpoint(
  path: string,
  recipe: TrainingRecipe,
  digest: string,
): Promise<TrainerState> {
  const bytes = unseal(FORMAT, await read(path), {
    what: `checkpoint ${path}`,
    remedy: 'go on from an older copy, or remove it and learn from the start',
  });
  const { tensors, metadata } = readSafetensors(bytes, { ...defaultLimits, maxFileBytes: bytes.length });
  if (metadata.digest !== digest) {
    throw new ConflictError(
      'other-recipe',
      `${path} belongs to another recipe, source or start (${metadata.digest?.slice(0, 12)}, this run is ${digest.slice(0, 12)}); choose another checkpoint path or the old recipe`,
    );
  }
  const position = JSON.parse(metadata.position ?? '{}') as Position;
  const learnt = mapLearnt((name) => takeTensor(tensors, name, 'F64'));
  const state = freshState(recipe, learnt, position.calibrated);
  state.step = position.step;
  state.skipped = position.skipped;
  state.skippedInRow = position.skippedInRow;
  state.history.push(...position.history);
  state.watch = position.watch;
  groupNames.forEach((name, i) => {
    const moments = state.adam.moments[i]!;
    const count = learnt[name].length;
    moments.m.set(takeTensor(tensors, `adam.${name}.m`, 'F64', count));
    moments.v.set(takeTensor(tensors, `adam.${name}.v`, 'F64', count));
    moments.count = position.updates[i]!;
    state.average?.[name].set(takeTensor(tensors, `average.${name}`, 'F64', count));
  });
  return state;
}

interface Position {
  readonly step: number;
  readonly calibrated: boolean;
  readonly skipped: number;
  readonly skippedInRow: number;
  /** Adam's updates by group. */
  readonly updates: readonly number[];
  readonly history: TrainerState['history'];
  readonly watch: TrainerState['watch'];
}

async function read(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new NotFoundError(
        'no-checkpoint',
        `${path} does not exist; leave resuming out to learn from the start`,
      );
    }
    throw new EnvironmentError('checkpoint-read', `${path} cannot be read: ${(cause as Error).message}`, {
      cause,
    });
  }
}
