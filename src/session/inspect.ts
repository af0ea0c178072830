/** What can be said of a `.functa` file without decoding it. */

import { type ArchiveIndex, type Header, readHeader } from '../../codec/index.ts';
import { aModel, anObject, byteArray, check, maybe } from '../core/check.ts';
import { defaultLimits, type Limits } from '../core/limits.ts';
import { bitsPerPoint } from '../core/units.ts';
import type { Model } from '../field/model.ts';
import { pointCount, weightLayout } from '../field/spec.ts';
import { modelBeside } from './beside.ts';
import type { InspectedItem, Inspection } from './types.ts';

/**
 * Reads the header. A file leaves out what is its model's default: with `model`, shape and rate are known too. Throws
 * LimitError and BadStreamError; whether the stream is whole shows on decoding.
 *
 * @example
 * const { kind, quality } = inspect(bytes);
 */
export function inspect(bytes: Uint8Array, model?: Model, limits: Limits = defaultLimits): Inspection {
  check('inspect', byteArray(bytes, 'bytes'), maybe(aModel)(model, 'model'), anObject(limits, 'limits'));
  const header = readHeader(bytes, limits);
  if (header.container === 'network') return inspectNetwork(header, bytes.length);
  const common = {
    kind: header.container,
    fileBytes: bytes.length,
    headerBytes: header.headerBytes,
    modelDigest: header.modelDigest,
    prior: header.prior,
    quality: header.quality,
  };
  if (header.container === 'file') {
    const shape = header.shape ?? model?.card.shape;
    const outputs = model && modelBeside(model, header.sections).card.outputs;
    const lone = { ...common, count: 1, ...(outputs === undefined ? {} : { outputs }) };
    if (shape === undefined) return lone;
    const points = pointCount(shape);
    return { ...lone, shape, points, bitsPerPoint: bitsPerPoint(bytes.length, points) };
  }
  const { count, shapes } = header;
  const items = Array.from({ length: count }, (_, i) => itemAt(header, i, model));
  const shape = items[0]?.shape ?? header.shape ?? model?.card.shape;
  if (shape === undefined) return { ...common, count, items };
  const points =
    shapes === undefined ? count * pointCount(shape) : shapes.reduce((sum, s) => sum + pointCount(s), 0);
  return {
    ...common,
    count,
    items,
    shape,
    points,
    bitsPerPoint: points > 0 ? bitsPerPoint(bytes.length, points) : undefined,
  };
}

function inspectNetwork(
  { shape, channels, spec, coding, headerBytes, streamBytes }: Extract<Header, { container: 'network' }>,
  fileBytes: number,
): Inspection {
  const points = pointCount(shape);
  const { layers, width, w0 } = spec;
  const weights = weightLayout(spec).length;
  return {
    kind: 'network',
    fileBytes,
    headerBytes,
    count: 1,
    network: { layers, width, w0, channels, weights, coding, bitsPerWeight: (8 * streamBytes) / weights },
    shape,
    points,
    bitsPerPoint: bitsPerPoint(fileBytes, points),
  };
}

function itemAt(index: ArchiveIndex, i: number, model: Model | undefined): InspectedItem {
  const { perStream, offsets, count, exceptions, ids, shapes } = index;
  const stream = Math.floor(i / perStream);
  const sharing = Math.min(perStream, count - stream * perStream);
  const { prior, quality } = exceptions.get(i) ?? index;
  return {
    id: ids?.[i],
    shape: shapes?.[i] ?? index.shape ?? model?.card.shape,
    bytes: (offsets[stream + 1]! - offsets[stream]!) / sharing,
    prior,
    quality,
  };
}
