/** A diffusion distilled to few steps: the file beside the model by which `sample` draws where it is asked for so many steps (ADR 81). */
import { rm } from 'node:fs/promises';
import { check } from '../core/check.ts';
import { checkFree, writeWhole } from '../disk/whole.ts';
import { distilledPath } from '../models/generative.ts';
import { loadModel } from '../models/models.ts';
import { optionsOfDistillation } from './arguments.ts';
import { checkpointAt } from './files.ts';
import { readPriorOfSteps } from './prior-of-steps.ts';
import { toJobEvent } from './train-generative.ts';
import type { DistilPriorOptions, DistilPriorResult } from './types.ts';

const job = 'prior';
const what = 'distillation';

/**
 * Distils the diffusion beside a model, and writes the file beside both, where it is found, or to `out`; no data are read. While it runs its state is kept in
 * `<file>.checkpoint`: the same call after a stop draws the paths again and goes on. Throws NotFoundError `prior`, ConflictError
 * `output-exists`, BadInputError `prior-training` or `guidance`, AbortedError, and what reading and writing throw.
 *
 * @example
 * await distilPrior({ modelPath, to: [1, 2], paths: 16, steps: 1, out: 'mine.distilled.safetensors' });
 */
export async function distilPrior(options: DistilPriorOptions): Promise<DistilPriorResult> {
  check('distilPrior', optionsOfDistillation(options, 'options'));
  const { modelPath, replace = false, onEvent, signal } = options;
  const started = performance.now();
  const model = await loadModel(modelPath);
  const teacher = await readPriorOfSteps(model);
  const path = options.out ?? distilledPath(model.path!);
  await checkFree(path, { replace });
  const checkpoint = `${path}.checkpoint`;
  // Loaded here: what opens networks brings TensorFlow.js.
  const { distilDiffusion, openDistilled } = await import('../../prior/diffusion/index.ts');
  let unit: string | undefined;
  const begin = (named: string, total: number, done: number) => {
    if (unit === named) return;
    unit = named;
    onEvent?.({ type: 'start', job, total, done, unit });
  };
  const bytes = await distilDiffusion({
    teacher: teacher.bytes,
    networkId: model.networkId,
    to: options.to,
    guidance: options.guidance,
    paths: options.paths,
    trainingSteps: options.steps,
    seed: options.seed,
    threads: options.threads,
    checkpoint: checkpointAt(checkpoint),
    onBackend: (backend) => onEvent?.({ type: 'note', job, message: `${what} is computed by ${backend}` }),
    onPaths: (done, total) => {
      begin('paths drawn', total, done);
      onEvent?.({ type: 'progress', job, done, total, figures: {} });
    },
    onEvent: (event) => {
      if (event.type === 'train') begin(`${what} steps`, event.steps, event.step);
      onEvent?.(toJobEvent(what, event, checkpoint));
    },
    signal,
  });
  const { few, card, dispose } = await openDistilled(bytes, { networkId: model.networkId });
  dispose();
  await writeWhole(path, bytes, { replace });
  await rm(checkpoint, { force: true });
  const seconds = (performance.now() - started) / 1000;
  const to = few.ways.map((levels) => levels.length - 1);
  onEvent?.({ type: 'end', job, done: to.length, seconds });
  return { path, model, to, guidance: few.guidance, figures: card.figures, seconds };
}
