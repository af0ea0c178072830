import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyRecipe } from '../../src/jobs/testing.ts';
import { functa, functaJson, type Watch } from './run.ts';

let directory: string;
let recipe: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'functa-learn-'));
  recipe = join(directory, 'recipe.json');
  writeFileSync(recipe, JSON.stringify(tinyRecipe));
});
afterAll(() => rmSync(directory, { recursive: true }));

describe('functa learn', () => {
  it('writes a model that the other commands take', async () => {
    const out = join(directory, 'a.safetensors');
    const { status, json } = await functaJson(learn(out, '--name', 'small', '--seed', '7'));
    expect(status).toBe(0);
    expect(json).toMatchObject({ path: out, model: 'small' });
    expect(json.training).toMatchObject({
      dataset: 'fixture-fashion',
      split: 'train',
      steps: tinyRecipe.steps,
      seed: 7,
    });
    const prior = await functaJson([
      ...['prior', 'train', '-m', out, '-d', 'fixture-fashion', '--kinds', 'histogram,factorized'],
    ]);
    expect(prior.status).toBe(0);
    expect(Object.keys(prior.json.bitsPerPoint)).toEqual(['histogram', 'factorized']);
    const inspected = await functaJson(['inspect', out]);
    expect(inspected.json.priors).toEqual(expect.arrayContaining(['histogram', 'factorized']));
  });

  it('stops when it is interrupted, says how to go on, and goes on', async () => {
    const out = join(directory, 'long.safetensors');
    const first = await functa(learn(out, '--steps', '1000000'), { onStderr: atFirstLine('SIGINT') });
    expect(first.status).toBe(130);
    const last = first.stderr.trimEnd().split('\n').at(-1)!;
    const said =
      /^functa: interrupted; the checkpoint of step (\d+) stands beside .*; go on with: functa (learn .* --resume) \[aborted\]$/.exec(
        last,
      );
    expect(said).not.toBeNull();
    expect(existsSync(`${out}.checkpoint`)).toBe(true);
    expect(existsSync(out)).toBe(false);
    const again = await functaJson(said![2]!.split(' '), {
      onStderr: atFirstLine('SIGTERM', Number(said![1])),
    });
    expect(again.status).toBe(130);
    expect(again.json.error.code).toBe('aborted');
    const step = Number(/the checkpoint of step (\d+)/.exec(again.json.error.message)![1]);
    expect(step).toBeGreaterThan(Number(said![1]));
    expect(readdirSync(directory).filter((name) => name.includes('.tmp'))).toEqual([]);
  });

  it('refuses a recipe that says what cannot be', async () => {
    const args = learn(join(directory, 'x.safetensors'), '--set', 'spec.width=none');
    const { status, json } = await functaJson(args);
    expect(status).toBe(1);
    expect(json.error).toMatchObject({ code: 'bad-recipe' });
    expect(json.error.message).toContain('spec.width');
  });

  it('refuses to replace a model unless it is forced', async () => {
    const out = join(directory, 'there.safetensors');
    writeFileSync(out, 'kept');
    const { status, json } = await functaJson(learn(out));
    expect(status).toBe(1);
    expect(json.error.code).toBe('output-exists');
  });
});

function learn(out: string, ...more: string[]): string[] {
  return ['learn', '-d', 'fixture-fashion', '--recipe', recipe, '-o', out, ...more];
}

/** Sends the signal at the first line of progress that is beyond a step: what was done by then differs from what was resumed. */
function atFirstLine(signal: NodeJS.Signals, beyond = -1): Watch {
  let sent = false;
  return (text, kill) => {
    const steps = [...text.matchAll(/^learn .*?: (\d+) of \d+ steps/gm)].map(([, step]) => Number(step));
    if (sent || !steps.some((step) => step > beyond)) return;
    sent = true;
    kill(signal);
  };
}
