/**
 * What stored functions say: their bytes decoded to modulations. Everything that asks a function asks it through here, so
 * that a query, a mean and a picture are of the very function that its file gives.
 */
import { setImmediate } from 'node:timers/promises';
import { decodeFile, readHeader, sectionOf } from '../../codec/index.ts';
import { dequantisePacked } from '../../prior/packed.ts';
import { stepOfEach } from '../../prior/quantiser.ts';
import {
  AbortedError,
  BadStreamError,
  ConflictError,
  type FunctaError,
  LimitError,
  NotFoundError,
} from '../core/errors.ts';
import { defaultLimits, type Limits } from '../core/limits.ts';
import { stoppable } from '../core/look.ts';
import type { Engine } from '../engine/engine.ts';
import { atQuality } from '../field/at-quality.ts';
import { modulationLayout } from '../field/layout.ts';
import type { Model } from '../field/model.ts';
import type { OwnRange } from '../field/outputs.ts';
import { modulationLength } from '../field/spec.ts';
// By their own modules: the room as a whole brings the database.
import { leaveOut } from '../functaset/failure.ts';
import type {
  Fault,
  Functaset,
  FunctionFacts,
  FunctionSummary,
  Label,
  Range,
  StoredFunction,
} from '../functaset/index.ts';
import { summaryOf } from '../functaset/summary.ts';
import { rangesBeside } from './beside.ts';
import { stepsOf } from './coding.ts';
import { type PackedSymbols, rememberedSymbols } from './decoded.ts';
import { fitOfSamples, type PlainFitOptions } from './modulation.ts';
import type { SampledSignal } from './sample-field.ts';

/** A function that can be evaluated: its facts, and what its bytes stand for. */
export type OpenFunction = ModulatedFunction | SamplesFunction;

/** A function that is a modulation. */
export interface ModulatedFunction extends FunctionSummary {
  /** Its modulation is one of the network at this quality: `atQuality(model, quality)`. */
  readonly quality: number;
  /** [m]: dequantised symbols, or the modulation that was put. Made when first asked for. */
  readonly modulation: Float32Array;
  /** Writes the modulation to `target` [m]: for less than making it, where it is wanted in a batch and not kept. */
  writeModulation?(target: Float32Array): void;
  /** Whether its numbers are symbols times the steps of its quality, so that `quantise` gives back those of its file. */
  readonly coded: boolean;
  /** The ranges that its signal was taken over, where these are its own: `outputsOver` gives outputs in its units. */
  readonly ranges?: readonly OwnRange[] | undefined;
  /** Where its samples stand, as its file says it (its section of axes), where that is not as its model says. */
  readonly places?: Uint8Array | undefined;
  /** What its file says of the signal (its section of that). */
  readonly about?: Uint8Array | undefined;
  /** Its modulation is the plain fit of a function of samples, which decodes to something else. */
  readonly isPlainFit?: true | undefined;
}

/** A function that is samples, and what lies between them (`sample-field.ts`): it has no modulation, see `modulated`. */
export interface SamplesFunction
  extends FunctionSummary,
    SampledSignal,
    Pick<ModulatedFunction, 'ranges' | 'places' | 'about'> {}

/** What opens functions: the priors of the model decode, the engine fits where a modulation is asked of samples. */
export interface FunctionSource {
  readonly model: Model;
  readonly engine: Engine;
}

export interface OpenFunctionsOptions {
  readonly limits?: Limits | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called for each function whose content does not decode, which is then left out; without it the first one is thrown. */
  readonly onDamaged?: ((fault: Fault) => void) | undefined;
}

/** Writes the modulation of a function to `target` [m], without making it first where it can. */
export function putModulation(
  fn: Pick<ModulatedFunction, 'modulation' | 'writeModulation'>,
  target: Float32Array,
): void {
  if (fn.writeModulation === undefined) target.set(fn.modulation);
  else fn.writeModulation(target);
}

/** Symbols decoded between two turns of the event loop: about ten milliseconds. */
const symbolsPerTurn = 2 ** 16;

