/** What is loaded before a command does anything: every module costs its start some milliseconds. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { expect, test } from 'vitest';
import { allCommands, commandsFor } from '../src/cli/commands/index.ts';
import { loadedAtOnce } from './layers.ts';

const root = new URL('..', import.meta.url);

/** Modules and packages that the modules at `entries` load at once: not by `import()`, and not for their types. */
function loadedBy(...entries: string[]): string[] {
  const found = new Set<string>();
  const walk = (url: URL) => {
    if (found.has(url.pathname)) return;
    found.add(url.pathname);
    for (const path of loadedAtOnce(readFileSync(url, 'utf8'))) {
      if (path.startsWith('.')) walk(new URL(path, url));
      else found.add(path);
    }
  };
  for (const entry of entries) walk(new URL(entry, root));
  return [...found].map((path) => path.replace(root.pathname, ''));
}

test('the thread of the terminal loads no command, and nothing that reads one', () => {
  const loaded = loadedBy('src/cli/main.ts', 'src/cli/thread.ts');
  expect(loaded).toContain('src/cli/wire.ts');
  expect(loaded.filter((path) => path === 'commander' || /commands|engine|formats/.test(path))).toEqual([]);
});

test('a command is loaded by its name, and the others are not', async () => {
  const named = async (argv: string[]) => {
    const program = new Command();
    for (const add of await commandsFor(argv)) add(program, (action) => async () => void action);
    return program.commands.map((command) => command.name());
  };
  const all = await named([]);
  expect(all).toHaveLength((await allCommands()).length);
  for (const name of all) expect(await named([name, '--json'])).toEqual([name]);
  for (const argv of [['help', 'encode'], ['--json', 'encode'], ['encdoe']])
    expect(await named(argv)).toEqual(all);
  const loaded = loadedBy('src/cli/commands/index.ts', 'src/cli/command-thread.ts');
  expect(loaded.filter((path) => path.startsWith('src/cli/commands/'))).toEqual([
    'src/cli/commands/index.ts',
  ]);
});

test('files are coded without a database and without TensorFlow.js', () => {
  const loaded = loadedBy('src/session/index.ts', 'src/models/index.ts', 'src/fit/index.ts');
  expect(loaded).toContain('codec/index.ts');
  expect(loaded.filter((path) => path === 'lmdb' || path.startsWith('src/engine/tfjs'))).toEqual([]);
});
