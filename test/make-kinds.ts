/** Set-up of a run of tests: the models of test/kinds.ts, made where they are not there yet; and what a run may not leave behind. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeKinds } from './kinds.ts';

/** What tests of compiled programs and of the addon make. */
const made = ['dist', 'build', 'coverage'];

export default async function setUp(): Promise<() => void> {
  await makeKinds();
  // what test files share of one run
  const shared = mkdtempSync(join(tmpdir(), 'functa-run-'));
  process.env.FUNCTA_RUN = shared;
  const before = readdirSync('.');
  return () => {
    rmSync(shared, { recursive: true, force: true });
    const left = readdirSync('.').filter((name) => !/^\./.test(name) && ![...before, ...made].includes(name));
    if (left.length === 0) return;
    // What is thrown here is told and does not fail the run.
    process.exitCode = 1;
    throw new Error(
      `tests left ${left.join(', ')} in the working directory; give them a path in a temporary one`,
    );
  };
}
