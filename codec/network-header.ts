/**
 * The header of a network file: a field that is one signal's alone (COIN, arXiv 2103.03123), and so needs no model; see FORMAT.md,
 * "A network file".
 *
 *   0xfa | version, coding of the weights, axes | channels | shape | layers | width | w0 | of `values`: outputs, offset, scale
 */
import { ByteReader, ByteWriter } from '../src/core/bytes.ts';
import { BadInputError, BadStreamError } from '../src/core/errors.ts';
import { checkLimit, type Limits } from '../src/core/limits.ts';
import { type Channels, channelCounts } from '../src/field/kinds.ts';
import { fieldLimits } from '../src/field/limits.ts';
import type { ValueRange } from '../src/field/outputs.ts';
import { coin } from '../src/field/presets.ts';
import { type FieldSpec, pointCount, weightLayout } from '../src/field/spec.ts';
import { multiplyAddsPerPoint } from './coding-model.ts';
import { magic, networkVersion, readLead, readShape } from './header.ts';

/** How weights are stored: as half floats, or as multiples of a step for each tensor, entropy coded. */
export type WeightCoding = (typeof weightCodings)[number];
/** In the order of their numbers in the second byte. */
export const weightCodings = ['half', 'steps'] as const;

/** In the order of their numbers in the third byte, with the axes that such signals have; 0: any number. */
const channelKinds = [
  { channels: 'grey', axes: 2 },
  { channels: 'rgb', axes: 2 },
  { channels: 'rgba', axes: 2 },
  { channels: 'mono', axes: 1 },
  { channels: 'stereo', axes: 1 },
  { channels: 'values', axes: 0 },
] as const satisfies readonly { channels: Channels; axes: number }[];

export const largestW0 = 255;

/** What a network file says of itself. */
export interface NetworkHeader {
  readonly shape: readonly number[];
  readonly channels: Channels;
  readonly values: ValueRange;
  /** A field without levels, of the position in the signal alone. */
  readonly spec: FieldSpec;
  readonly coding: WeightCoding;
}

/** Signal value = offset + scale * field value, unless the file says so itself: what samples of these channels lie between. */
export function valuesOf(channels: Exclude<Channels, 'values'>): ValueRange {
  return channels === 'mono' || channels === 'stereo' ? { offset: 0, scale: 1 } : { offset: 0.5, scale: 0.5 };
}

/** Throws BadInputError `network-header` for what a file cannot say. */
export function writeNetworkHeader({ shape, channels, values, spec, coding }: NetworkHeader): Uint8Array {
  const writer = new ByteWriter()
    .u8(magic)
    .u8(shape.length | (weightCodings.indexOf(coding) << 2) | (networkVersion << 5))
    .u8(channelKinds.findIndex((kind) => kind.channels === channels));
  for (const n of shape) writer.varint(n);
  writer.u8(spec.layers).varint(spec.width).u8(spec.w0);
  if (channels === 'values') writer.varint(spec.outputs).f32(values.offset).f32(values.scale);
  const bytes = writer.finish();
  const read = parse(bytes);
  if (JSON.stringify(read.header) !== JSON.stringify({ shape, channels, values, spec, coding }))
    throw new BadInputError('network-header', 'a network file does not hold a field or values of this kind');
  return bytes;
}

/**
 * The header, held against the limits before anything is sized by it. Throws LimitError `limit-axis`, `limit-samples`, `limit-symbols`
 * or `limit-multiply-adds`, and BadStreamError `magic`, `version`, `container`, `network`, `shape`, `truncated` or `varint`.
 */
export function readNetworkHeader(
  bytes: Uint8Array,
  limits: Limits,
): { readonly header: NetworkHeader; readonly headerBytes: number } {
  const found = parse(bytes);
  const { shape, spec } = found.header;
  const hint = 'allow more, or give a smaller file';
  for (const n of shape) checkLimit('axis', n, limits.maxAxis, hint);
  const points = pointCount(shape);
  checkLimit('samples', points, limits.maxSamples, hint);
  checkLimit('symbols', weightLayout(spec).length, limits.maxSymbols, hint);
  checkLimit('multiply-adds', points * multiplyAddsPerPoint(spec), limits.maxMultiplyAdds, hint);
  return found;
}

function parse(bytes: Uint8Array): { header: NetworkHeader; headerBytes: number } {
  const reader = new ByteReader(bytes);
  const lead = readLead(reader);
  if (lead.container !== 'network')
    throw new BadStreamError('container', 1, 'this file holds no network: it is read with its model');
  const { axes } = lead;
  const coding = weightCodings[lead.coding];
  if (coding === undefined) bad(1, `weights are coded by 0 or 1, not ${lead.coding}`);
  const kind = channelKinds[reader.u8()];
  if (kind === undefined) bad(2, `channels have the numbers 0 to ${channelKinds.length - 1}`);
  if (axes === 0 || (kind.axes !== 0 && kind.axes !== axes))
    bad(1, `a signal of ${kind.channels} with ${axes} axes`);
  const shape = readShape(reader, axes);
  const at = reader.at;
  const layers = reader.u8();
  const width = reader.varint();
  const w0 = reader.u8();
  const { channels } = kind;
  const outputs = channelCounts[channels] ?? reader.varint();
  const within = (n: number, most: number) => n >= 1 && n <= most;
  if (!within(layers, fieldLimits.layers)) bad(at, `${layers} layers, not 1 to ${fieldLimits.layers}`);
  if (!within(width, fieldLimits.width)) bad(at, `a width of ${width}, not 1 to ${fieldLimits.width}`);
  if (!within(w0, largestW0)) bad(at, `w0 is ${w0}, not 1 to ${largestW0}`);
  if (!within(outputs, fieldLimits.outputs)) bad(at, `${outputs} outputs, not 1 to ${fieldLimits.outputs}`);
  const values = channels === 'values' ? { offset: reader.f32(), scale: reader.f32() } : valuesOf(channels);
  if (!Number.isFinite(values.offset) || !Number.isFinite(values.scale) || values.scale === 0)
    bad(at, 'offset and scale of values are finite, and the scale is not 0');
  // Before the specification is made, which throws on more as on a caller's fault.
  const weights = axes * width + width + (layers - 1) * (width + 1) * width + (width + 1) * outputs;
  if (weights > fieldLimits.weights) bad(at, `${weights} weights, not ${fieldLimits.weights} at most`);
  const spec = coin({ axes, outputs, width, layers, w0 });
  return { header: { shape, channels, values, spec, coding }, headerBytes: reader.at };
}

function bad(at: number, message: string): never {
  throw new BadStreamError('network', at, message);
}
