/** Signals of the caller's, of any kind and in any of the formats: a directory with a file that says what its signals are. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BadInputError, FunctaError, NotFoundError } from '../src/core/errors.ts';
import { defaultLimits, type Limits } from '../src/core/limits.ts';
import { parseKind } from '../src/field/card.ts';
import type { DataKind, Output } from '../src/field/outputs.ts';
import { isGrid, leastGrid, mostGrid, type Parts, type ReadOptions } from '../src/formats/format.ts';
import { formatOfName, type SignalFormat, signalFormats } from '../src/formats/formats.ts';
import { readSignalAs, readSignalShape } from '../src/formats/read.ts';
import type { Signal } from '../src/signal/signal.ts';
import type { Dataset, DatasetCard, Split } from './dataset.ts';
import { noItem } from './flat.ts';
import { filesOf, labelOf, readItem } from './folder-files.ts';

/** The file that says what signals of a directory are. */
export const kindFile = 'signals.json';

export interface SignalFolderOptions {
  readonly name: string;
  readonly directory: string;
  readonly split: Split | 'all';
  readonly card: DatasetCard;
  /** What the signals are; default: as the file of the directory says. */
  readonly kind?: DataKind | undefined;
  /** Which part of each file is read; default: as the file of the directory says, else what a file is of. */
  readonly parts?: Parts | undefined;
  readonly limits?: Limits;
}

/**
 * Files of signals below a directory, in the order of their paths; splits and labels are those of `filesOf`. Throws NotFoundError
 * `no-directory`, `no-kind` or `empty-split`, BadInputError `bad-card`.
 */
export async function openSignalFolder(options: SignalFolderOptions): Promise<Dataset> {
  const told = options.kind === undefined ? await readKind(options.directory) : { kind: options.kind };
  const { kind } = told;
  const parts = { ...told.parts, ...options.parts };
  const asked = { axes: kind.axes.length, outputs: outputsOf(kind), along: kind.axes };
  const fits = ({ fits }: SignalFormat) => fits(asked);
  const files = await filesOf({
    ...options,
    rule: 'by-folder',
    takes: (name) => {
      const format = formatOfName(name);
      return format !== undefined && fits(format);
    },
    items: 'signals',
    toldBy: signalFormats
      .filter(fits)
      .flatMap(({ suffixes }) => suffixes)
      .join(', '),
  });
  return new SignalFolder({ ...options, parts }, kind, files);
}

/** In their own unit: nothing is scaled before something is learnt. */
function outputsOf({ outputs }: DataKind): Output[] {
  return outputs.map((output) => ({ ...output, offset: 0, scale: 1 }));
}

async function readKind(directory: string): Promise<{ readonly kind: DataKind; readonly parts?: Parts }> {
  const path = join(directory, kindFile);
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new NotFoundError(
      'no-kind',
      `${path} cannot be read (${error.code}), and nothing else says what the signals of this folder are; write it as datasets/cards/signals.md shows, for sounds of 8 kHz {"outputs": [{"name": "sound", "low": -1, "peak": 2, "sample": "int16"}], "axes": [{"name": "t", "unit": "s", "step": 0.000125}]}`,
    );
  });
  try {
    const { variable, grid, ...kind } = JSON.parse(text) as Record<string, unknown>;
    return { kind: parseKind(kind, path), parts: partsFrom({ variable, grid }, path) };
  } catch (error) {
    if (error instanceof FunctaError) throw error;
    throw new BadInputError('bad-card', `${path} is not JSON: ${(error as Error).message}`);
  }
}

/** Throws BadInputError `bad-card`. */
function partsFrom({ variable, grid }: Readonly<Record<string, unknown>>, path: string): Parts {
  const isPart =
    (variable === undefined || typeof variable === 'string') && (grid === undefined || isGrid(grid));
  if (!isPart)
    throw new BadInputError(
      'bad-card',
      `${path}: variable is a text, and grid a whole number from ${leastGrid} to ${mostGrid}`,
    );
  return {
    ...(variable === undefined ? {} : { variable: variable as string }),
    ...(grid === undefined ? {} : { grid }),
  };
}

class SignalFolder implements Dataset {
  readonly name: string;
  readonly split: Split | 'all';
  readonly length: number;
  readonly channels: number;
  readonly kind: DataKind;
  readonly card: DatasetCard;
  readonly #directory: string;
  readonly #files: readonly string[];
  readonly #parts: Parts;
  readonly #limits: Limits;

  constructor(options: SignalFolderOptions, kind: DataKind, files: readonly string[]) {
    this.name = options.name;
    this.split = options.split;
    this.card = options.card;
    this.length = files.length;
    this.channels = kind.outputs.length;
    this.kind = kind;
    this.#directory = options.directory;
    this.#files = files;
    this.#parts = options.parts ?? {};
    this.#limits = options.limits ?? defaultLimits;
  }

  async get(i: number): Promise<Signal> {
    const id = this.idAt(i);
    const signal = await this.#read(id, (bytes) => readSignalAs(bytes, this.#optionsOf(id)));
    if (signal.channels !== this.channels)
      throw new BadInputError(
        'signal-channels',
        `${join(this.#directory, id)} has ${signal.channels} channels along ${signal.shape.length === 1 ? 'one axis' : `${signal.shape.length} axes`}, and ${this.kind.outputs.map(({ name }) => name).join(', ')} ${this.channels === 1 ? 'is' : 'are'} read here; choose another model, tell ${kindFile} otherwise, or leave the file out`,
      );
    const label = labelOf(id);
    return label === undefined ? signal : { ...signal, label };
  }

  idAt(i: number): string {
    const file = this.#files[i];
    if (file === undefined) throw noItem(this, i);
    return file;
  }

  shapeAt(i: number): Promise<readonly number[]> {
    const id = this.idAt(i);
    return this.#read(id, (bytes) => readSignalShape(bytes, this.#optionsOf(id)));
  }

  close(): void {}

  #optionsOf(id: string): ReadOptions {
    const { axes } = this.kind;
    const outputs = outputsOf(this.kind);
    return { id, told: id, outputs, axes: axes.length, along: axes, ...this.#parts, limits: this.#limits };
  }

  #read<T>(file: string, decode: (bytes: Uint8Array) => Promise<T>): Promise<T> {
    return readItem(join(this.#directory, file), decode);
  }
}
