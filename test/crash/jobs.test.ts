import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Rng } from '../../src/core/rng.ts';
import { openEngine } from '../../src/engine/index.ts';
import { makeTinyModel, tinyRecipe } from '../../src/jobs/testing.ts';
import { compiled } from '../compiled.ts';
import { rounds } from '../rounds.ts';

const times = rounds(2, 24);
/** Kills of one job. */
const mostOfOne = rounds(1, 5);
const root = mkdtempSync(join(tmpdir(), 'functa-jobs-'));
const models = join(root, 'models');
let running: ChildProcess | undefined;
let url = '';

beforeAll(async () => {
  compiled();
  mkdirSync(models, { recursive: true });
  const engine = await openEngine();
  writeFileSync(join(models, 'tiny.safetensors'), await makeTinyModel(engine));
  await engine.close();
}, 300_000);
afterAll(() => {
  running?.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

async function start(home: string): Promise<void> {
  const program = join(compiled(), 'src/cli/main.js');
  const flags = ['--home', home, '--models', models, '--port', '0', '--json', '--threads', '1'];
  running = spawn(process.execPath, [program, 'serve', ...flags], { stdio: ['ignore', 'pipe', 'ignore'] });
  for await (const line of createInterface(running.stdout!)) {
    url = JSON.parse(line).url;
    return;
  }
  throw new Error('the server said nothing');
}

async function kill(): Promise<void> {
  const closed = new Promise((resolve) => running!.once('close', resolve));
  running!.kill('SIGKILL');
  await closed;
}

async function add(job: object, key: string): Promise<string> {
  const response = await fetch(`${url}/v1/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify(job),
  });
  expect(response.status).toBe(202);
  return ((await response.json()) as { id: string }).id;
}

/** Reads events until `enough` of them came, or the last. */
async function watch(id: string, after: number, enough: number): Promise<{ last: number; ended: boolean }> {
  const headers = { 'last-event-id': String(after) };
  const response = await fetch(`${url}/v1/jobs/${id}/events`, { headers });
  let [text, last, ended] = ['', after, false];
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
    text += piece;
    const ids = [...text.matchAll(/^id: (\d+)$/gm)].map(([, n]) => Number(n));
    // no event is told twice, and none is left out
    expect(ids).toEqual(ids.map((_, i) => after + 1 + i));
    last = ids.at(-1) ?? after;
    ended = /^event: end$/m.test(text);
    if (ended || ids.length >= enough) break;
  }
  return { last, ended };
}

async function digestOf(id: string): Promise<string> {
  const response = await fetch(`${url}/v1/jobs/${id}/result`);
  if (response.headers.get('content-type') !== 'application/json')
    return createHash('sha256')
      .update(new Uint8Array(await response.arrayBuffer()))
      .digest('hex');
  // a functaset: every function of it
  const { links } = (await response.json()) as { links: { functions: string } };
  const { functions } = (await (await fetch(`${url}${links.functions}`)).json()) as {
    functions: { links: { self: string } }[];
  };
  const hash = createHash('sha256');
  for (const { links } of functions) {
    const file = await fetch(`${url}${links.self}`, { headers: { accept: 'application/vnd.functa' } });
    hash.update(new Uint8Array(await file.arrayBuffer()));
  }
  return `${functions.length} ${hash.digest('hex')}`;
}

const data = { dataset: 'fixture-fashion' };
const jobs = {
  learn: {
    kind: 'learn',
    data,
    recipe: {
      ...tinyRecipe,
      steps: 16,
      phases: { distortion: 8, rounded: 2, coded: 0 },
      checkpointEvery: 1,
      reportEvery: 1,
      validation: { every: 16, signals: 4 },
    },
  },
  build: { kind: 'build', functaset: 'built', model: 'tiny', data, effort: 2 },
};

test(`jobs whose server is killed ${times} times end with the bytes of jobs that nobody stopped`, async () => {
  await start(join(root, 'calm'));
  const whole: Record<string, string> = {};
  for (const [name, job] of Object.entries(jobs)) {
    const id = await add(job, name);
    expect(await watch(id, 0, Number.POSITIVE_INFINITY)).toMatchObject({ ended: true });
    whole[name] = await digestOf(id);
  }
  await kill();
  const random = new Rng(7);
  for (let [run, kills] = [0, 0]; kills < times; run++) {
    const home = join(root, `stormy-${run}`);
    await start(home);
    for (const [name, job] of Object.entries(jobs)) {
      let [last, own] = [0, 0];
      for (;;) {
        const id = await add(job, name);
        const more = own < mostOfOne && kills < times ? 2 + random.below(6) : Number.POSITIVE_INFINITY;
        const seen = await watch(id, last, more);
        last = seen.last;
        if (seen.ended) {
          expect(await digestOf(id), `${name}, run ${run}`).toBe(whole[name]);
          expect(readdirSync(join(home, 'jobs', id))).not.toContain('work');
          break;
        }
        await kill();
        kills++;
        own++;
        await start(home);
      }
    }
    await kill();
  }
}, 1_200_000);
