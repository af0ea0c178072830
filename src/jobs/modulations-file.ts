/**
 * Modulations of a store as one file for programs that know nothing of functa (NumPy, PyTorch), and back.
 *
 *   .npy           float32 [functions, m], in the order of ids
 *   .safetensors   `modulations` the same, `qualities` int32 [functions]; metadata: `ids` and `labels` as JSON lists, `shape`, `model`,
 *                  `networkId`
 */

import {
  aFunction,
  aLabel,
  aModel,
  aModelAndEngine,
  aNumber,
  aShape,
  aText,
  byteArray,
  check,
  having,
  maybe,
} from '../core/check.ts';
import { BadInputError, ConflictError, NotFoundError } from '../core/errors.ts';
import type { Label } from '../core/label.ts';
import { defaultLimits, type Limits } from '../core/limits.ts';
import { takeTensor } from '../core/tensor.ts';
import type { Model } from '../field/model.ts';
import { readSafetensors, safetensorsHead } from '../field/safetensors.ts';
import { modulationLength } from '../field/spec.ts';
import { arrayTypes } from '../formats/media-types.ts';
import { readNpy, writeNpy } from '../formats/npy.ts';
import { npy } from '../formats/npy-format.ts';
import type { Functaset, StoredFunction } from '../functaset/index.ts';
import {
  type FunctionSource,
  type ModulatedFunction,
  modulated,
  openStored,
  putModulation,
} from '../session/functions.ts';
import { functionOfModulation } from '../session/put.ts';

export const modulationsFormats = ['npy', 'safetensors'] as const;
export type ModulationsFormat = (typeof modulationsFormats)[number];

export const modulationsTypes: Readonly<Record<ModulationsFormat, string>> = arrayTypes;

