/**
 * The kernel compiled for ARM NEON and run by an emulator, a process a call: not to compute with, but to hold the code of that
 * instruction set against the reference where there is no such processor.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EnvironmentError } from '../../core/errors.ts';
import type { Engine } from '../engine.ts';
import { kernelEngine } from '../kernel-engine.ts';
import type { KernelRequest } from '../request.ts';
import { arrays, numbers, outputs } from '../wasm/memory.ts';

const compiler = 'aarch64-linux-gnu-g++';
const emulator = 'qemu-aarch64';
/** Those of scripts/build-native.mjs. */
const flags = ['-std=c++17', '-O3', '-ffp-contract=fast', '-Wno-psabi', '-flax-vector-conversions'];

/** What is missing to run it, and what to do; undefined where nothing is. */
export function neonAbsent(): string | undefined {
  const missing = [compiler, emulator].filter((tool) => spawnSync(tool, ['--version']).status !== 0);
  if (missing.length === 0) return undefined;
  return `${missing.join(' and ')} not found: apt-get install g++-aarch64-linux-gnu qemu-user`;
}

/** Throws EnvironmentError `neon-absent`. */
export async function openNeon(): Promise<Engine> {
  const why = neonAbsent();
  if (why !== undefined) throw new EnvironmentError('neon-absent', why);
  const made = mkdtempSync(join(tmpdir(), 'functa-neon-'));
  const program = join(made, 'driver');
  const source = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  execFileSync(compiler, [
    ...flags,
    '-static',
    '-DVL=4',
    '-DFUNCTA_ISA=neon',
    '-DFUNCTA_KERNELS=kernels_neon',
    ...['driver.cc', '../kernel/common.cc', '../kernel/field.cc'].map(source),
    '-o',
    program,
  ]);
  return kernelEngine({
    name: 'neon, emulated',
    threads: 1,
    run: async (request) => run(program, request),
    close: async () => rmSync(made, { recursive: true }),
  });
}

function run(program: string, request: KernelRequest): void {
  const sizes = arrays.map((name) => request[name]?.byteLength ?? -1);
  const head = Float64Array.from([...numbers.map((name) => request[name] ?? 0), ...sizes]);
  const parts = [head, ...arrays.map((name) => request[name])].filter((array) => array !== undefined);
  const input = Buffer.concat(parts.map(bytesOf));
  const { status, stdout } = spawnSync(emulator, [program], { input, maxBuffer: 2 ** 30 });
  if (status !== 0) throw new EnvironmentError('neon-failed', `${emulator} ended with status ${status}`);
  let at = 0;
  for (const name of outputs) {
    const array = request[name];
    if (array === undefined) continue;
    bytesOf(array).set(stdout.subarray(at, at + array.byteLength));
    at += array.byteLength;
  }
}

function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
