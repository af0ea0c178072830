/**
 * Every long command hears an interruption: from the first second of its work on, no stretch of processor time between two looks at
 * its signal, or two turns of the event loop, is long. What a thread that hears nothing leads to is in interrupt.test.ts.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { commandsFor } from '../../src/cli/commands/index.ts';
import { runCli } from '../../src/cli/program.ts';
import { Rng } from '../../src/core/rng.ts';
import { modulationLength } from '../../src/field/spec.ts';
import { writeImage } from '../../src/formats/image.ts';
import { findModel, loadModel } from '../../src/models/index.ts';
import { openFunctasetOf } from '../../src/session/store.ts';
import { rounds } from '../rounds.ts';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

/** Seconds of processor time of all threads: on a machine with other work that is less wrong than a clock. */
const longest = 0.3;
/** Of commands that keep no state, whose thread is ended after 150 ms whether they hear it or not (src/cli/thread.ts). */
const longestOfThoseEnded = 1;
const functions = 1500;
/** After so long a command has shown how it works. */
const enough = rounds(2.5, 4);

const directory = mkdtempSync(join(tmpdir(), 'functa-heard-'));
const at = (name: string) => join(directory, name);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

beforeAll(async () => {
  const model = await loadModel(await findModel('fashion-mnist'));
  const { shape, spec } = model.card;
  const rng = new Rng(3);
  const length = modulationLength(spec, shape);
  const store = await openFunctasetOf(model, at('store'));
  for (let first = 0; first < functions; first += 250) {
    await store.putMany(
      Array.from({ length: 250 }, (_, i) => ({
        ...{ id: `item-${first + i}`, shape, label: i % 10, psnrDb: 30, bits: 1 },
        content: {
          kind: 'modulation' as const,
          values: Float32Array.from({ length }, () => 0.05 * rng.normal()),
          quality: 50,
        },
      })),
    );
  }
  await store.close();
  const noise = Float32Array.from({ length: 28 * 28 }, () => rng.uniform());
  writeFileSync(
    at('28.png'),
    await writeImage({ id: 'n', shape: [28, 28], channels: 1, values: noise }, 'png'),
  );
  const large = Float32Array.from({ length: 256 * 256 * 3 }, () => rng.uniform());
  writeFileSync(
    at('256.png'),
    await writeImage({ id: 'n', shape: [256, 256], channels: 3, values: large }, 'png'),
  );
  await run(['store', 'pack', at('store'), '-o', at('packed.functa'), '--model', 'fashion-mnist']);
  await run(['encode', at('256.png'), '-m', 'photos-low', '-o', at('256.functa')]);
}, 240_000);

class Dropped extends Writable {
  text = '';
  override _write(piece: Buffer, _: string, done: () => void): void {
    this.text += piece.toString();
    done();
  }
}

interface Heard {
  readonly status: number;
  readonly stderr: string;
  /** Seconds of processor time, the longest first. */
  readonly gaps: readonly { readonly seconds: number; readonly after: string }[];
}

/** Runs a command; with `seconds` it is interrupted after so many of processor time, by what it looks at. */
async function run(argv: readonly string[], seconds = Number.POSITIVE_INFINITY): Promise<Heard> {
  const cpu = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  };
  const begun = cpu();
  let last = begun;
  let before = 'the start';
  const gaps: { seconds: number; after: string }[] = [];
  const look = (by: string) => {
    const now = cpu();
    // Loading modules and the engine is no work of the command.
    if (now - last > 0.1) gaps.push({ seconds: now - last, after: `${before}, before ${by}` });
    last = now;
    before = by;
  };
  const controller = new AbortController();
  const { signal } = controller;
  Object.defineProperty(signal, 'aborted', {
    get: () => {
      look('a look');
      return cpu() - begun > seconds;
    },
  });
  const turns = setInterval(() => {
    look('a turn');
    if (cpu() - begun > seconds) controller.abort();
  }, 2);
  const [stdout, stderr] = [new Dropped(), new Dropped()];
  const streams = { stdin: Readable.from([]), stdout, stderr };
  try {
    const interrupts = { signal, stop: () => undefined };
    const status = await runCli([...argv, '--quiet'], streams, await commandsFor(argv), interrupts);
    look('the end');
    return { status, stderr: stderr.text, gaps: gaps.sort((a, b) => b.seconds - a.seconds) };
  } finally {
    clearInterval(turns);
  }
}

const model = ['--model', 'fashion-mnist'];
const ended = ['query near', 'classify eval'];

describe('an interruption is heard by', () => {
  it.each<readonly [string, () => string[]]>([
    ['encode', () => ['encode', at('256.png'), '-m', 'photos-low', '--effort', '4', '-o', at('e.functa')]],
    [
      'decode',
      () => ['decode', at('256.functa'), '-m', 'photos-low', '--size', '6000x6000', '-o', at('d.png')],
    ],
    ['sample', () => ['sample', '-m', 'photos-low', '-n', '200', '-o', at('s.png')]],
    [
      'complete',
      () => ['complete', at('28.png'), ...model, '--hide', '0,0,14,28', '-n', '64', '-o', at('c.png')],
    ],
    ['eval', () => ['eval', ...model, '-d', 'fixture-fashion', '--effort', '4']],
    [
      'classify train',
      () => ['classify', 'train', at('store'), ...model, '-o', at('classifier.safetensors')],
    ],
    ['classify eval', () => ['classify', 'eval', 'models/fashion-mnist/classifier.safetensors', at('store')]],
    [
      'combine',
      () => [
        'combine',
        'mean',
        at('store'),
        '--label',
        '1',
        ...model,
        '--size',
        '3000x3000',
        '-o',
        at('m.png'),
      ],
    ],
    ['query near', () => ['query', 'near', at('store'), ...model, '--id', 'item-3']],
    ['store verify', () => ['store', 'verify', at('store')]],
    ['store pack', () => ['store', 'pack', at('store'), ...model, '-o', at('again.functa')]],
    ['store unpack', () => ['store', 'unpack', at('packed.functa'), at('unpacked'), ...model]],
    [
      'prior train',
      () => ['prior', 'train', ...model, '--functaset', at('store'), '-o', at('p.safetensors')],
    ],
    [
      'learn',
      () => ['learn', '-d', 'fixture-fashion', '--recipe', 'fashion-mnist', '-o', at('l.safetensors')],
    ],
    ['build', () => ['build', at('built'), '-d', 'fixture-fashion', ...model, '--effort', '6']],
  ])('%s', async (name, argv) => {
    const { status, stderr, gaps } = await run(argv(), enough);
    expect([0, 130], stderr).toContain(status);
    if (status === 130) expect(stderr).toContain('[aborted]');
    const [worst] = gaps.filter(({ after }) => !after.startsWith('the start'));
    const most = ended.includes(name) ? longestOfThoseEnded : longest;
    if (worst !== undefined) expect(worst.seconds, worst.after).toBeLessThan(most);
  });
});
