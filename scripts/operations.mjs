/**
 * The tables of docs/operations.md from the schema of the configuration and the table of limits.
 *
 *   node --import tsx scripts/operations.mjs            writes them
 *   node --import tsx scripts/operations.mjs --check    says whether they are what the sources say; exit 1 where they are not
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { withTables } from '../server/operations/operations-page.ts';

const page = fileURLToPath(new URL('../docs/operations.md', import.meta.url));
const there = readFileSync(page, 'utf8');
const wanted = withTables(there);
if (!process.argv.includes('--check')) writeFileSync(page, wanted);
else if (there !== wanted) {
  console.error(
    'docs/operations.md is not what the sources say; run: node --import tsx scripts/operations.mjs',
  );
  process.exit(1);
}
