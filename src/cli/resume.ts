/** How a long job says, when it is interrupted, that it can go on. */
import { AbortedError } from '../core/errors.ts';

/** Runs `work`; an interruption says what is kept (a sentence without its stop) and the command that goes on. */
export async function resumable<T>(kept: () => string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AbortedError)) throw error;
    throw new AbortedError(`interrupted; ${kept()}; go on with: ${resumeCommand(process.argv.slice(2))}`);
  }
}

/** The same command line with `--resume`, fit to be pasted into a shell. */
export function resumeCommand(argv: readonly string[]): string {
  const words = argv.includes('--resume') ? argv : [...argv, '--resume'];
  return ['functa', ...words].map(shellWord).join(' ');
}

function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
