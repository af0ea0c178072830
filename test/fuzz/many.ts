/**
 * Many mutated files of one format, outside of the test runner, with how far it is: `node --import tsx test/fuzz/many.ts NAME RUNS SEED`.
 * `--single-threaded-gc` makes sounds four times cheaper: every file has a WebAssembly memory of its own.
 */
import { fuzzFormat } from './formats.fuzz.ts';
import { fuzzedFormat } from './formats.seeds.ts';

const [name = '', runs = '1000', seed = '1'] = process.argv.slice(2);
const block = 5_000;
const format = fuzzedFormat(name);
// also of a promise that nobody waits for
process.on('uncaughtException', (error) => {
  console.log(error.message);
  process.exit(1);
});
let done = 0;
let values = 0;
const errors: Record<string, number> = {};
const from = process.hrtime.bigint();
for (let part = 0; done < Number(runs); part++) {
  const size = Math.min(block, Number(runs) - done);
  const result = await fuzzFormat(format, size, Number(seed) + 1000 * part);
  done += size;
  values += result.values;
  for (const [code, count] of Object.entries(result.errors)) errors[code] = (errors[code] ?? 0) + count;
  const { user, system } = process.cpuUsage();
  const [cpu, wall] = [(user + system) / 1e6, Number(process.hrtime.bigint() - from) / 1e9];
  console.log(JSON.stringify({ name, done, values, errors, cpu: Math.round(cpu), wall: Math.round(wall) }));
}
process.exit(0);
