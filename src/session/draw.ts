/** New functions from any prior of a model, as modulations and as an archive. */
import { encodePriced } from '../../codec/index.ts';
import { Sampler } from '../../prior/draw.ts';
import {
  codingKinds,
  type GenerativeKind,
  generativeKinds,
  kindsThatTake,
  type PriorKind,
  priorDescriptor,
  priorTable,
  type Wish,
} from '../../prior/kinds.ts';
import { dequantise, quantise } from '../../prior/quantiser.ts';
import { readPrior } from '../../prior/registry.ts';
import { BadInputError } from '../core/errors.ts';
import { stoppable } from '../core/look.ts';
import { Pace } from '../core/pace.ts';
import { Rng } from '../core/rng.ts';
import { type ModulationLayout, modulationLayout } from '../field/layout.ts';
import type { Model } from '../field/model.ts';
import { networkPerNumber, openGenerative } from '../models/generative.ts';
import { bestPrior, multiplyAddsPerSymbol, priorsOf } from '../models/priors.ts';
import { archiveOf, checkCodedAt, stepsOf } from './coding.ts';
import type { Drawn, DrawTask } from './work.ts';

/**
 * Each signal has a stream of random numbers of its own: the first n of a larger sample are the sample of n. What a prior of
 * its own file draws is rounded to the quantiser's steps and coded by the model's best prior. Throws BadInputError
 * `prior-cannot` for what this kind of prior cannot do, `unknown-prior`, `prior-shape`, NotFoundError `prior` or
 * `unknown-label`, AbortedError, and what the priors throw.
 */
export async function draw(model: Model, task: DrawTask, signal?: AbortSignal | undefined): Promise<Drawn> {
  const { count, quality, prior, shape } = task;
  const kind = generativeKind(prior);
  checkWishes(kind ?? codingKind(prior), task);
  const layout = modulationLayout(model.card.spec, shape);
  const steps = stepsOf(model, quality);
  if (kind !== undefined) checkCodedAt(model, quality);
  const coded = kind === undefined ? codingKind(prior) : bestPrior(model);
  const found = kind === undefined ? undefined : await drawModulations(model, layout, kind, task, signal);
  const drawn = found?.drawn;
  const pace = new Pace(signal);
  const modulations: Float32Array[] = [];
  const files: ReturnType<typeof encodePriced>[] = [];
  for (let i = 0; i < count; i++) {
    await pace.turn();
    stoppable(signal, () => {
      const item =
        drawn === undefined ? drawSymbols(model, layout, task, i) : quantise(layout, drawn[i]!, steps);
      files.push(encodePriced(model, item, shape, quality, coded));
      modulations.push(dequantise(layout, item, steps));
    });
  }
  const named = files.map(({ bytes }, i) => ({ bytes, id: task.ids ? sampleId(task, i) : undefined }));
  return {
    modulations,
    archive: stoppable(signal, () => archiveOf(model, named)),
    bits: files.map(({ bits }) => bits),
    distilled: found?.distilled,
  };
}

/** What sample `i` of a draw is called. */
export function sampleId({ seed, label }: Pick<DrawTask, 'seed' | 'label'>, i: number): string {
  const of = label === undefined ? '' : `${String(label).slice(0, 64)}-`;
  return `sample-${of}${seed}-${i}`;
}

/** What draws where no prior is named: the model's best, unless something is asked that others alone take. */
export function priorToDraw(model: Model, asked: Pick<DrawTask, Wish>): PriorKind | GenerativeKind {
  const best = bestPrior(model);
  const [wish] = wishesBeyond(best, asked);
  return wish === undefined ? best : kindsThatTake(wish)[0]!;
}

/** Multiply-adds that one number of a sample takes, at most. Throws BadInputError `unknown-prior`, NotFoundError `prior`. */
export function drawingPerSymbol(model: Model, prior: string, steps?: number): number {
  const kind = generativeKind(prior);
  if (kind === undefined) return multiplyAddsPerSymbol(model, codingKind(prior));
  const { passesPerStep = 1, ownSteps = 1 } = priorDescriptor(kind);
  return passesPerStep * (steps ?? ownSteps) * networkPerNumber;
}

function generativeKind(prior: string): GenerativeKind | undefined {
  return generativeKinds.find((kind) => kind === prior);
}

function codingKind(name: string): PriorKind {
  const found = codingKinds.find((kind) => kind === name);
  if (found !== undefined) return found;
  const all = priorTable.map(({ kind }) => kind).join(', ');
  throw new BadInputError('unknown-prior', `no prior is called ${name.slice(0, 64)}; there are ${all}`);
}

/** What is asked of a draw that this kind of prior does not take. */
function wishesBeyond(
  kind: PriorKind | GenerativeKind,
  { temperature, label, guidance, steps }: Pick<DrawTask, Wish>,
): Wish[] {
  const asked: Readonly<Record<Wish, boolean>> = {
    temperature: temperature !== 1,
    label: label !== undefined,
    guidance: guidance !== undefined,
    steps: steps !== undefined,
  };
  const { takes } = priorDescriptor(kind);
  return (Object.keys(asked) as Wish[]).filter((wish) => asked[wish] && !takes.includes(wish));
}

function checkWishes(kind: PriorKind | GenerativeKind, task: DrawTask): void {
  const [wish] = wishesBeyond(kind, task);
  if (wish !== undefined) {
    throw new BadInputError(
      'prior-cannot',
      `the ${kind} prior takes no ${wish}; ${kindsThatTake(wish).join(', ')} would`,
    );
  }
  if (task.guidance !== undefined && task.label === undefined) {
    throw new BadInputError(
      'guidance-without-label',
      'guidance is towards a label; give a label, or leave it out',
    );
  }
}

function drawSymbols(
  model: Model,
  layout: ModulationLayout,
  { seed, quality, temperature, prior }: DrawTask,
  i: number,
): Int32Array {
  const symbols = new Int32Array(layout.length);
  const sampler = new Sampler(new Rng(seed, i), temperature);
  readPrior(model, codingKind(prior)).walk(layout, quality, symbols, sampler);
  return symbols;
}

async function drawModulations(
  model: Model,
  layout: ModulationLayout,
  kind: GenerativeKind,
  { count, seed, temperature, label, guidance, steps, shape }: DrawTask,
  signal: AbortSignal | undefined,
): Promise<{ readonly drawn: Float32Array[]; readonly distilled?: Drawn['distilled'] }> {
  const { card } = model;
  if (layout.length !== modulationLayout(card.spec, card.shape).length) {
    throw new BadInputError(
      'prior-shape',
      `the ${kind} prior draws signals of shape [${card.shape}], not [${shape}]; ${priorsOf(model).join(', ')} would`,
    );
  }
  const prior = await openGenerative(model, kind);
  if (!('denoise' in prior)) return { drawn: await prior.sample({ count, seed, temperature, signal }) };
  const drawn = await prior.sample({ count, seed, temperature, label, guidance, steps, signal });
  return { drawn, distilled: await prior.distilledAt(steps) };
}
