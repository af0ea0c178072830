/** What the codec needs of a model, and what a file may ask of it. */
import type { PriorKind } from '../prior/kinds.ts';
import { type PriorSource, priorKinds, readPrior } from '../prior/registry.ts';
import { BadInputError, BadStreamError, ConflictError, NotFoundError } from '../src/core/errors.ts';
import { checkLimit, type Limits } from '../src/core/limits.ts';
import { type ModulationLayout, modulationLayout } from '../src/field/layout.ts';
import type { Output } from '../src/field/outputs.ts';
import {
  type FieldSpec,
  featureCount,
  modulationLength,
  pointCount,
  totalChannels,
} from '../src/field/spec.ts';
import type { Coding } from './header.ts';

/** A `Model` of src/field/model.ts is one. */
export interface CodingModel extends PriorSource {
  /** SHA-256 of the model file, hex. */
  readonly id: string;
  readonly card: {
    /** Shape of a signal unless told otherwise. */
    readonly shape: readonly number[];
    /** Whether signals may have other shapes. */
    readonly anySize: boolean;
    /** What samples are. */
    readonly outputs: readonly Output[];
  };
}

/** Multiply-adds of evaluating the field at one point. */
export function multiplyAddsPerPoint(spec: FieldSpec): number {
  const { width, layers, outputs } = spec;
  const network = featureCount(spec) * width + (layers - 1) * width * width + width * outputs;
  return network + totalChannels(spec) * (layers * width + outputs);
}

/** What reading one sample costs, in multiply-adds that take about as long. */
const multiplyAddsPerSample = 4096;

/**
 * Checks, before anything is allocated, that signals of these shapes may be asked for, all together. Throws LimitError `limit-axis`,
 * `limit-samples`, `limit-symbols` or `limit-multiply-adds`, and NotFoundError `prior`.
 */
export function checkWork(
  model: CodingModel,
  signals: readonly { readonly shape: readonly number[]; readonly prior: Coding }[],
  limits: Limits,
): void {
  const { spec } = model.network;
  const hint = 'allow more, or ask for a smaller signal';
  let points = 0;
  let symbols = 0;
  let work = 0;
  for (const { shape, prior } of signals) {
    for (const n of shape) checkLimit('axis', n, limits.maxAxis, hint);
    const ownPoints = pointCount(shape);
    points += ownPoints;
    if (prior === 'samples') {
      work += ownPoints * spec.outputs * multiplyAddsPerSample;
      continue;
    }
    const ownSymbols = modulationLength(spec, shape);
    symbols += ownSymbols;
    const perSymbol = readPrior(model, prior).multiplyAddsPerSymbol;
    work += ownPoints * multiplyAddsPerPoint(spec) + ownSymbols * perSymbol;
  }
  checkLimit('samples', points, limits.maxSamples, hint);
  checkLimit('symbols', symbols, limits.maxSymbols, hint);
  checkLimit('multiply-adds', work, limits.maxMultiplyAdds, hint);
}

/**
 * The shape of a signal in a file: the one written out, or the model's. Throws BadStreamError `shape` when the
 * model has no such signals, or when a shape is written out that is the model's anyway.
 */
export function resolveShape(
  model: CodingModel,
  written: readonly number[] | undefined,
  at: number,
): readonly number[] {
  if (written === undefined) return model.card.shape;
  if (written.length !== model.network.spec.axes) {
    throw new BadStreamError(
      'shape',
      at,
      `a shape of ${written.length} axes; the model has ${model.network.spec.axes}`,
    );
  }
  if (isDefaultShape(model, written)) {
    throw new BadStreamError('shape', at, `the shape [${written}] is the model's own and must be left out`);
  }
  if (!model.card.anySize) {
    throw new BadStreamError(
      'shape',
      at,
      `the model is for signals of [${model.card.shape}] only, not [${written}]`,
    );
  }
  return written;
}

export function isDefaultShape(model: CodingModel, shape: readonly number[]): boolean {
  const own = model.card.shape;
  return own.length === shape.length && own.every((n, axis) => n === shape[axis]);
}

/** Layout of a signal that a caller wants encoded. Throws BadInputError `shape`. */
export function layoutFor(model: CodingModel, shape: readonly number[]): ModulationLayout {
  checkCodedShape(model, shape);
  return modulationLayout(model.network.spec, shape);
}

/** That a caller may have a signal of this shape encoded. Throws BadInputError `shape`. */
export function checkCodedShape(model: CodingModel, shape: readonly number[]): void {
  const { spec } = model.network;
  if (shape.length !== spec.axes || shape.some((n) => !Number.isInteger(n) || n < 1 || n > 0xffffffff)) {
    throw new BadInputError(
      'shape',
      `[${shape}] is not a shape of ${spec.axes} axes of at least one point each`,
    );
  }
  if (!model.card.anySize && !isDefaultShape(model, shape)) {
    throw new BadInputError(
      'shape',
      `the model is for signals of [${model.card.shape}] only, not [${shape}]`,
    );
  }
}

/** The model's best prior, or the one asked for. Throws NotFoundError `prior`. */
export function choosePrior(model: CodingModel, asked?: PriorKind): PriorKind {
  const kind = asked ?? priorKinds(model)[0];
  if (kind === undefined)
    throw new NotFoundError('prior', 'the model has no prior; train one with `functa prior train`');
  return kind;
}

/** Throws ConflictError `other-model` naming both digests. */
export function checkModel(model: CodingModel, modelDigest: string): void {
  const own = model.id.slice(0, modelDigest.length);
  if (own !== modelDigest) {
    throw new ConflictError(
      'other-model',
      `the file was written with model ${modelDigest}..., and this is model ${own}...; use that model or adapted prior`,
    );
  }
}
