/**
 * CPU seconds of each test file, with those of the processes that it waited for: what load does not change. Only with FUNCTA_CPU, the path
 * of a file that gets a line for each: `FUNCTA_CPU=cpu.tsv npm test`.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { afterAll, expect } from 'vitest';

/** Of this process, its threads, and children that ended: fields 14 to 17 of stat, in hundredths of a second (proc(5)). */
function cpuSeconds(): number {
  const text = readFileSync('/proc/self/stat', 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) / 100, 0);
}

const path = process.env.FUNCTA_CPU;
const began = cpuSeconds();

afterAll(() => {
  const file = expect.getState().testPath ?? '';
  if (path !== undefined) appendFileSync(path, `${(cpuSeconds() - began).toFixed(2)}\t${file}\n`);
});
