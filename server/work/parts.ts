/** The files in a body: one, or those of a form (RFC 7578), of an archive or of a JSON batch, each with what is said of it. */
import { basename, extname } from 'node:path/posix';
import { z } from 'zod';
import { BadInputError } from '../../src/core/errors.ts';
import type { Label } from '../../src/core/label.ts';
import { checkLimit, type Limits } from '../../src/core/limits.ts';
import type { Metadata } from '../../src/core/metadata.ts';
import { formType, jsonType, mediaType } from '../media.ts';
import { filesOfArchive } from './archives.ts';

/** What a request says of a function beside its bytes. */
export interface Named {
  readonly id?: string | undefined;
  readonly label?: Label | undefined;
  readonly metadata?: Metadata | undefined;
}

export interface Part extends Named {
  readonly bytes: Uint8Array;
  /** As it was declared; empty: of no kind. */
  readonly type: string;
}

/** Functions of one request. */
export const mostFunctions = 4096;

const named = {
  id: z.string().min(1).max(255).optional(),
  label: z.union([z.string().max(255), z.number()]).optional(),
  metadata: z.record(z.string(), z.json()).optional(),
};
const itemsSchema = z.array(z.strictObject(named));

/** A JSON batch: `data` is the bytes of a file in base64 (RFC 4648, section 4). */
const batchSchema = z.strictObject({
  functions: z
    .array(z.strictObject({ ...named, type: z.string().max(128).optional(), data: z.base64() }))
    .min(1),
});

/**
 * The files of a body. A form has files in any number of fields, and may have a field `items`: JSON, an array of `{id, label, metadata}`,
 * one for each file in their order. A file without an id is called by its name without the suffix. Throws BadInputError
 * `bad-multipart`, `bad-batch`, LimitError `limit-functions`, and what `filesOfArchive` throws.
 */
export async function partsOf(
  bytes: Uint8Array,
  contentType: string,
  limits: Limits,
  signal: AbortSignal,
): Promise<{ readonly parts: readonly Part[]; readonly many: boolean }> {
  const type = mediaType(contentType);
  if (type === formType) return { parts: await partsOfForm(bytes, contentType), many: true };
  if (type === jsonType) return { parts: partsOfBatch(bytes), many: true };
  const files = await filesOfArchive(bytes, type, { limits, mostFiles: mostFunctions, signal });
  if (files === undefined) return { parts: [{ bytes, type }], many: false };
  if (files.length === 0)
    throw new BadInputError('bad-multipart', 'there is no file in the archive; send some');
  return { parts: files.map((file) => ({ id: stem(file.name), type: '', bytes: file.bytes })), many: true };
}

/** A JSON batch. Throws BadInputError `bad-batch`, LimitError `limit-functions`. */
function partsOfBatch(bytes: Uint8Array): Part[] {
  const found = batchSchema.safeParse(parsed(bytes));
  if (!found.success) {
    const [issue] = found.error.issues;
    const where = issue === undefined || issue.path.length === 0 ? 'the body' : issue.path.join('.');
    throw new BadInputError(
      'bad-batch',
      `${where} is not as {"functions": [{"id", "label", "metadata", "type", "data"}]} with base64 as data: ${issue?.message.slice(0, 128)}`,
    );
  }
  const { functions } = found.data;
  checkLimit('functions', functions.length, mostFunctions, 'send them in several requests');
  return functions.map(({ data, type, ...said }) => ({
    ...said,
    type: mediaType(type),
    bytes: new Uint8Array(Buffer.from(data, 'base64')),
  }));
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new BadInputError(
      'bad-batch',
      'the body is no JSON as content-type says; send a batch of functions',
    );
  }
}

async function partsOfForm(bytes: Uint8Array, contentType: string): Promise<Part[]> {
  const response = new Response(bytes as Uint8Array<ArrayBuffer>, {
    headers: { 'content-type': contentType },
  });
  const form = await response.formData().catch(() => {
    throw new BadInputError('bad-multipart', 'the body is no form as content-type says; send one with files');
  });
  const parts: Part[] = [];
  let items: z.output<typeof itemsSchema> | undefined;
  for (const [name, value] of form) {
    if (typeof value !== 'string') {
      const type = mediaType(value.type);
      parts.push({ id: stem(value.name), type, bytes: new Uint8Array(await value.arrayBuffer()) });
      checkLimit('functions', parts.length, mostFunctions, 'send them in several requests');
    } else if (name === 'items' && items === undefined) items = itemsOf(value);
    else throw new BadInputError('bad-multipart', `field ${name.slice(0, 64)}: give files, and items once`);
  }
  if (parts.length === 0) throw new BadInputError('bad-multipart', 'there is no file in the form; send some');
  if (items === undefined) return parts;
  if (items.length !== parts.length) {
    const counts = `${items.length} items for ${parts.length} files`;
    throw new BadInputError('bad-multipart', `${counts}; say one for each file, in their order`);
  }
  return parts.map((part, i) => ({ ...part, ...items[i] }));
}

function itemsOf(text: string): z.output<typeof itemsSchema> {
  try {
    return itemsSchema.parse(JSON.parse(text));
  } catch {
    throw new BadInputError(
      'bad-multipart',
      'items is a JSON array of {id, label, metadata}, one for each file',
    );
  }
}

function stem(path: string): string {
  const name = basename(path.replaceAll('\\', '/'));
  return basename(name, extname(name));
}
