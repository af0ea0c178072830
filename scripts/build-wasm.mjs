// Builds the two wasm modules with Debian's clang-19 and lld-19: the engine's kernel, a file, and those of the context model, text in
// TypeScript, as `prior` reads no files. Both are committed, with the hash of what they were made from. `--check`
// rebuilds them elsewhere and compares; `--check-source` compares the hashes alone.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const common = ['--target=wasm32', '-O3', '-nostdlib', '-msimd128', '-Wl,--no-entry', '-Wl,--import-memory'];

/** `files`: what is hashed; those ending in .c or .cc are compiled. */
const engine = {
  name: 'src/engine/wasm/functa.wasm',
  directory: 'src/engine/kernel',
  compiler: process.env.FUNCTA_WASM_CXX ?? 'clang++-19',
  // Every source of the field kernel; the dense kernels and the yardstick are native only.
  files: readdirSync(join(root, 'src/engine/kernel'))
    .filter((name) => /\.(cc|h)$/.test(name) && !/^(dense|peak)/.test(name))
    .sort(),
  flags: [
    ...common,
    '-std=c++17',
    '-ffp-contract=off',
    '-fno-exceptions',
    '-fno-rtti',
    '-mbulk-memory',
    '-matomics',
    '-mmutable-globals',
    '-Wno-psabi',
    '-DVL=4',
    '-DFUNCTA_ISA=wasm',
    '-Wl,--shared-memory',
    '-Wl,--max-memory=4294967296',
    '-Wl,-z,stack-size=262144',
    '-Wl,--export=__stack_pointer',
    '-Wl,--export=__heap_base',
    '-Wl,--strip-all',
  ],
  read: () => {
    const { source, sha256: hash } = JSON.parse(readFileSync(join(root, `${engine.name}.json`), 'utf8'));
    return { source, sha256: hash, wasm: readFileSync(join(root, engine.name)) };
  },
  write: (wasm, record) => {
    writeFileSync(join(root, engine.name), wasm);
    writeFileSync(join(root, `${engine.name}.json`), `${JSON.stringify(record, null, 2)}\n`);
  },
};

const network = {
  name: 'prior/kernel/network-wasm.ts',
  directory: 'prior/kernel',
  compiler: process.env.FUNCTA_WASM_CC ?? 'clang-19',
  files: ['network.c', 'network.h', 'walk.c'],
  // The stack ends where prior/kernel-memory.ts begins. Sums wrap as they do in TypeScript.
  flags: [
    ...common,
    '-std=c11',
    '-fwrapv',
    '-fno-builtin',
    '-Wl,-z,stack-size=4096',
    '-Wl,--stack-first',
    '-Wl,--strip-all',
  ],
  read: () => {
    const text = readFileSync(join(root, network.name), 'utf8');
    const [, source] = /source ([0-9a-f]{64})/.exec(text) ?? [];
    const [, hash] = /sha256 ([0-9a-f]{64})/.exec(text) ?? [];
    const wasm = Buffer.from(/'([\w+/=]+)'/.exec(text)?.[1] ?? '', 'base64');
    return { source, sha256: hash, wasm };
  },
  write: (wasm, { source, sha256: hash, compiler }) => {
    writeFileSync(
      join(root, network.name),
      `/**
 * network.c and walk.c as a WebAssembly module, in base64. Made by scripts/build-wasm.mjs; ${compiler}
 * source ${source}
 * sha256 ${hash}
 */
export const networkWasm =
  '${wasm.toString('base64')}';
`,
    );
  },
};

const fail = (message) => {
  console.error(`build-wasm: ${message}`);
  process.exit(1);
};
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const check = process.argv.includes('--check');
const checkSource = check || process.argv.includes('--check-source');

for (const module of [engine, network]) {
  const source = sourceOf(module);
  if (checkSource) {
    const made = module.read();
    if (made.source !== source) fail(`what ${module.name} is built from changed; run: npm run build:wasm`);
    if (made.sha256 !== sha256(made.wasm))
      fail(`${module.name} is not what its record names; run: npm run build:wasm`);
    if (!check) continue;
  }
  const wasm = build(module);
  if (!check) {
    const [compiler] = spawnSync(module.compiler, ['--version'], { encoding: 'utf8' }).stdout.split('\n');
    module.write(wasm, { source, sha256: sha256(wasm), compiler });
    console.log(`build-wasm: wrote ${module.name}`);
  } else if (sha256(wasm) !== module.read().sha256) {
    fail(`a rebuild gives other bytes than the committed ${module.name} (another compiler version?)`);
  } else {
    console.log(`build-wasm: the committed ${module.name} is what its source builds to`);
  }
}

function sourceOf({ directory, files, flags }) {
  const hash = createHash('sha256').update(flags.join(' '));
  for (const name of files) hash.update(name).update(readFileSync(join(root, directory, name)));
  return hash.digest('hex');
}

function build({ directory, compiler, files, flags }) {
  const made = mkdtempSync(join(tmpdir(), 'functa-wasm-'));
  const out = join(made, 'functa.wasm');
  const units = files.filter((name) => /\.cc?$/.test(name)).map((name) => join(root, directory, name));
  const result = spawnSync(compiler, [...flags, ...units, '-o', out], { encoding: 'utf8' });
  if (result.error)
    fail(
      `${compiler} not found; install clang-19 and lld-19, or name compilers in FUNCTA_WASM_CXX and FUNCTA_WASM_CC`,
    );
  if (result.status !== 0) fail(result.stderr);
  const bytes = readFileSync(out);
  rmSync(made, { recursive: true });
  return bytes;
}
