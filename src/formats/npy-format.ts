/** Arrays of NumPy: signals of any kind, as the numbers they are. */
import { stackedRows } from '../signal/rows.ts';
import type { SignalFormat } from './format.ts';
import { mediaTypes } from './media-types.ts';
import { readNpyShape, signalFromNpy } from './npy.ts';
import { npyChunks } from './npy-rows.ts';

/** A last axis of more values than these is no channels. */
const mostChannels = 4;

export const npy = {
  name: 'npy',
  title: 'npy',
  mediaType: mediaTypes.npy,
  suffixes: ['.npy'],
  example: 'array.npy',
  raw: true,
  sniff: (bytes) => bytes[0] === 0x93 && String.fromCharCode(...bytes.subarray(1, 6)) === 'NUMPY',
  fits: () => true,
  shapeOf: async (bytes, { axes }) => readNpyShape(bytes).slice(0, axes),
  read: async (bytes, options) => signalFromNpy(bytes, options),
  likelyAxes(bytes) {
    const shape = readNpyShape(bytes);
    const hasChannels = shape.length > 3 || (shape.length === 3 && shape[2]! <= mostChannels);
    return Math.max(1, hasChannels ? shape.length - 1 : shape.length);
  },
  channelsNeeded: ({ channels }) => channels,
  takes: (outputs, needed) => outputs === needed,
  together: 'all values',
  write: (rows) => npyChunks(rows),
  writeAll: (signals) => npyChunks(stackedRows(signals)),
} as const satisfies SignalFormat;
