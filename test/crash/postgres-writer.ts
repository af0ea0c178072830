/**
 * The process that the crash tests of a database kill: writes functions into the functaset of the address at argv[2], under ids that begin
 * with argv[3], until it is killed; every seventh call takes one out again. It prints each id, with + or -, once the call has resolved,
 * and with ? before it asks for one to be taken out.
 */
import { writeSync } from 'node:fs';
import { testFunction } from '../../src/functaset/testing.ts';
import { openFunctionStore } from '../../src/postgres/index.ts';

async function main(address: string, prefix: string): Promise<void> {
  const set = await openFunctionStore(address);
  for (let call = 0, next = 0; ; call++) {
    if (call % 7 === 6) {
      const id = `${prefix}${next - 1}`;
      writeSync(1, `?${id}\n`);
      await set.delete(id);
      writeSync(1, `-${id}\n`);
      continue;
    }
    const count = [1, 3, 80][call % 3]!;
    const fns = Array.from({ length: count }, (_, i) =>
      testFunction(next + i, { id: `${prefix}${next + i}` }),
    );
    await set.putMany(fns, { replace: call % 2 === 1 });
    writeSync(1, fns.map(({ id }) => `+${id}\n`).join(''));
    next += count;
  }
}

await main(process.argv[2]!, process.argv[3]!);
