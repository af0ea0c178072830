import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { transform } from 'esbuild';
import { beforeAll, expect, it } from 'vitest';
import { compiled } from '../compiled.ts';
import { temporary } from '../temporary.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Examples of the methods of a file of the client, in their order. */
function examplesOf(file: string): string[] {
  const text = readFileSync(join(root, 'server/client', file), 'utf8');
  return [...text.matchAll(/@example\n([\s\S]*?)\*\//g)].map(([, code]) => code!.replace(/^\s*\* ?/gm, ''));
}

/** What examples speak of. */
const setting = `
import { FunctaClient } from 'functa/client';
import { startServer } from 'functa/server';
import { readFile } from 'node:fs/promises';
const png = await readFile(${JSON.stringify(join(root, 'test/fixtures/datasets/emoji/1f33d.png'))});
const server = await startServer({ port: 0, home: process.cwd() + '/home', functasets: [], modelsDir: ${JSON.stringify(join(root, 'models/fashion-mnist'))} });
const client = new FunctaClient(server.url);
const failed = [];
`;

beforeAll(() => compiled(), 300_000);

it('every example of the client does what it says it does', { timeout: 300_000 }, async () => {
  const examples = examplesOf('functasets.ts');
  expect(examples.length).toBeGreaterThan(10);
  const parts = examples.map(
    (code) =>
      `try { await (async () => { ${code} })(); } catch (error) { failed.push(error.message + ': ' + ${JSON.stringify(code)}); }`,
  );
  const end = ['await server.close();', "process.stdout.write('\\nfailed ' + JSON.stringify(failed));"];
  const folder = join(root, 'build', 'examples');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'client.mjs');
  writeFileSync(path, (await transform([setting, ...parts, ...end].join('\n'), { loader: 'ts' })).code);
  const { stdout } = await promisify(execFile)(process.execPath, [path], { cwd: temporary() });
  expect(JSON.parse(stdout.slice(stdout.lastIndexOf('\nfailed ') + '\nfailed '.length))).toEqual([]);
});
