/** The last word of a command that failed. */
import type { FunctaError } from '../core/errors.ts';
import { errorLine, errorObject } from './exit.ts';
import { writeQuietly } from './files.ts';
import type { Streams } from './job.ts';

/** Says what went wrong: one line on stderr, and one object on stdout where JSON was asked for. */
export async function complain(error: FunctaError, streams: Streams, json: boolean): Promise<void> {
  const detail = process.env.FUNCTA_DEBUG ? `${error.stack}\n` : '';
  if (json) await writeQuietly(streams.stdout, `${JSON.stringify(errorObject(error))}\n`);
  await writeQuietly(streams.stderr, `${detail}${errorLine(error)}\n`);
}
