/** A model and an engine, ready to turn signals into bytes and bytes into signals. */

import { multiplyAddsPerPoint } from '../../codec/index.ts';
import { checkQuality } from '../../prior/quantiser.ts';
import {
  aModel,
  aNumber,
  anEngine,
  anObject,
  aShape,
  aSignal,
  aText,
  byteArray,
  check,
  floats,
  having,
  listOf,
  maybe,
} from '../core/check.ts';
import { AbortedError, BadInputError } from '../core/errors.ts';
import { checkLimit, defaultLimits, type Limits } from '../core/limits.ts';
import { stoppable } from '../core/look.ts';
import { defaultQuality } from '../field/at-quality.ts';
import type { OwnRange } from '../field/outputs.ts';
import { modelOver } from '../field/own-range.ts';
import { modulationLength, pointCount } from '../field/spec.ts';
import { type Fitted, fitSignals } from '../fit/fit.ts';
import { bestPrior, priorKind } from '../models/priors.ts';
import { axesOf } from '../signal/axes.ts';
import { ownRangesOf } from '../signal/own-range.ts';
import type { RowStream } from '../signal/rows.ts';
import { collectRows } from '../signal/rows.ts';
import type { Signal } from '../signal/signal.ts';
import { checkFits } from '../signal/values.ts';
import { decodeOptions, encodeOptions, sampleOptions } from './arguments.ts';
import { besideSignal } from './beside.ts';
import { encodeBounded, storedWithin } from './bounded.ts';
import { archiveOf, functionsOf } from './coding.ts';
import { checkEncodable } from './cost.ts';
import { describedRows } from './described-rows.ts';
import { descriptionSections, sectionsSaid } from './description.ts';
import { drawingPerSymbol, priorToDraw, sampleId } from './draw.ts';
import { SignalEncoder } from './encoder.ts';
import { type Func, type FuncContext, funcOf, openFunc, openFuncs } from './func.ts';
import { outputGrid } from './grid.ts';
import { inlineWork } from './inline-work.ts';
import { inspect } from './inspect-file.ts';
import { itemNumber, namesOf } from './items.ts';
import type { MaxError } from './max-error.ts';
import { modulationOf } from './modulation.ts';
import { checkModulation } from './put.ts';
import { checkKeepsSigns, type SignsContext, withSigns } from './signs.ts';
import { encodeTo } from './target.ts';
import type {
  DecodeOptions,
  Encoded,
  EncodeManyOptions,
  EncodeOneOptions,
  EncodeOptions,
  ModulationOf,
  NamedRows,
  OpenFuncOptions,
  Sampled,
  SampleOptions,
  Session,
  SessionOptions,
} from './types.ts';
import { withFacts } from './with-facts.ts';
import type { DecodedFunction, DecodedModulation } from './work.ts';

/** Signals adapted together unless the caller says otherwise. */
export const defaultBatch = 32;
/** Points of signals adapted together, so that their trajectories fit in memory. */
const maxBatchPoints = 2 ** 20;

/**
 * A session holds nothing but what it is given: the engine stays the caller's to close.
 *
 * @example
 * const session = openSession({ model, engine });
 * const { bytes } = await session.encode(signal, { quality: 50, effort: 2 });
 */
export function openSession(options: SessionOptions): Session {
  check(
    'openSession',
    having({ model: aModel, engine: anEngine, limits: maybe(anObject), work: maybe(anObject) })(
      options,
      'options',
    ),
  );
  return new OpenSession(options);
}

class OpenSession implements Session {
  readonly model: Session['model'];
  readonly engine: Session['engine'];
  readonly #limits: Limits;
  readonly #work;
  /** Where signals are taken over ranges of their own, these; the card of the model is then in their units. */
  readonly #ranges: readonly OwnRange[] | undefined;

