// Builds src/engine/wasm/functa.wasm from the kernel with Debian's clang-19 and lld-19. The result is committed, with the
// hash of what it was made from. `--check` rebuilds it elsewhere and compares; `--check-source` compares the hash alone.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const kernel = join(root, 'src/engine/kernel');
const target = join(root, 'src/engine/wasm/functa.wasm');
const record = `${target}.json`;
const compiler = process.env.FUNCTA_WASM_CXX ?? 'clang++-19';

const files = [
  'common.cc',
  'field.cc',
  'field.h',
  'gemm.h',
  'geometry.h',
  'large.h',
  'layout.h',
  'tile.h',
  'vec.h',
  'wasm.cc',
];
const flags = [
  '--target=wasm32',
  '-std=c++17',
  '-O3',
  '-ffp-contract=off',
  '-fno-exceptions',
  '-fno-rtti',
  '-nostdlib',
  '-msimd128',
  '-mbulk-memory',
  '-matomics',
  '-mmutable-globals',
  '-Wno-psabi',
  '-DVL=4',
  '-DFUNCTA_ISA=wasm',
  '-Wl,--no-entry',
  '-Wl,--import-memory',
  '-Wl,--shared-memory',
  '-Wl,--max-memory=4294967296',
  '-Wl,-z,stack-size=262144',
  '-Wl,--export=__stack_pointer',
  '-Wl,--export=__heap_base',
  '-Wl,--strip-all',
];

const hash = createHash('sha256').update(flags.join(' '));
for (const name of files) hash.update(name).update(readFileSync(join(kernel, name)));
const source = hash.digest('hex');

const fail = (message) => {
  console.error(`build-wasm: ${message}`);
  process.exit(1);
};
const sha256 = (path) => createHash('sha256').update(readFileSync(path)).digest('hex');

const check = process.argv.includes('--check');
if (check || process.argv.includes('--check-source')) {
  const made = JSON.parse(readFileSync(record, 'utf8'));
  if (made.source !== source) fail('the kernel changed since functa.wasm was built; run: npm run build:wasm');
  if (made.sha256 !== sha256(target))
    fail('functa.wasm is not the file its record names; run: npm run build:wasm');
  if (!check) process.exit(0);
}

const directory = mkdtempSync(join(tmpdir(), 'functa-wasm-'));
const out = join(directory, 'functa.wasm');
const units = ['common.cc', 'field.cc', 'wasm.cc'].map((name) => join(kernel, name));
const result = spawnSync(compiler, [...flags, ...units, '-o', out], { encoding: 'utf8' });
if (result.error)
  fail(`${compiler} not found; install clang-19 and lld-19, or name a compiler in FUNCTA_WASM_CXX`);
if (result.status !== 0) fail(result.stderr);
if (check) {
  const same = sha256(out) === sha256(target);
  rmSync(directory, { recursive: true });
  if (!same) fail('a rebuild gives other bytes than the committed functa.wasm (another compiler version?)');
  console.log('build-wasm: the committed functa.wasm is what its source builds to');
} else {
  writeFileSync(target, readFileSync(out));
  const version = spawnSync(compiler, ['--version'], { encoding: 'utf8' }).stdout.split('\n')[0];
  writeFileSync(
    record,
    `${JSON.stringify({ source, sha256: sha256(target), compiler: version }, null, 2)}\n`,
  );
  rmSync(directory, { recursive: true });
  console.log(`build-wasm: wrote ${target}`);
}
