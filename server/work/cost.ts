/**
 * Which class of places a request takes, by what its headers and its words say. An estimate: a fault of the request is
 * found where the work is done, and counts as small here.
 */
import { multiplyAddsPerPoint, readHeader, type Section } from '../../codec/index.ts';
import type { Limits } from '../../src/core/limits.ts';
import { modulationLength, pointCount } from '../../src/field/spec.ts';
import { type Parts, wantedBy } from '../../src/formats/formats.ts';
import { readSignalShape } from '../../src/formats/read.ts';
import { encodingWork } from '../../src/session/cost.ts';
import { axesBeside } from '../../src/session/description.ts';
import { outputGrid } from '../../src/session/index.ts';
import type { ServedModel } from '../catalogue.ts';
import type { WorkClass } from '../traffic/admission.ts';

/** Multiply-adds of small work, at most: a few tenths of a second of one core. */
const smallWork = 2 ** 32;
/** Of a sample that another codec is tried on: 64 x 64 are small work. */
const peerWork = smallWork / 2 ** 12;
/** An archive from this size on is not looked into for an estimate. */
const smallArchiveBytes = 2 ** 16;

interface Sizing {
  readonly size?: string | undefined;
  readonly region?: string | undefined;
}

export interface Estimate {
  readonly class: WorkClass;
  /** Undefined: not known before the work. */
  readonly shape: readonly number[] | undefined;
}

export async function encodingClass(...given: Parameters<typeof encodingEstimate>): Promise<WorkClass> {
  return (await encodingEstimate(...given)).class;
}

/** With the shape of the signal, where its header tells it. */
export async function encodingEstimate(
  { card }: ServedModel,
  bytes: Uint8Array,
  {
    effort = 1,
    times = 1,
    type,
    ...parts
  }: Parts & { readonly effort?: number | undefined; readonly times?: number; readonly type?: string },
  limits: Limits,
): Promise<Estimate> {
  let shape: readonly number[] | undefined;
  const kind = await classOf(async () => {
    shape = await readSignalShape(bytes, { ...wantedBy(card), ...parts, limits, told: type });
    return times * encodingWork(card, shape, effort);
  });
  return { class: kind, shape };
}

/** Of the function in a file, with the shape that it is drawn at where its header tells it; without a model, of one that brings its network. */
export async function decodingEstimate(
  model: ServedModel | undefined,
  bytes: Uint8Array,
  sizing: Sizing,
  limits: Limits,
): Promise<Estimate> {
  let shape: readonly number[] | undefined;
  const kind = await classOf(() => {
    if (bytes.length > smallArchiveBytes) return Number.POSITIVE_INFINITY;
    const header = readHeader(bytes, limits);
    if (header.container === 'network')
      return pointCount(outputGrid(header.shape, sizing, limits).shape) * multiplyAddsPerPoint(header.spec);
    if (model === undefined) return Number.POSITIVE_INFINITY;
    const own = header.container === 'file' ? header.shape : undefined;
    const placed = { ...sizing, sections: header.container === 'file' ? header.sections : undefined };
    const { work, drawn } = drawingWork(model, own ?? model.card.shape, placed, limits);
    // how many an archive holds is not known here
    if (header.container === 'file') shape = drawn;
    return work;
  });
  return { class: kind, shape };
}

/** Of `count` functions of a shape, each drawn at some size. */
export function drawingClass(
  model: ServedModel,
  shape: readonly number[],
  { count = 1, ...sizing }: Sizing & { readonly count?: number },
  limits: Limits,
): Promise<WorkClass> {
  return classOf(() => count * drawingWork(model, shape, sizing, limits).work);
}

/** Of what another codec makes of a picture, which it codes some twenty times. */
export async function peerClass(bytes: Uint8Array, told: string, limits: Limits): Promise<WorkClass> {
  return classOf(async () => {
    const shape = await readSignalShape(bytes, { axes: 2, outputs: 'any', limits, told });
    return pointCount(shape) * peerWork;
  });
}

function drawingWork(
  { card, perSymbol }: ServedModel,
  shape: readonly number[],
  { sections, ...sizing }: Sizing & { readonly sections?: readonly Section[] | undefined },
  limits: Limits,
): { readonly work: number; readonly drawn: readonly number[] } {
  const { spec } = card;
  const axes = axesBeside(card, shape, sections);
  const { shape: drawn } = outputGrid(shape, { ...sizing, axes, told: card.axes }, limits);
  const symbols = modulationLength(spec, shape);
  const perFunction = symbols * Math.max(0, ...Object.values(perSymbol));
  return { work: pointCount(drawn) * multiplyAddsPerPoint(spec) + perFunction, drawn };
}

async function classOf(work: () => number | Promise<number>): Promise<WorkClass> {
  try {
    return (await work()) > smallWork ? 'large' : 'small';
  } catch {
    return 'small';
  }
}