  constructor(
    { model, engine, limits = defaultLimits, work = inlineWork }: SessionOptions,
    ranges?: readonly OwnRange[],
  ) {
    this.model = model;
    this.engine = engine;
    this.#limits = limits;
    this.#work = work;
    this.#ranges = ranges;
  }

  async encode(signal: Signal, options: EncodeOneOptions = {}): Promise<Encoded> {
    check('encode', aSignal(signal, 'signal'), encodeOptions(options, 'options'));
    const own = this.#over(signal);
    if (own !== undefined) return own.encode(signal, options);
    const { target, maxError, keepSigns = false } = options;
    if (keepSigns) checkKeepsSigns(this.model);
    if (maxError !== undefined) return this.#encodeBounded(signal, maxError, options);
    const kept = async (file: Encoded) =>
      keepSigns ? withSigns(this.#beside(signal, options.signal), file) : file;
    if (target === undefined) return kept((await this.#encodeTogether([signal], options))[0]!);
    if (options.quality !== undefined)
      throw new BadInputError('target', 'give a target or a quality, not both');
    const started = performance.now();
    const encoder = this.#encoder(signal, options);
    if (options.signal?.aborted) throw new AbortedError();
    const { effort = 1 } = options;
    const { isOrdered } = encoder;
    const beside = this.#besideOf(signal, options);
    const found = await encodeTo(target, { effort, isOrdered }, async (quality, own) =>
      kept(beside(await encoder.encode(quality, own))),
    );
    return withFacts(found, { seconds: (performance.now() - started) / 1000 });
  }

  async #encodeBounded(signal: Signal, maxError: MaxError, options: EncodeOneOptions): Promise<Encoded> {
    if (options.quality !== undefined || options.target !== undefined)
      throw new BadInputError('max-error', 'give a bound, a target or a quality, not several');
    if (options.keepSigns)
      throw new BadInputError('keep-signs', 'give a bound, or keep signs: one of the two');
    const started = performance.now();
    const encoder = this.#encoder(signal, options);
    if (options.signal?.aborted) throw new AbortedError();
    const beside = this.#besideOf(storedWithin(signal, maxError), options);
    const file = await encodeBounded(
      {
        ...this.#beside(signal, options.signal),
        encodeAt: async (quality, effort) => beside(await encoder.encode(quality, effort)),
        encodeSamples: (quality, by) => {
          const sampled = encoder.encodeSamples(quality, by);
          return sampled && beside(sampled);
        },
      },
      maxError,
      options.effort ?? 1,
    );
    return withFacts(file, { seconds: (performance.now() - started) / 1000 });
  }

  /** Gives a file what it is to say beside the field of a signal. */
  #besideOf(signal: Signal, { keep = 'all' }: EncodeOptions): (file: Encoded) => Encoded {
    const ranges = this.#ranges;
    const others = descriptionSections(this.model.card, signal, { keep, ranges: ranges !== undefined });
    return (file) => besideSignal(file, signal, { ranges, others });
  }

  /** For what is said beside the field of a signal. */
  #beside(signal: Signal, abort: AbortSignal | undefined): SignsContext {
    const { model } = this;
    const limits = this.#limits;
    return {
      ...{ model, signal },
      valuesOf: async (bytes) => {
        const found = await this.#work.decode(model, { bytes, item: 0, limits }, abort);
        const { sections: _, ...field } = found;
        const stream = this.#rows(field as DecodedFunction, { raw: true, signal: abort });
        return { values: await collectRows(stream), found };
      },
    };
  }

