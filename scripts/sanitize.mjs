// Runs the native engine under the address and undefined-behaviour sanitizers of g++: the engine contract (short), the kernel's
// limits, the dense kernels and a fuzzer of requests. Leaks are not looked for, as the runtime of JavaScript keeps what it has.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const run = (command, args, env) =>
  spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } }).status ?? 1;
const library = (name) => spawnSync('g++', [`-print-file-name=${name}`], { encoding: 'utf8' }).stdout.trim();

const libraries = ['libasan.so', 'libubsan.so'].map(library);
if (process.platform !== 'linux' || !libraries.every((path) => existsSync(path))) {
  console.error('sanitize: g++ and its sanitizers are needed, on Linux: apt-get install g++');
  process.exit(1);
}
const built = run(process.execPath, ['scripts/build-native.mjs'], {
  FUNCTA_SANITIZE: '1',
  FUNCTA_NATIVE: 'require',
  CXX: 'g++',
});
if (built !== 0) process.exit(built);
const tests = process.argv.slice(2);
const all = [
  'test/fuzz/engine.test.ts',
  'src/engine/kernel-limits.test.ts',
  'src/engine/tfjs/kernels.test.ts',
  'src/engine/native',
];
process.exit(
  run(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      ...(tests.length > 0 ? tests : all),
      ...['--maxWorkers', '1', '--testTimeout', '600000', '--hookTimeout', '600000'],
    ],
    {
      FUNCTA_SANITIZE: '1',
      FUNCTA_FUZZ_RUNS: process.env.FUNCTA_FUZZ_RUNS ?? '1500',
      FUNCTA_CONTRACT_CASES: '2',
      FUNCTA_CONTRACT_CALLS: '10',
      LD_PRELOAD: libraries.join(':'),
      ASAN_OPTIONS: 'detect_leaks=0:detect_stack_use_after_return=0:allocator_may_return_null=1',
      UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
    },
  ),
);
