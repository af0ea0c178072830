import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The texts of the sources that the library's door leads to, without tests. */
export function sources(root: string): string[] {
  return ['src', 'prior', 'codec', 'datasets']
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((path) =>
        join(root, folder, path),
      ),
    )
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts') && !path.includes('/src/cli/'))
    .map((path) => readFileSync(path, 'utf8'));
}