/**
 * Opens functions of any mix of contents, qualities and shapes, in order. Throws EnvironmentError `function-damaged`,
 * ConflictError `other-model` and NotFoundError `prior` (coded with other priors than the model's), LimitError, AbortedError.
 */
export async function openFunctions(
  source: FunctionSource,
  functions: Iterable<StoredFunction>,
  { limits = defaultLimits, signal, onDamaged }: OpenFunctionsOptions = {},
): Promise<OpenFunction[]> {
  const opened: OpenFunction[] = [];
  let symbols = 0;
  for (const fn of functions) {
    try {
      const found = openOne(source, fn, { limits, signal });
      opened.push(found);
      symbols += numbersIn(found);
    } catch (error) {
      if (!(error instanceof BadStreamError)) throw error;
      leaveOut(fn.id, error, onDamaged);
    }
    if (symbols < symbolsPerTurn) continue;
    symbols = 0;
    await setImmediate();
    if (signal?.aborted) throw new AbortedError();
  }
  return opened;
}

/**
 * Functions that all have a modulation: those of samples get their plain fit, by the network at `quality`, 50 by default. For what is
 * done with modulations alone: arithmetic, densities, exports; what asks for values asks the functions as they are. Throws AbortedError.
 */
export async function modulated(
  source: FunctionSource,
  functions: readonly OpenFunction[],
  { quality, signal }: PlainFitOptions = {},
): Promise<ModulatedFunction[]> {
  const found: ModulatedFunction[] = [];
  for (const fn of functions) {
    if (!('samples' in fn)) {
      found.push(fn);
      continue;
    }
    const { samples: _samples, ...facts } = fn;
    const fit = await fitOfSamples(source, fn, { quality, signal });
    found.push({ ...facts, ...fit, coded: false, isPlainFit: true });
  }
  return found;
}

/** The functions of a store in order of ids, so many at a time. Throws as `openFunctions`. */
export async function* openStored(
  source: FunctionSource,
  store: Functaset,
  { after, limit, onDamaged, ...options }: OpenFunctionsOptions & Range,
): AsyncGenerator<OpenFunction[]> {
  let page: StoredFunction[] = [];
  for (const fn of store.iterate({ after, limit, onDamaged })) {
    page.push(fn);
    if (page.length < functionsPerPage) continue;
    yield openFunctions(source, page, { ...options, onDamaged });
    page = [];
  }
  if (page.length > 0) yield openFunctions(source, page, { ...options, onDamaged });
}

const functionsPerPage = 256;

/** Whether a function is stored as samples; its header alone is read. */
export function isOfSamples({ content }: StoredFunction): boolean {
  if (content.kind !== 'file') return false;
  const header = readHeader(content.bytes);
  return header.container === 'file' && header.prior === 'samples';
}

/** Whether modulations of these two qualities are of one network, and so can be compared number by number. */
export function isSameNetwork(model: Model, quality: number, other: number): boolean {
  return atQuality(model, quality).network === atQuality(model, other).network;
}

interface OpenOneOptions {
  readonly limits: Limits;
  readonly signal: AbortSignal | undefined;
}

/** Not a promise: one for each of many functions would cost more than opening it. */
function openOne(
  { model }: FunctionSource,
  fn: StoredFunction,
  { limits, signal }: OpenOneOptions,
): OpenFunction {
  const { content } = fn;
  switch (content.kind) {
    case 'file': {
      const found = rememberedSymbols(model, content.bytes, () =>
        namingFunction(fn, () => stoppable(signal, () => decodeFile(model, content.bytes, limits))),
      );
      checkShape(fn, found.shape);
      const ranges = rangesBeside(found.sections, model.card.outputs.length);
      const places = sectionOf(found.sections, 'axes');
      const about = sectionOf(found.sections, 'about');
      const said = { ranges, places, about };
      if (found.prior === 'samples') return { ...summaryOf(fn), samples: found.samples, ...said };
      return new CodedFunction(
        fn,
        content.bytes.length,
        found,
        stepsOfNumbers(model, found.shape, found.quality),
        said,
      );
    }
    case 'modulation': {
      const { quality, values } = content;
      const wanted = modulationLength(model.card.spec, fn.shape);
      if (values.length !== wanted) {
        const lengths = `${values.length} numbers, shape [${fn.shape}] takes ${wanted}`;
        throw new BadStreamError('record-length', 0, `a modulation of ${lengths}`);
      }
      return { ...summaryOf(fn), quality, modulation: values, coded: false };
    }
    default:
      return content satisfies never;
  }
}

