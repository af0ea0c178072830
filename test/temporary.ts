import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A directory that goes when the test does. */
export function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'functa-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
