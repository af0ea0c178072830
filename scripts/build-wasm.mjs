// Builds the wasm modules with Debian's clang-19 and lld-19: the engine's kernel, a file; the part of it that evaluates, for readers, and the
// kernels of the context model, which are text in TypeScript, as what is portable reads no files. All are committed, with the hash of what they were made from. `--check`
// rebuilds them elsewhere and compares; `--check-source` compares the hashes alone.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const common = ['--target=wasm32', '-nostdlib', '-msimd128', '-Wl,--no-entry', '-Wl,--import-memory'];

/** `files`: what is hashed; those ending in .c or .cc are compiled. */
/** The field kernel as every module of it is compiled. */
const kernel = {
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
    '-mmutable-globals',
    '-Wno-psabi',
    '-DVL=4',
    '-DFUNCTA_ISA=wasm',
    '-Wl,--max-memory=4294967296',
    '-Wl,-z,stack-size=262144',
    '-Wl,--export=__heap_base',
    '-Wl,--strip-all',
  ],
};

const engine = {
  ...kernel,
  name: 'src/engine/wasm/functa.wasm',
  flags: [...kernel.flags, '-O3', '-matomics', '-Wl,--shared-memory', '-Wl,--export=__stack_pointer'],
  read: () => {
    const { source, sha256: hash } = JSON.parse(readFileSync(join(root, `${engine.name}.json`), 'utf8'));
    return { source, sha256: hash, wasm: readFileSync(join(root, engine.name)) };
  },
  write: (wasm, record) => {
    writeFileSync(join(root, engine.name), wasm);
    writeFileSync(join(root, `${engine.name}.json`), `${JSON.stringify(record, null, 2)}\n`);
  },
};

/** Evaluation for pages, for size. */
const reader = {
  ...kernel,
  name: 'src/engine/reader/reader-wasm.ts',
  directory: 'src/engine',
  files: ['reader/reader.cc', ...['field', 'geometry', 'layout', 'vec'].map((name) => `kernel/${name}.h`)],
  flags: [
    ...kernel.flags.filter((flag) => !/stack-size/.test(flag)),
    '-Oz',
    '-mnontrapping-fptoint',
    '-Wl,-z,stack-size=16384',
  ],
  read: () => packedOf(reader.name),
  write: (wasm, record) =>
    writePacked(reader.name, {
      ...record,
      wasm,
      says: 'The kernel of pages as a WebAssembly module: base64 of gzip.',
      constant: 'readerWasm',
    }),
};

const network = {
  name: 'prior/kernel/network-wasm.ts',
  directory: 'prior/kernel',
  compiler: process.env.FUNCTA_WASM_CC ?? 'clang-19',
  files: ['network.c', 'network.h', 'walk.c'],
  // The stack ends where prior/kernel-memory.ts begins. Sums wrap as they do in TypeScript.
  flags: [
    ...common,
    '-O3',
    '-std=c11',
    '-fwrapv',
    '-fno-builtin',
    '-Wl,-z,stack-size=4096',
    '-Wl,--stack-first',
    '-Wl,--strip-all',
  ],
  read: () => {
    const { text, ...record } = textOf(network.name);
    return { ...record, wasm: Buffer.from(text, 'base64') };
  },
  write: (wasm, record) => {
    writeText(network.name, {
      ...record,
      says: 'network.c and walk.c as a WebAssembly module, in base64.',
      text: `export const networkWasm =\n  '${wasm.toString('base64')}';`,
    });
  },
};

/** The same for size, which scripts/bundle-web.mjs puts in its place: the same integers, more slowly. */
const small = {
  ...network,
  name: 'prior/kernel/network-small-wasm.ts',
  flags: [...network.flags.map((flag) => (flag === '-O3' ? '-Oz' : flag)), '-DSMALL'],
  read: () => packedOf(small.name),
  write: (wasm, record) =>
    writePacked(small.name, {
      ...record,
      wasm,
      says: 'network.c and walk.c as a smaller WebAssembly module: base64 of gzip.',
      constant: 'smallNetworkWasm',
    }),
};

/** The sweeps of a linear field, for fits. */
const linear = {
  ...network,
  name: 'src/fit/kernel/linear-wasm.ts',
  directory: 'src/fit/kernel',
  files: ['linear.c'],
  read: () => {
    const { text, ...record } = textOf(linear.name);
    return { ...record, wasm: Buffer.from(text, 'base64') };
  },
  write: (wasm, record) => {
    writeText(linear.name, {
      ...record,
      says: 'linear.c as a WebAssembly module, in base64.',
      text: `export const linearWasm =\n  '${wasm.toString('base64')}';`,
    });
  },
};

function packedOf(name) {
  const { text, ...record } = textOf(name);
  return { ...record, wasm: gunzipSync(Buffer.from(text, 'base64')) };
}

function writePacked(name, { wasm, constant, ...record }) {
  const packed = gzipSync(wasm, { level: 9 });
  // The system that packed it is no part of the module.
  packed[9] = 255;
  writeText(name, { ...record, text: `export const ${constant} =\n  '${packed.toString('base64')}';` });
}

function textOf(name) {
  const text = readFileSync(join(root, name), 'utf8');
  const [, source] = /source ([0-9a-f]{64})/.exec(text) ?? [];
  const [, hash] = /sha256 ([0-9a-f]{64})/.exec(text) ?? [];
  return { source, sha256: hash, text: /'([\w+/=]+)'/.exec(text)?.[1] ?? '' };
}

function writeText(name, { source, sha256: hash, compiler, says, text }) {
  const head = `/**\n * ${says} Made by scripts/build-wasm.mjs; ${compiler}\n * source ${source}\n * sha256 ${hash}\n */\n`;
  writeFileSync(join(root, name), `${head}${text}\n`);
}

const fail = (message) => {
  console.error(`build-wasm: ${message}`);
  process.exit(1);
};
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const check = process.argv.includes('--check');
const checkSource = check || process.argv.includes('--check-source');

for (const module of [engine, reader, network, small, linear]) {
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
    fail(
      `a rebuild gives other bytes than the committed ${module.name} (another compiler version, or a wasm-opt that the compiler runs?)`,
    );
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
