/** What a safetensors file is, by its head alone: a model, a prior or a classifier, and of which network. */
import { open } from 'node:fs/promises';

/** A model is called like its file without this suffix, or, where that is `model`, like the file's directory. */
export const modelSuffix = '.safetensors';

/** Metadata of a safetensors file take less. */
const mostHeaderBytes = 2 ** 20;

/** What the head of a safetensors file says it is. */
export interface FileKind {
  /** `functa-model/1` and the like. */
  readonly format: string;
  readonly networkId: string | undefined;
}

/** Reads the head of a safetensors file, and nothing behind it. */
export async function fileKindOf(path: string): Promise<FileKind | 'absent' | 'unreadable'> {
  const file = await open(path, 'r').catch(() => undefined);
  if (file === undefined) return 'absent';
  try {
    if (!(await file.stat()).isFile()) return 'absent';
    const start = Buffer.alloc(8);
    await file.read(start, 0, 8, 0);
    const length = start.readBigUInt64LE();
    if (length > mostHeaderBytes) return 'unreadable';
    const text = Buffer.alloc(Number(length));
    const { bytesRead } = await file.read(text, 0, text.length, 8);
    if (bytesRead !== text.length) return 'unreadable';
    return kindOf(text);
  } catch {
    return 'unreadable';
  } finally {
    await file.close();
  }
}

/** The same of a file that is held. */
export function fileKindIn(bytes: Uint8Array): FileKind | 'unreadable' {
  try {
    const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const length = file.readBigUInt64LE();
    return length > mostHeaderBytes ? 'unreadable' : kindOf(file.subarray(8, 8 + Number(length)));
  } catch {
    return 'unreadable';
  }
}

/** Throws where it is no head. */
function kindOf(head: Buffer): FileKind | 'unreadable' {
  const { __metadata__: metadata } = JSON.parse(head.toString());
  if (typeof metadata?.format !== 'string') return 'unreadable';
  const card = metadata.card === undefined ? undefined : JSON.parse(metadata.card);
  const networkId = typeof card?.networkId === 'string' ? card.networkId : undefined;
  return { format: metadata.format, networkId };
}
