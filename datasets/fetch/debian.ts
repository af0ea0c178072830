import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { FetchContext } from './context.ts';
import { discardDownload, type PackageSource, packageFile } from './package-file.ts';
import { runTool } from './run-tool.ts';

/** Unpacks a .deb into `directory`. Throws EnvironmentError `tool-missing` or `tool-failed`, AbortedError. */
export async function unpackDebian(file: string, directory: string, context: FetchContext): Promise<void> {
  const ifMissing =
    'it unpacks .deb files; install the package dpkg, or fetch on a Debian machine and copy the cache';
  await runTool('dpkg-deb', ['-x', file, directory], { signal: context.signal, ifMissing });
}

/**
 * Fetches packages and gives `use` the directory that they are unpacked into, which is gone when it ends; their downloads are dropped then.
 * Throws as `packageFile` and `unpackDebian`, and what `use` throws.
 */
export async function withPackages(
  sources: readonly PackageSource[],
  context: FetchContext,
  use: (root: string) => Promise<void>,
): Promise<void> {
  const root = await mkdtemp(join(context.directory, '.unpacked-'));
  const files: string[] = [];
  for (const source of sources) {
    files.push(await packageFile(source, context));
    await unpackDebian(files.at(-1)!, root, context);
  }
  await use(root);
  await rm(root, { recursive: true });
  for (const file of files) await discardDownload(file, context);
}
