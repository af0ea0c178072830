/** Programs of other coders, from the path or from the root of unpacked Debian packages; one process a signal. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { EnvironmentError } from '../../src/core/errors.ts';

const run = promisify(execFile);

export interface Tools {
  /** Where packages were unpacked, and modules of npm installed. */
  readonly root: string | undefined;
  /** Whether a program is there. */
  has(program: string): boolean;
  /** Path of a file of its own for the name: each is overwritten by the next signal. */
  file(name: string): string;
  run(program: string, args: readonly string[]): Promise<void>;
  write(name: string, bytes: Uint8Array): Promise<string>;
  read(name: string): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** `root` is a directory where packages were unpacked (`dpkg-deb -x PACKAGE root`). Throws EnvironmentError `bench-peer-failed` from `run`. */
export async function openTools(root: string | undefined): Promise<Tools> {
  const directory = await mkdtemp(join(tmpdir(), 'functa-bench-'));
  const libraries = root === undefined ? [] : [join(root, 'usr/lib/x86_64-linux-gnu'), join(root, 'usr/lib')];
  const places = [
    ...(root === undefined ? [] : [join(root, 'usr/bin')]),
    ...(process.env.PATH ?? '').split(delimiter),
  ];
  const env = { ...process.env, LD_LIBRARY_PATH: libraries.join(delimiter) };
  const find = (program: string) =>
    places.map((place) => join(place, program)).find((path) => existsSync(path));
  const file = (name: string) => join(directory, name);
  return {
    root,
    has: (program) => find(program) !== undefined,
    file,
    async run(program, args) {
      try {
        await run(find(program) ?? program, args, { env, maxBuffer: 1 << 26 });
      } catch (error) {
        const { stderr } = error as { stderr?: string };
        const said = stderr?.trim().split('\n').at(-1) ?? String(error);
        throw new EnvironmentError('bench-peer-failed', `${program} ${args.join(' ')} failed: ${said}`);
      }
    },
    async write(name, bytes) {
      await writeFile(file(name), bytes);
      return file(name);
    },
    read: (name) => readFile(file(name)),
    close: () => rm(directory, { recursive: true, force: true }),
  };
}
