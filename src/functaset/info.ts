/** The one record that says what a functaset is of, as JSON with a checksum before it. */
import { ByteReader, ByteWriter } from '../core/bytes.ts';
import { BadInputError, BadStreamError, ConflictError } from '../core/errors.ts';
import { crc32c } from '../core/hash.ts';
import type { FunctasetInfo, FunctasetNetwork } from './types.ts';

const format = 2;
export const infoKey = 'functaset';

export function encodeInfo(network: FunctasetNetwork): Uint8Array {
  const { networkId, modelId, specDigest, layout, shape } = network;
  for (const [name, digest] of Object.entries({ networkId, modelId, specDigest })) {
    if (!/^[0-9a-f]{64}$/.test(digest))
      throw new BadInputError('bad-network', `${name} is not a SHA-256 in hex`);
  }
  const info: FunctasetInfo = { format, networkId, modelId, specDigest, layout, shape };
  const json = new TextEncoder().encode(JSON.stringify(info));
  return new ByteWriter().u32(crc32c(json)).bytes(json).finish();
}

/** Of any format. Throws BadStreamError `info-checksum` or `truncated`. */
export function decodeInfoOf(bytes: Uint8Array): FunctasetNetwork & { readonly format: number } {
  const reader = new ByteReader(bytes);
  const stored = reader.u32();
  const json = reader.bytes(reader.remaining);
  if (crc32c(json) !== stored) {
    throw new BadStreamError(
      'info-checksum',
      0,
      'the description of the functaset is damaged; build it again',
    );
  }
  return JSON.parse(new TextDecoder().decode(json));
}

/** Throws BadStreamError `info-checksum`, `info-format` or `truncated`. */
export function decodeInfo(path: string, bytes: Uint8Array): FunctasetInfo {
  const info = decodeInfoOf(bytes);
  if (info.format === format) return { ...info, format };
  if (info.format === 1) {
    throw new BadStreamError(
      'info-format',
      4,
      `functaset ${path} is of format 1, which keeps each function twice; make it one of format 2: functa store upgrade`,
    );
  }
  throw new BadStreamError(
    'info-format',
    4,
    `functaset ${path} is of format ${info.format}, ${format} is read; update functa`,
  );
}

/** Throws ConflictError `functaset-network` naming both networks when they differ. */
export function checkNetworkOf(path: string, info: FunctasetInfo, network: FunctasetNetwork): void {
  if (info.networkId === network.networkId) return;
  const names = `${info.networkId.slice(0, 16)} (model ${info.modelId.slice(0, 16)})`;
  const given = `${network.networkId.slice(0, 16)} (model ${network.modelId.slice(0, 16)})`;
  throw new ConflictError(
    'functaset-network',
    `functaset ${path} is of network ${names}, not of ${given}; use its own model, or another path`,
  );
}
