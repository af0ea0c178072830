/** Runs the real command line as a child process, compiled: from its sources every command would take a second to start. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { vi } from 'vitest';
import { compiled } from '../compiled.ts';

// starting a process takes seconds on a machine that has other work
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** The program. */
export const main = join(compiled(), 'src/cli/main.js');

export interface Ran {
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface RunOptions {
  readonly stdin?: Uint8Array;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Called with the text so far at each piece of it; `kill` sends the child a signal. */
  readonly onStdout?: Watch;
  readonly onStderr?: Watch;
}

export type Watch = (text: string, kill: (signal: NodeJS.Signals) => void) => void;

export function functa(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: options.cwd,
    env: { ...process.env, FUNCTA_ENGINE: undefined, ...options.env },
  });
  const stdout: Buffer[] = [];
  let stderr = '';
  const kill = (signal: NodeJS.Signals) => child.kill(signal);
  child.stdout.on('data', (piece: Buffer) => {
    stdout.push(piece);
    options.onStdout?.(Buffer.concat(stdout).toString(), kill);
  });
  child.stderr.on('data', (piece: Buffer) => {
    stderr += piece.toString();
    options.onStderr?.(stderr, kill);
  });
  // a child that ends without reading its input is no fault of the test
  child.stdin.on('error', () => {});
  child.stdin.end(options.stdin);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, stdout: Buffer.concat(stdout), stderr }));
  });
}

/** Runs with `--json` and parses the one object on stdout. */
export async function functaJson(
  args: readonly string[],
  options: RunOptions = {},
  // biome-ignore lint/suspicious/noExplicitAny: each command has an object of its own, which its test reads.
): Promise<Ran & { json: any }> {
  const ran = await functa([...args, '--json'], options);
  return { ...ran, json: JSON.parse(ran.stdout.toString()) };
}
