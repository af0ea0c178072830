/** Interruptions of commands that are at work: exit 130 at once, and nothing half-written. Reports that cannot be written. */
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writeImage } from '../../src/formats/image.ts';
import { functa, main } from './run.ts';

const directory = mkdtempSync(join(tmpdir(), 'functa-interrupt-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** Noise: nothing about it is quick. */
async function picture(width: number, height: number): Promise<string> {
  const path = join(directory, `${width}x${height}.png`);
  const values = Float32Array.from({ length: width * height * 3 }, (_, i) => ((i * 7919) % 251) / 250);
  writeFileSync(path, await writeImage({ id: 'noise', shape: [height, width], channels: 3, values }, 'png'));
  return path;
}

interface Stopped {
  readonly status: number | null;
  readonly stderr: string;
  /** From the signal to the end. */
  readonly ms: number;
}

/**
 * Interrupts a command once it has computed for a while: how soon that is depends on the machine. `times` signals, one right after
 * the other.
 */
function interrupted(args: readonly string[], times = 1, env: NodeJS.ProcessEnv = {}): Promise<Stopped> {
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, FUNCTA_ENGINE: undefined, FUNCTA_DEBUG: undefined, ...env },
  });
  let stderr = '';
  let at = 0;
  const begun = performance.now();
  child.stderr.on('data', (piece: Buffer) => {
    stderr += piece.toString();
  });
  const working = setInterval(() => {
    if (at > 0 || secondsOf(child.pid, begun) < workSeconds) return;
    at = performance.now();
    for (let i = 0; i < times; i++) setTimeout(() => child.kill('SIGINT'), 50 * i);
  }, 200);
  return new Promise((resolve) => {
    child.on('close', (status) => {
      clearInterval(working);
      resolve({ status, stderr, ms: at === 0 ? Number.NaN : performance.now() - at });
    });
  });
}

/** Processor time of a process, where the system says it, else the time since it began. */
function secondsOf(pid: number | undefined, begun: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [user, system] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13);
    return (Number(user) + Number(system)) / 100;
  } catch {
    return (performance.now() - begun) / 1000;
  }
}

/** Processor time after which a command is at work and no longer at loading. */
const workSeconds = 2;
/** A third of a second on a machine with nothing else to do; tests share theirs. */
const longestMs = availableParallelism() > 4 ? 1000 : 4000;

describe('an interruption', () => {
  const out = join(directory, 'out');
  mkdirSync(out);
  const result = (name: string) => join(out, name);

  it.each([
    [
      'encode by the reference engine',
      async () => [
        'encode',
        await picture(512, 384),
        '-m',
        'photos-low',
        '--engine',
        'reference',
        '-o',
        result('a.functa'),
      ],
    ],
    [
      'encode at effort 5',
      async () => [
        'encode',
        await picture(512, 384),
        '-m',
        'photos-low',
        '--effort',
        '5',
        '-o',
        result('b.functa'),
      ],
    ],
    [
      'encode by a network of its own',
      async () => [
        ...['encode', await picture(512, 384), '--recipe', 'coin', '--bits', '8', '--iterations', '20000'],
        ...['-o', result('n.functa')],
      ],
    ],
    [
      'sample by the context model',
      async () => ['sample', '-m', 'photos-low', '-n', '4096', '-o', result('c.png')],
    ],
    [
      'sample by a flow',
      async () => ['sample', '-m', 'fashion-mnist', '--prior', 'flow', '-n', '30000', '-o', result('d.npy')],
    ],
    [
      'sample by diffusion',
      async () => [
        'sample',
        '-m',
        'fashion-mnist',
        '--prior',
        'diffusion',
        '-n',
        '512',
        '-o',
        result('e.npy'),
      ],
    ],
  ])('of %s is heard at once and leaves nothing', { timeout: 180_000 }, async (_, args) => {
    const { status, stderr, ms } = await interrupted(await args());
    expect(status, stderr).toBe(130);
    expect(stderr).toContain('[aborted]');
    expect(ms).toBeLessThan(longestMs);
    expect(readdirSync(out)).toEqual([]);
  });

  it('of decode, whose one piece of work is the entropy decoder', { timeout: 180_000 }, async () => {
    const args = ['decode', '--size', '4096x4096', '-m', 'photos-low', '--max-bytes', '1000000'];
    const coded = join(directory, 'small.functa');
    const made = await functa(['encode', await picture(128, 96), '-m', 'photos-low', '-o', coded]);
    expect(made.stderr).not.toContain('[');
    const { status, ms } = await interrupted([
      ...args,
      coded,
      '-o',
      result('f.png'),
      '--engine',
      'reference',
    ]);
    expect(status).toBe(130);
    expect(ms).toBeLessThan(longestMs);
    expect(readdirSync(out)).toEqual([]);
  });

  it('twice ends a command that keeps a state, too', { timeout: 180_000 }, async () => {
    const args = ['sample', '-m', 'photos-low', '-n', '4096', '-o', result('g.png')];
    const { status, ms } = await interrupted(args, 2);
    expect(status).toBe(130);
    expect(ms).toBeLessThan(longestMs);
    expect(readdirSync(out)).toEqual([]);
  });
});

describe('what cannot be written', () => {
  const full = '/dev/full';
  const run = (args: string, redirect: string): Promise<{ status: number; stderr: string }> =>
    new Promise((resolve) => {
      const command = `"${process.execPath}" "${main}" ${args} ${redirect}`;
      execFile('sh', ['-c', command], (error, _, stderr) =>
        resolve({ status: Number(error?.code ?? 0), stderr }),
      );
    });

  it.each(['data list --json', 'data list', '--help'])(
    'of %s to stdout is a failure with a line',
    async (args) => {
      const { status, stderr } = await run(args, `> ${full}`);
      expect(status).not.toBe(0);
      expect(stderr).toMatch(/^functa: the disk is full.*\[disk-full\]$/m);
    },
  );

  it('to stderr does not matter', async () => {
    const { status } = await run('data list --json', `2> ${full} > /dev/null`);
    expect(status).toBe(0);
  });

  it('because its reader has gone is no failure', async () => {
    const { status, stderr } = await run('--help', '| true; echo done >&2');
    expect([status, stderr]).toEqual([0, 'done\n']);
  });
});
