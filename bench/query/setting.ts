/** Where and when a figure was taken. */
import type { Engine } from '../../src/engine/index.ts';
import type { Model } from '../../src/field/model.ts';
import type { Functaset } from '../../src/functaset/index.ts';
import { readSetting } from '../rate/setting.ts';

export interface Setting {
  readonly store: Functaset;
  readonly model: Model;
  readonly engine: Engine;
}

export function printSetting(): void {
  const { machine, runtime, load, commit, command } = readSetting('bench:query', process.argv.slice(2));
  console.log(`${command}\n${machine}, ${runtime}, commit ${commit}, load ${load}`);
}

/** `p50 1.2 p99 3.4 ms (n 200)` of times in milliseconds. */
export function timesText(times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (p: number) => sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))]!.toFixed(2);
  return `min ${at(0)} p50 ${at(0.5)} p99 ${at(0.99)} max ${at(1)} ms (n ${sorted.length})`;
}
