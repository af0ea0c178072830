/** Signals from and to files: pictures and npy, told apart by their first bytes or by their suffix. */
import { basename, extname } from 'node:path';
import type { Signal } from '../../datasets/signal.ts';
import { withLimits } from '../core/limits.ts';
import type { Model } from '../field/model.ts';
import type { RowStream } from '../pipeline/types.ts';
import { UsageError } from './exit.ts';
import { type Content, standardStream } from './files.ts';

export const outputFormats = ['png', 'webp', 'npy'] as const;

export type OutputFormat = (typeof outputFormats)[number];

/**
 * A signal with the axes and channels that a model codes; without a model, a picture as RGBA. Throws what the
 * readers throw: BadStreamError, BadInputError, LimitError.
 */
export async function readSignal(
  path: string,
  bytes: Uint8Array,
  { model, maxBytes }: { readonly model?: Model; readonly maxBytes: number },
): Promise<Signal> {
  const id = path === standardStream ? 'stdin' : basename(path);
  const limits = withLimits({ maxFileBytes: maxBytes });
  if (isNpy(bytes)) {
    const { signalFromNpy } = await import('../../datasets/npy.ts');
    return signalFromNpy(bytes, { id, limits, axes: model?.card.spec.axes ?? 2 });
  }
  const { readImage } = await import('../../datasets/image.ts');
  const channels = model?.card.channels ?? 'rgba';
  return readImage(bytes, {
    id,
    limits,
    channels: channels === 'grey' || channels === 'rgba' ? channels : 'rgb',
  });
}

export function isNpy(bytes: Uint8Array): boolean {
  return bytes[0] === 0x93 && Buffer.from(bytes.subarray(1, 6)).toString('latin1') === 'NUMPY';
}

/** The channels that an RGBA picture needs: 1 where it is grey, 3 where it is opaque, else 4. */
export function coloursOf({ values }: Signal): 1 | 3 | 4 {
  let grey = true;
  for (let i = 0; i < values.length; i += 4) {
    if (values[i + 3] !== 1) return 4;
    grey &&= values[i] === values[i + 1] && values[i] === values[i + 2];
  }
  return grey ? 1 : 3;
}

/** The format named, else the one of the suffix; png on stdout. */
export function outputFormat(path: string, named: OutputFormat | undefined): OutputFormat {
  if (named !== undefined) return named;
  if (path === standardStream) return 'png';
  const suffix = extname(path).slice(1).toLowerCase();
  if ((outputFormats as readonly string[]).includes(suffix)) return suffix as OutputFormat;
  throw new UsageError(
    'which-format',
    `${path} names no format; end it in .${outputFormats.join(', .')}, or use --format`,
  );
}

/** The bytes of a decoded signal, made as its rows come where the format allows. */
export async function encodeRows(stream: RowStream, format: OutputFormat): Promise<Content> {
  const { collectRows, npyChunks, pngChunks } = await import('../pipeline/index.ts');
  switch (format) {
    case 'png':
      return pngChunks(stream);
    case 'npy':
      return npyChunks(stream);
    case 'webp': {
      const { writeImage } = await import('../../datasets/image.ts');
      const { shape, channels } = stream;
      return writeImage({ id: 'decoded', shape, channels, values: await collectRows(stream) }, 'webp', {
        lossless: true,
      });
    }
    default:
      return format satisfies never;
  }
}

/** Several signals of one shape: a contact sheet as a picture, [count, ...axes, channels] as npy. */
export async function encodeSignals(signals: readonly Signal[], format: OutputFormat): Promise<Content> {
  const { contactSheet, signalRows, stackedRows } = await import('../pipeline/index.ts');
  return encodeRows(format === 'npy' ? stackedRows(signals) : signalRows(contactSheet(signals)), format);
}
