import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it('docs/errors.md is what the sources say', () => {
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const check = () =>
    execFileSync(process.execPath, ['scripts/errors.mjs', '--check'], { cwd, stdio: 'pipe' });
  expect(check).not.toThrow();
});
