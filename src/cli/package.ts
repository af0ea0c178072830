import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../disk/package.ts';

/** The version in the package's manifest. */
export function packageVersion(): string {
  return JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')).version;
}
