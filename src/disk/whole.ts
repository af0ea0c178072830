/** Files that appear whole or not at all, and replace another only where that was asked for. */
import { link, open, rename, stat } from 'node:fs/promises';
import { ConflictError } from '../core/errors.ts';
import { dropScratch, scratchBeside } from './scratch.ts';

export interface ReplaceOptions {
  /** Replace a file that is there; without it that is a conflict. */
  readonly replace: boolean;
}

/** Throws ConflictError `output-exists` where the name is taken, unless it may be replaced: to ask before the work starts. */
export async function checkFree(path: string, { replace }: ReplaceOptions): Promise<void> {
  if (replace) return;
  const there = await stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
  if (there) throw taken(path);
}

/**
 * Writes beside the name, flushes, and gives the name when all bytes are on the disk. Throws ConflictError `output-exists`,
 * what the disk says, and what `content` throws.
 */
export async function writeWhole(
  path: string,
  content: Uint8Array | AsyncIterable<Uint8Array>,
  { replace }: ReplaceOptions,
): Promise<void> {
  const scratch = scratchBeside(path);
  try {
    const file = await open(scratch, 'wx');
    try {
      if (content instanceof Uint8Array) await file.writeFile(content);
      else for await (const piece of content) await file.writeFile(piece);
      await file.sync();
    } finally {
      await file.close();
    }
    if (replace) await rename(scratch, path);
    else await linkOnce(scratch, path);
  } finally {
    dropScratch(scratch);
  }
}

/** `link` fails where the name is taken: no check before it can be overtaken. */
async function linkOnce(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') throw taken(to);
    // file systems without hard links
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error;
    await checkFree(to, { replace: false });
    await rename(from, to);
  }
}

function taken(path: string): ConflictError {
  return new ConflictError('output-exists', `${path} exists; choose another name, or --force to replace it`);
}