/** What opening a function took, in numbers. */
function numbersIn(fn: OpenFunction): number {
  if (fn instanceof CodedFunction) return fn.symbols;
  return 'samples' in fn ? fn.samples.length : fn.modulation.length;
}

/**
 * A function that is what its symbols say. A class with all members written out: thousands are made by a query, and an object that is
 * spread out of another takes microseconds. What is spread out of this one lacks `modulation`.
 */
class CodedFunction implements ModulatedFunction {
  readonly id: string;
  readonly label?: Label;
  readonly shape: readonly number[];
  readonly psnrDb: number;
  readonly bits: number;
  readonly codedBytes: number;
  readonly modulationBytes = 0;
  readonly quality: number;
  readonly coded = true;
  readonly ranges: readonly OwnRange[] | undefined;
  readonly places: Uint8Array | undefined;
  readonly about: Uint8Array | undefined;
  readonly #packed: Uint8Array;
  readonly #steps: Float64Array;
  #modulation: Float32Array | undefined;

  constructor(
    fn: StoredFunction,
    codedBytes: number,
    { packed, quality }: PackedSymbols,
    steps: Float64Array,
    { ranges, places, about }: Pick<ModulatedFunction, 'ranges' | 'places' | 'about'>,
  ) {
    this.id = fn.id;
    if (fn.label !== undefined) this.label = fn.label;
    this.shape = fn.shape;
    this.psnrDb = fn.psnrDb;
    this.bits = fn.bits;
    this.codedBytes = codedBytes;
    this.quality = quality;
    this.ranges = ranges;
    this.places = places;
    this.about = about;
    this.#packed = packed;
    this.#steps = steps;
  }

  get symbols(): number {
    return this.#steps.length;
  }

  get modulation(): Float32Array {
    this.#modulation ??= dequantisePacked(this.#packed, this.#steps);
    return this.#modulation;
  }

  writeModulation(target: Float32Array): void {
    dequantisePacked(this.#packed, this.#steps, target.fill(0));
  }
}

interface Steps {
  readonly shape: readonly number[];
  readonly quality: number;
  readonly steps: Float64Array;
}

/** Those of the function before: functions of a store are mostly alike. */
const latest = new WeakMap<Model, Steps>();

function stepsOfNumbers(model: Model, shape: readonly number[], quality: number): Float64Array {
  const known = latest.get(model);
  if (known !== undefined && known.quality === quality && isSameShape(known.shape, shape)) return known.steps;
  const steps = stepOfEach(modulationLayout(model.card.spec, shape), stepsOf(model, quality));
  latest.set(model, { shape, quality, steps });
  return steps;
}

/** Faults that are not of the bytes say which function they are of. */
function namingFunction<T>({ id }: FunctionFacts, decode: () => T): T {
  const named = ({ message }: FunctaError) => `function ${JSON.stringify(id)}: ${message}`;
  try {
    return decode();
  } catch (error) {
    if (error instanceof ConflictError) throw new ConflictError(error.code, named(error));
    if (error instanceof NotFoundError) throw new NotFoundError(error.code, named(error));
    if (error instanceof LimitError) {
      const { limit, allowed, asked } = error;
      throw new LimitError(limit, allowed, asked, `raise it for function ${JSON.stringify(id)}`);
    }
    throw error;
  }
}

function checkShape({ shape }: FunctionFacts, found: readonly number[]): void {
  if (isSameShape(shape, found)) return;
  throw new BadStreamError('record-shape', 0, `its file is of shape [${found}], its record says [${shape}]`);
}

function isSameShape(shape: readonly number[], other: readonly number[]): boolean {
  return shape.length === other.length && shape.every((n, axis) => n === other[axis]);
}
