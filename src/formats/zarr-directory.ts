/** A zarr store that is a directory, packed into one file as it is. */
import { lstat, readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { checkLimit } from '../core/limits.ts';
import { storedZip } from './zip.ts';

/** What a store has at its root. */
const marks = ['.zgroup', '.zarray', '.zmetadata', 'zarr.json'];

/** What the archive it is packed in can count. */
const mostFiles = 65_534;

/** The bytes of a directory that is a store; undefined for others. Links are passed over. Throws LimitError `limit-file-bytes`, `limit-files`. */
export async function packedZarr(
  directory: string,
  { maxBytes }: { readonly maxBytes: number },
): Promise<Uint8Array | undefined> {
  const found = await readdir(directory);
  if (!marks.some((mark) => found.includes(mark))) return undefined;
  const files = (await readdir(directory, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  checkLimit('files', files.length, mostFiles, 'store it in fewer chunks, or pack it by shards');
  const contents = new Map<string, Uint8Array>();
  let total = 0;
  for (const file of files) {
    total += (await lstat(file)).size;
    checkLimit('file-bytes', total, maxBytes, 'give a smaller store, or raise maxFileBytes');
    contents.set(relative(directory, file).split(sep).join('/'), new Uint8Array(await readFile(file)));
  }
  return storedZip(contents);
}