  async encodeMany(
    signals: readonly Signal[],
    options: EncodeManyOptions = {},
  ): Promise<{ items: Encoded[]; archive: Uint8Array }> {
    check('encodeMany', listOf(aSignal, 'signals')(signals, 'signals'), encodeOptions(options, 'options'));
    const items: Encoded[] = [];
    const { maxError, keepSigns } = options;
    if (maxError !== undefined || keepSigns) {
      if (options.archive !== false)
        throw new BadInputError(
          maxError === undefined ? 'keep-signs' : 'max-error',
          'bounds and signs are of single files; say `archive: false`',
        );
      const { quality, effort, prior, steps, keep, signal } = options;
      const own = { quality, effort, prior, steps, keep, signal, maxError, keepSigns };
      for (const one of signals) items.push(await this.encode(one, own));
      return { items, archive: new Uint8Array(0) };
    }
    for (const group of groups(signals, options.batch ?? defaultBatch)) {
      items.push(...(await this.#encodeGroup(group, options)));
    }
    if (options.archive === false) return { items, archive: new Uint8Array(0) };
    const ids = options.ids ? uniqueIds(signals) : undefined;
    const named = items.map(({ bytes }, i) => ({ bytes, id: ids?.[i] }));
    return { items, archive: stoppable(options.signal, () => archiveOf(this.model, named)) };
  }

  async open(bytes: Uint8Array, asked: OpenFuncOptions = {}): Promise<Func> {
    check('open', byteArray(bytes, 'bytes'), decodeOptions(asked, 'options'));
    const { limits = this.#limits, ...options } = asked;
    return openFunc(this.#context(limits), bytes, options);
  }

  openEach(bytes: Uint8Array, options: Pick<DecodeOptions, 'limits' | 'signal'> = {}): AsyncIterable<Func> {
    check('openEach', byteArray(bytes, 'bytes'), decodeOptions(options, 'options'));
    const { limits = this.#limits, signal } = options;
    return openFuncs(this.#context(limits), bytes, signal);
  }

  func(of: ModulationOf): Func {
    check(
      'func',
      having({
        ...{ modulation: floats, shape: maybe(aShape), quality: maybe(aNumber), id: maybe(aText) },
        ...{ places: maybe(byteArray), about: maybe(byteArray) },
      })(of, 'function'),
    );
    const { modulation, shape = this.model.card.shape, quality = defaultQuality, id = '0' } = of;

    checkModulation(this.model, modulation, shape);
    checkQuality(quality);
    const sections = sectionsSaid(of, this.model.card.outputs.length);
    const found = { modulation, shape, quality, ...(sections.length === 0 ? {} : { sections }) };
    return funcOf(this.#context(this.#limits), { id, found });
  }

  #context(limits: Limits) {
    const { model, engine } = this;
    const fit: FuncContext['fit'] = (found, options) => modulationOf({ model, engine }, found, options);
    return { model, engine, rows: describedRows, work: this.#work, fit, limits };
  }

  async decode(bytes: Uint8Array, options: DecodeOptions = {}): Promise<Signal> {
    const stream = await this.decodeRows(bytes, options);
    const values = await collectRows(stream);
    const { shape, channels, axes, about } = stream;
    return { id: 'decoded', shape, channels, axes, about, values };
  }

  async decodeRows(bytes: Uint8Array, options: DecodeOptions = {}): Promise<RowStream> {
    check('decode', byteArray(bytes, 'bytes'), decodeOptions(options, 'options'));
    const limits = options.limits ?? this.#limits;
    const item = itemNumber(bytes, options, limits);
    const found = await this.#work.decode(this.model, { bytes, item, limits }, options.signal);
    return this.#rows(found, options);
  }

  async *decodeMany(bytes: Uint8Array, options: DecodeOptions = {}): AsyncIterable<Signal> {
    for (const { id, rows: stream } of this.decodeEach(bytes, options)) {
      const values = await collectRows(stream);
      const { shape, channels, axes, about } = stream;
      yield { id, shape, channels, axes, about, values };
    }
  }

  *decodeEach(bytes: Uint8Array, options: Omit<DecodeOptions, 'item' | 'id'> = {}): Iterable<NamedRows> {
    check('decodeEach', byteArray(bytes, 'bytes'), decodeOptions(options, 'options'));
    const limits = options.limits ?? this.#limits;
    const names = namesOf(bytes, limits);
    let i = 0;
    for (const found of functionsOf(this.model, bytes, { limits, signal: options.signal }))
      yield { id: names[i++]!, rows: this.#rows(found, options) };
  }

  async sample(options: SampleOptions): Promise<Sampled> {
    check('sample', sampleOptions(options, 'options'));
    const { model } = this;
    const { count, seed, temperature = 1, quality = defaultQuality, shape = model.card.shape } = options;
    if (!Number.isSafeInteger(count) || count < 1) {
      throw new BadInputError('bad-count', `count is a whole number from 1, not ${count}`);
    }
    checkShape(model.card.anySize, shape, model.card.shape);
    const { label, guidance, steps } = options;
    const wishes = { temperature, label, guidance, steps };
    const prior = options.prior ?? priorToDraw(model, wishes);
    this.#checkSample(count, shape, prior, options);
    const drawn = await this.#work.draw(
      model,
      { count, seed, quality, prior, shape, ids: options.ids, ...wishes },
      options.signal,
    );
    const signals: Signal[] = [];
    const modulations = options.decode === false ? [] : drawn.modulations;
    for (const [i, modulation] of modulations.entries()) {
      const stream = this.#rows(
        { modulation, shape, quality },
        { size: options.size, raw: options.raw, signal: options.signal },
      );
      const values = await collectRows(stream);
      signals.push({
        id: sampleId({ seed, label }, i),
        shape: stream.shape,
        channels: stream.channels,
        axes: stream.axes,
        values,
      });
    }
    return { signals, archive: drawn.archive, bits: drawn.bits, distilled: drawn.distilled };
  }

  inspect(bytes: Uint8Array) {
    return inspect(bytes, this.model);
  }

  #rows(found: DecodedFunction | Omit<DecodedModulation, 'prior'>, options: DecodeOptions): RowStream {
    const { model, engine } = this;
    const { limits = this.#limits } = options;
    return describedRows({ model, engine }, found, { ...options, limits });
  }

  /** A session in the units of a signal that is taken over its own range; undefined of one on the scale of the card. */
  #over(signal: Signal): OpenSession | undefined {
    const ranges = this.#ranges === undefined ? ownRangesOf(this.model.card.outputs, signal) : undefined;
    if (ranges === undefined) return undefined;
    const { engine } = this;
    const [model, limits, work] = [modelOver(this.model, ranges), this.#limits, this.#work];
    return new OpenSession({ model, engine, limits, work }, ranges);
  }

  /** Signals of one shape: together where all are on the scale of the card, else one by one. */
  async #encodeGroup(signals: readonly Signal[], options: EncodeOptions): Promise<Encoded[]> {
    const sessions = signals.map((signal) => this.#over(signal));
    if (sessions.every((own) => own === undefined)) return this.#encodeTogether(signals, options);
    const items: Encoded[] = [];
    for (const [i, own] of sessions.entries())
      items.push(...(await (own ?? this).#encodeTogether([signals[i]!], options)));
    return items;
  }

  /** Signals of one shape, adapted in one call; the seconds of the call are shared equally. */
  async #encodeTogether(signals: readonly Signal[], options: EncodeOptions): Promise<Encoded[]> {
    const { quality = defaultQuality, effort = 1, signal: abort } = options;
    checkQuality(quality);
    const started = performance.now();
    const encoders = signals.map((signal) => this.#encoder(signal, options));
    const all = [...encoders.keys()];
    const steps = encoders[0]!.stepsOf(quality);
    if (abort?.aborted) throw new AbortedError();
    const fit = async (members: readonly number[], own: number) => {
      if (members.length === 0) return;
      const together = members.map((i) => signals[i]!);
      const fitted = await this.#fit(together, { ...options, quality: steps, effort: own });
      for (const [k, i] of members.entries()) encoders[i]!.take(steps, own, fitted[k]!);
    };
    if (effort === 1 || !encoders[0]!.choosesSteps) await fit(all, effort);
    else {
      // What effort 1 finds shows whose steps are their own; the others are fitted at several, one by one.
      await fit(all, 1);
      const own: number[] = [];
      for (const i of all) if (!(await encoders[i]!.isRanked(quality, effort))) own.push(i);
      await fit(own, effort);
    }
    const shared = (performance.now() - started) / signals.length / 1000;
    const items: Encoded[] = [];
    for (const [i, encoder] of encoders.entries()) {
      if (abort?.aborted) throw new AbortedError();
      const found = this.#besideOf(signals[i]!, options)(await encoder.encode(quality));
      items.push(withFacts(found, { seconds: found.seconds + shared }));
    }
    return items;
  }

  /** Throws BadInputError and LimitError for signals that are not encoded. */
  #encoder(signal: Signal, options: EncodeOptions): SignalEncoder {
    const { model, engine } = this;
    checkFits(model, signal);
    const asked = { id: signal.id, effort: options.effort ?? 1, limits: this.#limits };
    checkEncodable(model.card, signal.shape, asked);
    return new SignalEncoder({ model, engine, work: this.#work, limits: this.#limits }, signal, options);
  }

  async #fit(signals: readonly Signal[], options: EncodeOptions): Promise<Fitted[]> {
    const { model, engine } = this;
    const { quality = defaultQuality, effort = 1, prior = bestPrior(model), signal } = options;
    const request = { quality, effort, prior: priorKind(prior), symbolsAlone: true, signal };
    return fitSignals(model, engine, signals, request);
  }

  /** All signals of a sample together. */
  #checkSample(count: number, shape: readonly number[], prior: string, options: SampleOptions): void {
    const limits = this.#limits;
    const { card } = this.model;
    const { spec } = card;
    const hint = 'draw fewer or smaller signals';
    const symbols = count * modulationLength(spec, shape);
    checkLimit('symbols', symbols, limits.maxSymbols, hint);
    const own = () => outputGrid(shape, { ...options, axes: axesOf(card, shape) }, limits);
    const points = options.decode === false ? 0 : count * pointCount(own().shape);
    checkLimit('samples', points, limits.maxSamples, hint);
    const perSymbol = drawingPerSymbol(this.model, prior, options.steps);
    const work = points * multiplyAddsPerPoint(spec) + symbols * perSymbol;
    checkLimit('multiply-adds', work, limits.maxMultiplyAdds, hint);
  }
}

/** Ids of signals, told apart where they are the same. */
function uniqueIds(signals: readonly Signal[]): string[] {
  const taken = new Set<string>();
  return signals.map(({ id }) => {
    let name = id;
    for (let n = 2; taken.has(name); n++) name = `${id} (${n})`;
    taken.add(name);
    return name;
  });
}

function checkShape(anySize: boolean, shape: readonly number[], own: readonly number[]): void {
  const whole = shape.length === own.length && shape.every((n) => Number.isSafeInteger(n) && n >= 1);
  if (!whole || (!anySize && shape.join() !== own.join())) {
    const wanted = anySize ? `${own.length} whole numbers from 1` : `[${own}]`;
    throw new BadInputError('bad-shape', `shape [${shape}] is not one this model draws; give ${wanted}`);
  }
}

/** Runs of signals of one shape, in order, at most `size` of them and not too many points together. */
export function groups(signals: readonly Signal[], size: number): Signal[][] {
  const all: Signal[][] = [];
  for (const signal of signals) {
    const last = all.at(-1);
    const most = Math.min(size, Math.floor(maxBatchPoints / pointCount(signal.shape)));
    const joins = last !== undefined && last.length < most && last[0]!.shape.join() === signal.shape.join();
    if (joins) last.push(signal);
    else all.push([signal]);
  }
  return all;
}
