import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { extract } from 'tar';
import { beforeAll, expect, it } from 'vitest';
import { compiled } from '../compiled.ts';
import { temporary } from '../temporary.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

beforeAll(() => compiled(), 300_000);

/** A folder in which the package is installed as npm packs it, with what it depends on. */
async function installed(): Promise<string> {
  const folder = temporary();
  const own = join(folder, 'node_modules', 'functa');
  mkdirSync(own, { recursive: true });
  const packed = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const [{ filename }] = JSON.parse(
    execFileSync('npm', packed, { cwd: root, encoding: 'utf8', stdio: 'pipe' }),
  );
  await extract({ file: join(folder, filename), cwd: own, strip: 1 });
  for (const name of Object.keys(dependencies)) {
    const at = join(folder, 'node_modules', name);
    mkdirSync(dirname(at), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), at);
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  return folder;
}

const program = `
import { findModelOf, inspect, openEngine, openSession } from 'functa';
import { FunctaClient } from 'functa/client';
import { createApp, startServer } from 'functa/server';
import { openReader } from 'functa/web';
import { readFile } from 'node:fs/promises';

const bytes = await readFile('node_modules/functa/models/fashion-mnist/demo.functa');
const model = await findModelOf(bytes);
const engine = await openEngine('wasm', { threads: 1 });
const fn = await openSession({ model, engine }).open(bytes);
const same = await (await openReader({ model })).open(bytes);
const [here, there] = [await fn.decode(), await same.decode()];
const equal = here.values.every((value, i) => value === there.values[i]);
await engine.close();
console.log(inspect(bytes).count, equal, typeof FunctaClient, typeof createApp, typeof startServer);
`;

const typed = `
import { type Func, openEngine, openSession, readModel, type Signal } from 'functa';
import { FunctaClient } from 'functa/client';
import { startServer } from 'functa/server';
import { openReader } from 'functa/web';

export async function use(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
  const engine = await openEngine('native', { threads: 1 });
  const session = openSession({ model: readModel(bytes), engine });
  const signal: Signal = { id: 's', shape: [8], channels: 1, values: new Float32Array(8) };
  const fn: Func = await session.open((await session.encode(signal, { prior: 'histogram' })).bytes);
  // @ts-expect-error: engines are a union
  await openEngine('abacus');
  // @ts-expect-error: so are priors
  await session.encode(signal, { prior: 'none' });
  // @ts-expect-error: a quality is a number
  await session.encode(signal, { quality: '50' });
  const start = startServer;
  const server = await start({ port: 0 });
  const models = await new FunctaClient(server.url).models();
  const reader = await openReader({ model: bytes });
  const values: Float32Array = await (await reader.open(bytes)).evaluate([0.5]);
  return values.length + models.length + (await fn.decode()).values.length;
}
`;

it('has a module for pages of at most 60 kB, packed by gzip, without a model', () => {
  expect(gzipSync(readFileSync(join(root, 'dist/web/functa.js')), { level: 9 }).length).toBeLessThan(60_000);
});

it('is packed, installed in an empty folder, and its doors open there', { timeout: 120_000 }, async () => {
  const folder = await installed();
  writeFileSync(join(folder, 'program.mjs'), program);
  const out = execFileSync(process.execPath, ['program.mjs'], { cwd: folder, encoding: 'utf8' });
  expect(out).toMatch(/^\d+ true function function function\n$/);
});

it('has types that strict programs compile with, of its own and no others', {
  timeout: 120_000,
}, async () => {
  const folder = await installed();
  symlinkSync(join(root, 'node_modules', '@types'), join(folder, 'node_modules', '@types'));
  writeFileSync(join(folder, 'program.ts'), typed);
  const options = {
    ...{ strict: true, skipLibCheck: false, exactOptionalPropertyTypes: true, noEmit: true },
    ...{ module: 'nodenext', target: 'es2023', lib: ['es2023', 'esnext.disposable', 'dom'], types: ['node'] },
  };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, files: ['program.ts'] }),
  );
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  let out: string;
  try {
    out = execFileSync(process.execPath, [tsc, '--listFiles'], { cwd: folder, encoding: 'utf8' });
  } catch (error) {
    out = String((error as { stdout?: string }).stdout);
  }
  expect(out.split('\n').filter((line) => /error TS/.test(line))).toEqual([]);
  expect(out.split('\n').filter((line) => /tensorflow/.test(line))).toEqual([]);
});
