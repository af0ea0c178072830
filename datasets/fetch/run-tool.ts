import { spawn } from 'node:child_process';
import { AbortedError, EnvironmentError } from '../../src/core/errors.ts';

export interface RunToolOptions {
  readonly cwd?: string;
  readonly signal?: AbortSignal;
  /** Said when the program is not installed. */
  readonly ifMissing: string;
}

/**
 * Runs a program without a shell and gives its standard output. Throws EnvironmentError `tool-missing` or
 * `tool-failed` (with the last line it said), AbortedError when the signal fires; the child is killed then.
 */
export async function runTool(
  program: string,
  args: readonly string[],
  options: RunToolOptions,
): Promise<string> {
  options.signal?.throwIfAborted();
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
      else {
        const line = said.trim().split('\n').filter(tellsSomething).at(-1) ?? 'it said nothing';
        reject(new EnvironmentError('tool-failed', `${program} ended with ${exitCode}: ${line}`));
      }
    });
  });
}

/** npm closes with the path of its log: not what a user needs to read. */
function tellsSomething(line: string): boolean {
  return line.trim() !== '' && !/complete log of this run|^npm warn/i.test(line) && !/_logs[\\/]/.test(line);
}
