/** Where and on what a figure was measured: it stands with every result. */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg, totalmem } from 'node:os';

export interface Setting {
  readonly machine: string;
  readonly runtime: string;
  /** Processes that wanted a core, mean of the last minute. */
  readonly load: number;
  /** Of the sources, `+` when they were changed since. */
  readonly commit: string;
  readonly command: string;
}

export function readSetting(script: string, args: readonly string[]): Setting {
  const [first] = cpus();
  return {
    machine: `${cpus().length} x ${first?.model.trim() ?? 'unknown processor'}, ${(totalmem() / 2 ** 30).toFixed(0)} GB`,
    runtime: `Node ${process.versions.node}, ${process.platform} ${process.arch}`,
    load: Math.round(loadavg()[0]! * 10) / 10,
    commit: commit(),
    command: ['npm run', script, ...(args.length > 0 ? ['--', ...args.map(withoutDirectory)] : [])].join(' '),
  };
}

/** `kodak:DIRECTORY` for `kodak:/home/me/kodak`: where pictures lie is the user's own business. */
export function withoutDirectory(dataset: string): string {
  return dataset.replace(/^([a-z0-9-]+):.+$/, '$1:DIRECTORY');
}

function commit(): string {
  const git = (...args: string[]) =>
    execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const changed = git(
      'status',
      '--porcelain',
      '--untracked-files=no',
      '--',
      'src',
      'prior',
      'codec',
      'datasets',
      'bench',
    );
    return git('rev-parse', '--short=12', 'HEAD') + (changed === '' ? '' : '+');
  } catch {
    return 'unknown';
  }
}