export interface ExportOptions {
  readonly format: ModulationsFormat;
  readonly limits?: Limits | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface ExportedModulations {
  /** In the order of the rows. */
  readonly ids: readonly string[];
  /** Numbers of one modulation. */
  readonly length: number;
  /** Ids of functions of samples, whose rows are plain fits; all of them are there once the content was read. */
  readonly plainFits: readonly string[];
  /** The file; what is in memory is a page of functions. Iterate once. */
  readonly content: AsyncIterable<Uint8Array>;
}

/**
 * All modulations of a store, as its bytes say them; those of functions of samples are their plain fits. Throws NotFoundError `store-empty`, BadInputError `export-shapes` where signals differ
 * in size, and what `openFunctions` throws.
 *
 * @example
 * const { content } = exportModulations(session, set.store, { format: 'safetensors' });
 */
export function exportModulations(
  source: FunctionSource,
  store: Functaset,
  options: ExportOptions,
): ExportedModulations {
  check(
    'exportModulations',
    aModelAndEngine(source, 'source'),
    having({ path: aText, iterate: aFunction })(store, 'store'),
    having({ format: aText, onProgress: maybe(aFunction) })(options, 'options'),
  );
  const { format, limits, signal, onProgress } = options;
  const facts = [...store.summaries()];
  const shape = facts[0]?.shape;
  if (shape === undefined)
    throw new NotFoundError('store-empty', `${store.path} holds no functions to export`);
  const other = facts.find((fact) => fact.shape.join() !== shape.join());
  if (other !== undefined) {
    throw new BadInputError(
      'export-shapes',
      `one array takes modulations of one length: ${facts[0]!.id} is of [${shape}], ${other.id} of [${other.shape}]; export stores of one size each`,
    );
  }
  const length = modulationLength(source.model.card.spec, shape);
  const ids = facts.map(({ id }) => id);
  const labels = facts.map(({ label }) => label ?? null);
  const plainFits: string[] = [];
  const { version } = store;
  const head = headOf(source.model, format, { length, ids, labels, shape });
  async function* content(): AsyncGenerator<Uint8Array> {
    yield head;
    const qualities = new Int32Array(ids.length);
    let done = 0;
    for await (const opened of openStored(source, store, { limits, signal })) {
      const page = await modulated(source, opened, { signal });
      const rows = new Float32Array(page.length * length);
      for (const [i, fn] of page.entries()) {
        putModulation(fn, rows.subarray(i * length, (i + 1) * length));
        qualities[done + i] = fn.quality;
        if (fn.isPlainFit) plainFits.push(fn.id);
      }
      done += page.length;
      yield bytesOf(rows);
      onProgress?.(done, ids.length);
    }
    if (done !== ids.length || store.version !== version)
      throw new ConflictError('store-changed', `${store.path} was written to meanwhile; export it again`);
    if (format === 'safetensors') yield bytesOf(qualities);
  }
  return { ids, length, plainFits, content: content() };
}

/**
 * The functions of a safetensors file of `exportModulations`, or of anybody's with a tensor `modulations` [n, m]; what else it says is
 * optional, and `id` names functions that it does not name. Throws BadInputError `modulation-shape`, `modulation-names`,
 * `modulation-length`, ConflictError `other-model`, and what `readSafetensors` throws.
 *
 * @example
 * await writeFile('m.safetensors', exportModulations(session, set.store, { format: 'safetensors' }).content);
 * const functions = functionsOfSafetensors(model, await readFile('m.safetensors'), { id: 'row', quality: 50 });
 */
export function functionsOfSafetensors(
  model: Model,
  bytes: Uint8Array,
  of: {
    readonly id: string;
    readonly label?: Label | undefined;
    readonly quality: number;
    readonly shape?: readonly number[] | undefined;
    readonly limits?: Limits | undefined;
  },
): StoredFunction[] {
  check(
    'functionsOfSafetensors',
    aModel(model, 'model'),
    byteArray(bytes, 'bytes'),
    having({ id: aText, label: maybe(aLabel), quality: aNumber, shape: maybe(aShape) })(of, 'options'),
  );
  const { id, label, quality, shape: given, limits = defaultLimits } = of;
  const { tensors, metadata } = readSafetensors(bytes, limits);
  const { networkId } = metadata;
  if (networkId !== undefined && networkId !== model.networkId)
    throw new ConflictError(
      'other-model',
      `the modulations are of network ${networkId.slice(0, 16)}, and this is ${model.networkId.slice(0, 16)}; use their own store`,
    );
  const found = tensors.get('modulations');
  const [count = 0, length = 0] = found?.shape ?? [];
  if (found?.dtype !== 'F32' || found.shape.length !== 2) {
    throw new BadInputError(
      'modulation-shape',
      'a safetensors file of modulations holds `modulations`, F32 [n, m]',
    );
  }
  const values = found.data as Float32Array;
  const qualities = tensors.has('qualities') ? takeTensor(tensors, 'qualities', 'I32', count) : undefined;
  const shape = given ?? (listOf(metadata.shape, undefined) as number[] | undefined);
  const ids = listOf(metadata.ids, count) as string[] | undefined;
  const labels = listOf(metadata.labels, count) as (Label | null)[] | undefined;
  return Array.from({ length: count }, (_, i) =>
    functionOfModulation(model, values.slice(i * length, (i + 1) * length), {
      id: ids?.[i] ?? rowId(id, i, count),
      label: label ?? labels?.[i] ?? undefined,
      quality: qualities?.[i] ?? quality,
      shape,
    }),
  );
}

/**
 * The modulation of one function, as `exportModulations` writes those of a store.
 *
 * @example
 * const [fn] = await modulated(session, await openFunctions(session, [...set.store.iterate({ limit: 1 })]));
 * await writeFile('one.npy', modulationFile(model, fn, 'npy'));
 */
export function modulationFile(
  model: Model,
  fn: Pick<ModulatedFunction, 'id' | 'label' | 'shape' | 'quality' | 'modulation'>,
  format: ModulationsFormat,
): Uint8Array {
  const { modulation, quality } = fn;
  const row = Float32Array.from(modulation);
  const head = headOf(model, format, {
    length: row.length,
    ids: [fn.id],
    labels: [fn.label ?? null],
    shape: fn.shape,
  });
  const tail = format === 'npy' ? new Uint8Array(0) : bytesOf(Int32Array.of(quality));
  return new Uint8Array(Buffer.concat([head, bytesOf(row), tail]));
}

/** How functions of a file of modulations are put; see `functionsOfSafetensors`. */
export type ModulationsOptions = Parameters<typeof functionsOfSafetensors>[2];

/**
 * The functions of an `.npy` file of modulations, [m] or [n, m], or of a safetensors file. Throws BadInputError `modulation-shape`, and as
 * `functionsOfSafetensors`.
 *
 * @example
 * const [fn] = functionsOfModulations(model, await readFile('m.safetensors'), { id: 'row', quality: 50 });
 */
export function functionsOfModulations(
  model: Model,
  bytes: Uint8Array,
  options: ModulationsOptions,
): StoredFunction[] {
  if (!npy.sniff(bytes)) return functionsOfSafetensors(model, bytes, options);
  const { id, label, quality, shape } = options;
  const { shape: dimensions, data } = readNpy(bytes, options.limits);
  if (dimensions.length < 1 || dimensions.length > 2) {
    throw new BadInputError(
      'modulation-shape',
      `${id} is an array [${dimensions}]; give modulations as [m] or [n, m]`,
    );
  }
  const length = dimensions.at(-1)!;
  const count = dimensions.length === 1 ? 1 : dimensions[0]!;
  return Array.from({ length: count }, (_, i) => {
    const values = Float32Array.from(data.subarray(i * length, (i + 1) * length));
    const own = dimensions.length === 1 ? id : rowId(id, i, Math.max(2, count));
    return functionOfModulation(model, values, { id: own, label, quality, shape });
  });
}

/** An id for a row of an array that names none; they sort as the rows do. */
export function rowId(stem: string, row: number, rows: number): string {
  return rows === 1 ? stem : `${stem}-${String(row).padStart(String(rows - 1).length, '0')}`;
}

/** All that stands before the numbers. */
function headOf(
  { card, networkId }: Model,
  format: ModulationsFormat,
  {
    length,
    ids,
    labels,
    shape,
  }: {
    readonly length: number;
    readonly ids: readonly string[];
    readonly labels: readonly (Label | null)[];
    readonly shape: readonly number[];
  },
): Uint8Array {
  // What an npy of no data is written as is its head.
  if (format === 'npy')
    return writeNpy({ dtype: 'F32', shape: [ids.length, length], data: new Float32Array(0) });
  return safetensorsHead(
    [
      { name: 'modulations', dtype: 'F32', shape: [ids.length, length] },
      { name: 'qualities', dtype: 'I32', shape: [ids.length] },
    ],
    {
      ids: JSON.stringify(ids),
      labels: JSON.stringify(labels),
      shape: JSON.stringify(shape),
      model: card.name,
      networkId,
    },
  );
}

function listOf(text: string | undefined, length: number | undefined): unknown[] | undefined {
  if (text === undefined) return undefined;
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    list = undefined;
  }
  const fits =
    Array.isArray(list) &&
    (length === undefined || list.length === length) &&
    list.every((item) => item === null || ['string', 'number'].includes(typeof item));
  if (fits) return list as unknown[];
  throw new BadInputError(
    'modulation-names',
    'ids, labels and shape are JSON lists, ids and labels one for each modulation',
  );
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Int32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
