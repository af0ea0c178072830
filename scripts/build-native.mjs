// Builds the native engine with the system's C++ compiler and nothing else; without one it says so and goes on.
// FUNCTA_SANITIZE=1 builds one with the address and undefined-behaviour sanitizers in it, in a directory of its own.
// Each kernel source is compiled once for every instruction set of the architecture; the addon picks one by cpuid.
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const kernelDir = join(root, 'src/engine/kernel');
const nativeDir = join(root, 'src/engine/native');
const sanitize = process.env.FUNCTA_SANITIZE === '1';
const buildDir = join(root, 'build', ...(sanitize ? ['sanitize'] : []));
const addon = join(buildDir, 'functa.node');

const instructionSets = {
  x64: [
    ['sse', 4, ['-msse4.2']],
    ['avx2', 8, ['-mavx2', '-mfma']],
    ['avx512', 16, ['-mavx512f', '-mavx512dq', '-mavx512bw', '-mavx512vl', '-mprefer-vector-width=512']],
  ],
  arm64: [['neon', 4, []]],
}[process.arch];

const skip = (why) => {
  console.log(`functa: native engine not built (${why}); the wasm engine will be used`);
  process.exit(0);
};

if (process.platform === 'win32' || instructionSets === undefined)
  skip(`${process.platform} ${process.arch} is not supported`);
const compiler = [process.env.CXX, 'g++', 'clang++', 'c++'].find(
  (name) => name && spawnSync(name, ['--version']).status === 0,
);
if (compiler === undefined) skip('no C++ compiler found; install g++ and run: npm rebuild');

let headers;
try {
  headers = createRequire(import.meta.url)('node-api-headers').include_dir;
} catch {
  skip('the package node-api-headers is missing');
}

const sources = (dir) =>
  readdirSync(dir)
    .filter((name) => /\.(cc|h)$/.test(name))
    .sort();
const dense = existsSync(join(nativeDir, 'dense-binding.cc'));
const common = [
  '-std=c++17',
  '-O3',
  '-ffp-contract=fast',
  '-fPIC',
  '-Wall',
  '-Wno-psabi',
  '-Wno-ignored-attributes',
  `-I${headers}`,
];
if (process.arch === 'arm64') common.push('-flax-vector-conversions');
const sanitizers = ['-fsanitize=address,undefined', '-fno-sanitize-recover=undefined', '-g'];
if (sanitize) common.push('-O1', '-fno-omit-frame-pointer', ...sanitizers);

const hash = createHash('sha256').update(
  JSON.stringify([
    instructionSets,
    common.slice(0, -1),
    compiler,
    readFileSync(fileURLToPath(import.meta.url), 'utf8'),
  ]),
);
for (const dir of [kernelDir, nativeDir])
  for (const name of sources(dir)) hash.update(name).update(readFileSync(join(dir, name)));
const digest = hash.digest('hex');
const stamp = join(buildDir, 'functa.node.sha256');
if (existsSync(addon) && existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) process.exit(0);

mkdirSync(buildDir, { recursive: true });
const units = [];
for (const name of sources(kernelDir).filter((file) => file.endsWith('.cc'))) {
  if (name === 'common.cc') units.push([join(kernelDir, name), 'common.o', []]);
  else if (name !== 'wasm.cc' && (dense || name !== 'dense.cc'))
    for (const [isa, lanes, flags] of instructionSets)
      units.push([
        join(kernelDir, name),
        `${name.slice(0, -3)}-${isa}.o`,
        ['-fno-exceptions', '-fno-rtti', `-DFUNCTA_ISA=${isa}`, `-DVL=${lanes}`, ...flags],
      ]);
}
for (const name of sources(nativeDir).filter((file) => file.endsWith('.cc')))
  units.push([join(nativeDir, name), `native-${name.slice(0, -3)}.o`, dense ? ['-DFUNCTA_DENSE'] : []]);

const execute = promisify(execFile);
const queue = [...units];
const compile = async () => {
  for (let unit = queue.shift(); unit !== undefined; unit = queue.shift()) {
    const [source, object, flags] = unit;
    await execute(compiler, [...common, ...flags, '-c', source, '-o', join(buildDir, object)]);
  }
};
try {
  await Promise.all([compile(), compile()]);
  const temporary = join(buildDir, `functa.${process.pid}.node`);
  const shared = process.platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared'];
  await execute(compiler, [
    ...shared,
    ...(sanitize ? sanitizers : []),
    ...units.map(([, object]) => join(buildDir, object)),
    '-pthread',
    '-o',
    temporary,
  ]);
  renameSync(temporary, addon);
  writeFileSync(stamp, digest);
  console.log(`functa: native engine built for ${instructionSets.map(([isa]) => isa).join(', ')}`);
} catch (error) {
  if (process.env.FUNCTA_NATIVE === 'require') throw error;
  skip(
    `${compiler} failed: ${
      String(error.stderr ?? error.message)
        .split('\n')
        .find((line) => /error/.test(line)) ?? 'see npm rebuild'
    }`,
  );
}
