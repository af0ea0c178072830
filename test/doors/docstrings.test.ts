import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { transform } from 'esbuild';
import { beforeAll, expect, it } from 'vitest';
import * as door from '../../src/index.ts';
import { compiled } from '../compiled.ts';
import { temporary } from '../temporary.ts';
import { sources } from './sources.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const verbs = Object.entries(door)
  .filter(([, value]) => typeof value === 'function' && !/^class /.test(String(value)))
  .map(([name]) => name)
  .sort();
const examples = new Map(verbs.map((name) => [name, exampleOf(name)]));

/** What examples speak of. */
const setting = `
import * as functa from 'functa';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
const { ${Object.keys(door).join(', ')} } = functa;
const at = process.cwd();
const root = ${JSON.stringify(root)};
const png = root + '/test/fixtures/datasets/emoji/1f33d.png';
const modelPath = root + '/models/fashion-mnist/model.safetensors';
const classifier = root + '/models/fashion-mnist/classifier.safetensors';
const model = await loadModel('fashion-mnist');
const engine = await openEngine();
const session = openSession({ model, engine });
const source = await openDataset('fixture-fashion', 'train');
const signals = await Promise.all(Array.from({ length: 16 }, (_, i) => source.get(i)));
const [signal] = signals;
const data = datasetOf(signals);
const { bytes } = await session.encode(signal);
const npy = signalToNpy(signal);
const fn = await session.open(bytes);
const other = await session.open((await session.encode(signals[1])).bytes);
await mkdir(at + '/old.functaset');
await writeFile(at + '/old.functaset/data.mdb', gunzipSync(await readFile(root + '/test/fixtures/functaset-format1/data.mdb.gz')));
const storePath = at + '/store.functaset';
const set = await createFunctaset(storePath, { model, engine });
await set.add(signals);
`;

beforeAll(() => compiled(), 300_000);

it('every verb of the library has an example', () => {
  expect(verbs.filter((name) => examples.get(name) === undefined)).toEqual([]);
});

it('every example does what it says it does', { timeout: 300_000 }, async () => {
  const parts = [...examples].map(
    ([name, code]) =>
      `try { await (async () => { ${code} })(); } catch (error) { failed.push('${name}: ' + error.message); }`,
  );
  // Those that rewrite a store need it closed.
  const late = (part: string) =>
    /compactFunctaset\(|(backup|restore)Functaset\(|evaluateClassifier\(|openFunctaset\(|upgradeFunctaset\(/.test(
      part,
    );
  const program = [
    setting,
    'const failed = [];',
    ...parts.filter((part) => !late(part)),
    'await set.close();',
    ...parts.filter(late),
    'await engine.close();',
    "process.stdout.write('\\nfailed ' + JSON.stringify(failed));",
  ].join('\n');
  const folder = join(root, 'build', 'examples');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, 'docstrings.mjs');
  writeFileSync(path, (await transform(program, { loader: 'ts' })).code);
  const { stdout } = await promisify(execFile)(process.execPath, [path], {
    cwd: temporary(),
    maxBuffer: 2 ** 26,
  });
  expect(JSON.parse(stdout.slice(stdout.lastIndexOf('\nfailed ') + '\nfailed '.length))).toEqual([]);
});

/** The code after `@example` in the comment of an exported function, wherever it stands. */
function exampleOf(name: string): string | undefined {
  for (const text of sources(root)) {
    const found = new RegExp(`^export (?:async )?function\\*? ${name}\\b`, 'm').exec(text);
    if (found === null) continue;
    const comment = text.slice(text.lastIndexOf('/**', found.index), found.index);
    const [, example] = /@example\n([\s\S]*?)\*\/\s*$/.exec(comment) ?? [];
    if (example !== undefined) return example.replace(/^\s*\* ?/gm, '');
  }
  return undefined;
}
