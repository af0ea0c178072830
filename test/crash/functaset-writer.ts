/**
 * The process that the crash tests kill: writes functions into the functaset at argv[2] until it is killed, one, three
 * or ten at a time, every eleventh time over ones that are there, and prints the ids of each call once it has resolved.
 * It goes on after what is there. When the disk is full it prints the code of the error and ends.
 */
import { writeSync } from 'node:fs';
import { openFunctaset } from '../../src/functaset/index.ts';
import { testFunction, testNetwork } from '../../src/functaset/testing.ts';

async function main(path: string): Promise<void> {
  const set = await openFunctaset(path, { network: testNetwork() });
  let next = 0;
  while (set.has(testFunction(next).id)) next++;
  for (let call = 0; ; call++) {
    const replace = call % 11 === 10;
    const from = replace ? 0 : next;
    const count = [1, 3, 10][call % 3]!;
    const fns = Array.from({ length: count }, (_, i) => testFunction(from + i));
    try {
      await set.putMany(fns, { replace });
    } catch (error) {
      writeSync(1, `${(error as { code?: string }).code}\n`);
      break;
    }
    writeSync(1, fns.map(({ id }) => `${id}\n`).join(''));
    if (!replace) next += count;
  }
  await set.close();
}

await main(process.argv[2]!);
