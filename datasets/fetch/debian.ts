import type { FetchContext } from './context.ts';
import { runTool } from './run-tool.ts';

/** Unpacks a .deb into `directory`. Throws EnvironmentError `tool-missing` or `tool-failed`, AbortedError. */
export async function unpackDebian(file: string, directory: string, context: FetchContext): Promise<void> {
  const ifMissing =
    'it unpacks .deb files; install the package dpkg, or fetch on a Debian machine and copy the cache';
  await runTool('dpkg-deb', ['-x', file, directory], { signal: context.signal, ifMissing });
}
