/** What is put into a functaset: whatever a body holds, as records that the writer only has to write. */
import { magic } from '../../../codec/header.ts';
import { AbortedError, BadInputError, FunctaError } from '../../../src/core/errors.ts';
import { type Label, labelForms } from '../../../src/core/label.ts';
import { checkLimit } from '../../../src/core/limits.ts';
import type { Metadata } from '../../../src/core/metadata.ts';
import type { Parts } from '../../../src/formats/formats.ts';
import { isOld, recordOf, type StoredFunction, summaryOf } from '../../../src/functaset/index.ts';
import { stored } from '../../../src/jobs/build.ts';
import { functionsOfArchive, functionsOfModulations, rowId } from '../../../src/jobs/index.ts';
import type { EncodeOneOptions } from '../../../src/session/index.ts';
import { defaultBatch } from '../../../src/session/session.ts';
import type { Signal } from '../../../src/signal/index.ts';
import { parseSize } from '../../../src/signal/index.ts';
import { digestOfBody } from '../../form.ts';
import { signalTypes } from '../../media.ts';
import { problemOf } from '../../problem.ts';
import { functionJson } from '../../told.ts';
import { versionOf } from '../../version.ts';
import { withoutPaths } from '../../without-paths.ts';
import type { PutFault, PutItem } from '../../writer/messages.ts';
import type { Made } from '../messages.ts';
import { mostFunctions, type Named, type Part, partsOf } from '../parts.ts';
import type { FunctasetRef, ModelRef, OpenModel, Shelf } from '../shelf.ts';
import { encodable, readSignal } from '../signals.ts';

export interface IntakeInput
  extends Pick<EncodeOneOptions, 'quality' | 'maxError' | 'keep' | 'effort' | 'steps'> {
  readonly model: ModelRef;
  readonly functaset: FunctasetRef;
  readonly bytes: Uint8Array;
  /** The whole header. */
  readonly contentType: string;
  /** Which part of each file is read. */
  readonly parts?: Parts | undefined;
  /** `modulations`: arrays are modulations of the network at `quality`, of signals of `size`. */
  readonly as: 'signals' | 'modulations';
  readonly size?: string | undefined;
  /** Of the one function of the body; with many only a label, of those that have none. */
  readonly named: Named;
  /** A name for a function that has none. */
  readonly fresh: string;
  /** What was answered under the key, unless the request is another. */
  readonly key?: string | undefined;
}

export interface Intake {
  readonly items: readonly PutItem[];
  readonly faults: readonly PutFault[];
  /** Tells the request from another under the same key. */
  readonly digest: string;
  /** The one function that was asked for could not be had: its fault is that of the request. */
  readonly many: boolean;
  readonly notes: readonly string[];
}

export async function intake(
  shelf: Shelf,
  input: IntakeInput,
  signal: AbortSignal,
): Promise<Made<Intake | { readonly answered: Uint8Array; readonly digest: string }>> {
  const { functaset, bytes, contentType, key, model: ref, fresh: _, ...said } = input;
  const asked = digestOfBody(contentType);
  asked.update(JSON.stringify([ref.id, contentType.split(';', 1)[0], said]));
  asked.update(bytes);
  const digest = asked.digest();
  if (key !== undefined) {
    const known = (await shelf.store(functaset)).answer(key);
    if (known !== undefined && !isOld(known, Date.now()) && known.digest === digest)
      return { head: { answered: known.bytes, digest } };
  }
  const open = await shelf.model(ref);
  const { parts, many } = await partsOf(bytes, contentType, shelf.limits, signal);
  if (input.named.id !== undefined && parts.length > 1) throw oneId(parts.length);
  const intaking = new Intaking(shelf, open, input, signal);
  for (const part of parts) await intaking.take(part);
  return { head: { ...(await intaking.finish()), digest, many: many || intaking.many } };
}

interface Waiting {
  readonly at: number;
  readonly signal: Signal;
  readonly metadata: Metadata | undefined;
}

/** One walk over the files of a body. */
class Intaking {
  readonly #shelf: Shelf;
  readonly #open: OpenModel;
  readonly #input: IntakeInput;
  readonly #signal: AbortSignal;
  readonly #items: PutItem[] = [];
  readonly #faults: PutFault[] = [];
  readonly #notes = new Set<string>();
  /** Signals of one shape that wait to be coded together. */
  #pending: Waiting[] = [];
  #next = 0;
  many = false;

  constructor(shelf: Shelf, open: OpenModel, input: IntakeInput, signal: AbortSignal) {
    this.#shelf = shelf;
    this.#open = open;
    this.#input = input;
    this.#signal = signal;
  }

