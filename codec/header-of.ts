/** The header that stands, or would stand, before a stream. */
import { type CodingModel, isDefaultShape } from './coding-model.ts';
import { type Coding, writeFileHeader } from './header.ts';
import type { SampleCoding } from './sections.ts';

/** What a stream is read with; its single-file header is derived from this and enters its check. */
export interface StreamSetting {
  readonly prior: Coding;
  readonly quality: number;
  readonly shape: readonly number[];
  /** Of samples; by guesses where it is not said. */
  readonly coding?: SampleCoding | undefined;
}

/** The header that a single file with this stream has. */
export function headerOf(model: CodingModel, { prior, quality, shape }: StreamSetting): Uint8Array {
  const written = isDefaultShape(model, shape) ? undefined : shape;
  return writeFileHeader({ prior, modelDigest: model.id, quality, shape: written });
}
