/** `functa learn`: a base network from a data set. */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Split } from '../../../datasets/dataset.ts';
import { withParts } from '../../../datasets/parts.ts';
import { BadInputError } from '../../core/errors.ts';
import type { TrainingRecipe } from '../../learn/recipe.ts';
import { follow } from '../events.ts';
import { checkFileOutput } from '../files.ts';
import type { Job, Report } from '../job.ts';
import { withEngine } from '../models.ts';
import {
  cacheOption,
  collect,
  dataOption,
  gridOption,
  integer,
  type PartFlags,
  splitOption,
  variableOption,
} from '../options.ts';
import type { RunCommand } from '../program.ts';
import { durationText } from '../progress.ts';
import { resumable } from '../resume.ts';

interface LearnFlags extends PartFlags {
  readonly data: string;
  readonly split: Split;
  readonly output: string;
  readonly force: boolean;
  readonly recipe?: string;
  readonly latent?: number;
  readonly cell?: number;
  readonly set?: readonly string[];
  readonly from?: string;
  readonly limit?: number;
  readonly steps?: number;
  readonly seed?: number;
  readonly name?: string;
  readonly licence?: string;
  readonly notes?: string;
  readonly commit?: string;
  readonly resume: boolean;
  readonly cacheDir?: string;
}

export function addLearn(program: Command, run: RunCommand): void {
  program
    .command('learn')
    .description('train a base network; a checkpoint beside the model lets it go on after a stop')
    .requiredOption(...dataOption)
    .addOption(variableOption())
    .addOption(gridOption())
    .addOption(splitOption('train'))
    .requiredOption('-o, --output <file>', 'the model file to write, .safetensors')
    .option('-f, --force', 'replace the model if it exists', false)
    .option(
      '--recipe <recipe>',
      'functa, coinpp, spatial or pyramid, fitted to the data; the name of a preset; or a JSON file; default: the preset called like the data set',
    )
    .option('--latent <n>', 'numbers of a modulation, for functa in all, for the others a cell', integer(1))
    .option('--cell <n>', 'samples of a cell along each axis, of pyramid the finest', integer(1))
    .option(
      '--set <member=value>',
      'replace a member of the recipe, such as spec.width=48; may be repeated',
      collect,
    )
    .option('--from <model>', "learn on from this model; its levels may be others than the recipe's")
    .option('--steps <n>', 'outer steps of the whole run; phases that do not fit are shortened', integer(1))
    .option('--seed <n>', 'where the random numbers start', integer(0))
    .option('--name <name>', 'what the model is called; default: the name of the recipe')
    .option('--limit <n>', 'only the first n signals', integer(1))
    .option('--licence <text>', 'licence of the model, for its card')
    .option('--notes <text>', 'what a user should know, for its card')
    .option('--commit <hash>', 'commit that made it, for its card')
    .option('--resume', 'go on from the checkpoint beside the output', false)
    .option(...cacheOption)
    .action(run(learn));
}

async function learn(job: Job, flags: LearnFlags): Promise<Report> {
  const { loadModel } = await import('../../models/index.ts');
  const { trainModel } = await import('../../jobs/index.ts');
  const recipe = await recipeOf(flags);
  // a finished run that is resumed has its output already
  await checkFileOutput(flags.output, flags.force || flags.resume);
  const dataset = withParts(flags.data, flags);
  const { split, limit, output: out, resume, licence, notes, commit, cacheDir } = flags;
  const from = flags.from === undefined ? undefined : await loadModel(flags.from);
  let saved = 0;
  const { path, model, seconds } = await resumable(
    () => `the checkpoint of step ${saved} stands beside ${out}`,
    () =>
      withEngine(job, (engine) =>
        follow(job, `learn ${recipe.name}`, (follower) =>
          trainModel({
            engine,
            recipe,
            data: dataset,
            split,
            limit,
            from,
            out,
            resume,
            replace: flags.force,
            licence,
            notes,
            commit,
            cacheDir,
            onEvent: (event) => {
              if (event.type === 'checkpoint') saved = event.done;
              follower.onEvent(event);
            },
            signal: job.signal,
          }),
        ),
      ),
  );
  const { card } = model;
  return {
    data: {
      path,
      model: card.name,
      modelId: model.id,
      training: card.training,
      figures: card.figures,
      seconds,
    },
    lines: [
      `${path}: ${card.name}, ${card.training.steps} steps, ${durationText(seconds)}${troubleText(card.training)}`,
      ...Object.entries(card.figures).map(([name, value]) => `${name} ${value}`),
    ],
  };
}

/** What went wrong on the way, where something did. */
function troubleText({ skippedSteps, rateCuts }: Readonly<Record<string, unknown>>): string {
  const said = [
    ...(Number(skippedSteps) > 0 ? [`${skippedSteps} steps left out`] : []),
    ...(Number(rateCuts) > 0 ? [`learning rates halved ${rateCuts} times as gradients grew`] : []),
  ];
  return said.map((text) => `, ${text}`).join('');
}

/** The recipe that is named, a system, a file or one of the presets, with what the flags replace in it. */
async function recipeOf(flags: LearnFlags): Promise<TrainingRecipe> {
  const { withOverrides, withSteps } = await import('../../learn/index.ts');
  const overrides: Record<string, unknown> = {};
  for (const assignment of flags.set ?? []) assign(overrides, assignment);
  if (flags.seed !== undefined) overrides.seed = flags.seed;
  if (flags.name !== undefined) overrides.name = flags.name;
  const base = await namedRecipe(flags);
  // Before what `--set` says, which is to be as it says.
  return withOverrides(flags.steps === undefined ? base : withSteps(base, flags.steps), overrides);
}

async function namedRecipe(flags: LearnFlags): Promise<TrainingRecipe> {
  const { checkRecipe, isSystem, presetRecipe, systemRecipe } = await import('../../learn/index.ts');
  const { shapeOfData } = await import('../../jobs/index.ts');
  const { data, recipe: ref = data, latent, cell, cacheDir } = flags;
  if (isSystem(ref)) {
    // of all parts: what is held out for validation is to fit too
    const shape = await shapeOfData(
      withParts(flags.data, flags),
      'all',
      cacheDir === undefined ? {} : { cacheDir },
    );
    return systemRecipe(ref, shape, { latent, cell });
  }
  const unused = latent !== undefined ? '--latent' : cell !== undefined ? '--cell' : undefined;
  if (unused !== undefined)
    throw new BadInputError(
      'recipe-option',
      `${unused} is for the recipes that are fitted to the data; use --set spec.levels=... with ${ref}`,
    );
  return ref.endsWith('.json') ? checkRecipe(await readJson(ref)) : presetRecipe(ref);
}

/** `a.b=1` into { a: { b: 1 } }; a value that is no JSON is text. */
function assign(into: Record<string, unknown>, assignment: string): void {
  const equals = assignment.indexOf('=');
  if (equals < 1) throw new BadInputError('bad-set', `--set ${assignment}: write member=value`);
  const members = assignment.slice(0, equals).split('.');
  const last = members.pop()!;
  let at = into;
  for (const member of members) {
    at[member] ??= {};
    at = at[member] as Record<string, unknown>;
  }
  at[last] = jsonOrText(assignment.slice(equals + 1));
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BadInputError('bad-recipe', `${path} is no JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
