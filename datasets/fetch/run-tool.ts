import { spawn } from 'node:child_process';
import { AbortedError, EnvironmentError } from '../../src/core/errors.ts';

export interface RunToolOptions {
  readonly cwd?: string;
  readonly signal?: AbortSignal;
  /** Said when the program is not installed. */
  readonly ifMissing: string;
}

/**
 * Runs a program without a shell and gives its standard output. Throws EnvironmentError `tool-missing`,
 * `disk-full` or `tool-failed` (with the line that explains it), AbortedError when the signal fires; the child is killed then.
 */
export async function runTool(
  program: string,
  args: readonly string[],
  options: RunToolOptions,
): Promise<string> {
  if (options.signal?.aborted) throw new AbortedError();
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const out: Buffer[] = [];
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString('utf8')).slice(-4096);
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (options.signal?.aborted) reject(new AbortedError());
      else if (error.code === 'ENOENT') {
        reject(new EnvironmentError('tool-missing', `${program} is not installed; ${options.ifMissing}`));
      } else reject(new EnvironmentError('tool-failed', `${program}: ${error.message}`, { cause: error }));
    });
    child.on('close', (exitCode) => {
      if (options.signal?.aborted) reject(new AbortedError());
      else if (exitCode === 0) resolve(Buffer.concat(out).toString('utf8'));
      else if (/no space left|ENOSPC|enough free space/i.test(said)) {
        const message = `${program} found the disk full; free some room, or set FUNCTA_DATA to a directory on another disk`;
        reject(new EnvironmentError('disk-full', message));
      } else {
        const line = tellingLine(said);
        reject(new EnvironmentError('tool-failed', `${program} ended with ${exitCode}: ${line}`));
      }
    });
  });
}

/** Of all a failed program said, the line to pass on: the first that explains (has a colon), else the last. */
function tellingLine(said: string): string {
  const lines = said.split('\n').map((line) => line.trim().replace(/^npm error /, ''));
  const telling = lines.filter(
    (line) => line !== '' && !/^npm warn|^W: |complete log of this run/i.test(line),
  );
  return telling.find((line) => /\w: ?\S/.test(line)) ?? telling.at(-1) ?? 'it said nothing';
}