  async take(part: Part): Promise<void> {
    if (this.#signal.aborted) throw new AbortedError();
    const { named, fresh } = this.#input;
    const own = {
      id: named.id ?? part.id ?? fresh,
      label: labelOf(part.label ?? named.label),
      metadata: part.metadata ?? named.metadata,
    };
    const at = this.#next;
    try {
      const functions = this.#functionsIn(part, own);
      if (functions === undefined) await this.#takeSignal(part, own);
      else for (const fn of functions) this.#put(this.#next++, fn);
      this.many ||= this.#next > at + 1;
      checkLimit('functions', this.#next, mostFunctions, 'send them in several requests');
    } catch (error) {
      if (error instanceof FunctaError && error.code === 'limit-functions') throw error;
      this.#fail(at, own.id, error);
      this.#next = Math.max(this.#next, at + 1);
    }
  }

  async finish(): Promise<Pick<Intake, 'items' | 'faults' | 'notes'>> {
    await this.#flush();
    const items = this.#items.sort((a, b) => a.at - b.at);
    return { items, faults: this.#faults, notes: [...this.#notes] };
  }

  /** Of a file of functions or of modulations; undefined: it is one of a signal. */
  #functionsIn({ bytes, id }: Part, own: Named & { readonly id: string }): StoredFunction[] | undefined {
    const { model } = this.#open;
    const { limits } = this.#shelf;
    const { as, size, quality = 50, named } = this.#input;
    if (bytes[0] === magic) {
      const found = [...functionsOfArchive(model, bytes, { id: own.id, limits })];
      const lone = found.length === 1;
      if (named.id !== undefined && !lone) throw oneId(found.length);
      return found.map((fn) => ({
        ...fn,
        id: lone ? (named.id ?? (fn.id === '0' ? own.id : fn.id)) : fn.id,
        label: fn.label ?? own.label,
        metadata: fn.metadata ?? own.metadata,
      }));
    }
    if (as !== 'modulations') return undefined;
    const asked = size === undefined ? undefined : parseSize(size);
    const shape = asked !== undefined && 'shape' in asked ? asked.shape : undefined;
    const { label, metadata } = own;
    const stem = id ?? own.id;
    const asSaid = { id: stem, label, quality, shape, limits };
    return functionsOfModulations(model, bytes, asSaid).map((fn, i, { length }) => ({
      ...fn,
      id: named.id === undefined ? fn.id : rowId(named.id, i, length),
      metadata,
    }));
  }

  async #takeSignal({ bytes, type }: Part, { id, label, metadata }: Named & { readonly id: string }) {
    const { model } = this.#open;
    const { limits } = this.#shelf;
    const { effort = 1, parts } = this.#input;
    const onShape = encodable(model, limits, effort);
    const told = signalTypes.includes(type) ? type : undefined;
    const read = await readSignal(bytes, model, limits, { type: told, onShape, ...parts });
    for (const note of read.notes ?? []) this.#notes.add(note);
    const signal: Signal = { ...read, id, ...(label === undefined ? {} : { label }) };
    const [first] = this.#pending;
    if (first !== undefined && first.signal.shape.join() !== signal.shape.join()) await this.#flush();
    this.#pending.push({ at: this.#next++, signal, metadata });
    if (this.#pending.length >= defaultBatch) await this.#flush();
  }

  async #flush(): Promise<void> {
    const pending = this.#pending;
    this.#pending = [];
    if (pending.length === 0) return;
    try {
      await this.#encode(pending);
    } catch (error) {
      if (this.#signal.aborted) throw error;
      if (pending.length === 1) return this.#fail(pending[0]!.at, pending[0]!.signal.id, error);
      // One of them is at fault, and which one the others need not know.
      for (const one of pending)
        await this.#encode([one]).catch((fault) => this.#fail(one.at, one.signal.id, fault));
    }
  }

  async #encode(pending: readonly Waiting[]): Promise<void> {
    const { quality, maxError, keep, effort, steps = 'asked' } = this.#input;
    const { items } = await this.#open.session.encodeMany(
      pending.map(({ signal }) => signal),
      { quality, maxError, keep, effort, steps, batch: pending.length, archive: false, signal: this.#signal },
    );
    for (const [i, { at, signal, metadata }] of pending.entries())
      this.#put(at, { ...stored(signal, items[i]!), metadata });
  }

  #put(at: number, fn: StoredFunction): void {
    const record = recordOf(fn, this.#shelf.limits);
    const told = functionJson(this.#input.functaset.name, {
      ...summaryOf(fn),
      version: versionOf(record.bytes),
    });
    this.#items.push({ at, record, told: JSON.stringify(told) });
  }

  /** Throws what is no fault of the one function. */
  #fail(at: number, id: string, error: unknown): void {
    if (this.#signal.aborted) throw new AbortedError();
    if (!(error instanceof FunctaError)) throw error;
    const { status } = problemOf(error, '');
    this.#faults.push({ at, id, status, code: error.code, detail: withoutPaths(error.message) });
  }
}

function oneId(functions: number): BadInputError {
  return new BadInputError('one-id', `id names one function, and ${functions} are put`);
}

/** A text that prints as a number is that number, as on the command line. */
function labelOf(label: Label | undefined): Label | undefined {
  return typeof label === 'string' ? labelForms(label)[0] : label;
}
