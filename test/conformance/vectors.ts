/** Golden files: what is in the manifest, and making and checking them. Used by the test and by the generator. */
import { createHash } from 'node:crypto';
import {
  type CodingModel,
  decodeFile,
  encodeArchive,
  encodeFile,
  openArchive,
  readHeader,
} from '../../codec/index.ts';
import { Sampler } from '../../prior/draw.ts';
import { maxSymbol, type PriorKind, symbolLayout } from '../../prior/prior.ts';
import { priorKinds, readPrior } from '../../prior/registry.ts';
import { Rng } from '../../src/core/rng.ts';

export interface Vector {
  /** File name, beside the manifest. */
  readonly file: string;
  readonly container: 'file' | 'archive';
  readonly prior: PriorKind;
  readonly quality: number;
  readonly bytes: number;
  readonly fileSha256: string;
  readonly items: readonly {
    readonly shape: readonly number[];
    readonly symbols: number;
    /** SHA-256 of the symbols as 32 bits each, little-endian. */
    readonly symbolsSha256: string;
    readonly id?: string | undefined;
  }[];
}

export interface VectorsOfModel {
  /** Path of the model file from the root of the repository. */
  readonly model: string;
  readonly modelSha256: string;
  readonly vectors: Vector[];
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export function hashOfSymbols(symbols: Int32Array): string {
  const view = new DataView(new ArrayBuffer(4 * symbols.length));
  for (let i = 0; i < symbols.length; i++) view.setInt32(4 * i, symbols[i]!, true);
  return sha256(new Uint8Array(view.buffer));
}

/** Files for a model: every prior at three qualities, another shape and outliers where there may be, and an archive. */
export function makeVectors(model: CodingModel, name: string): { vector: Vector; bytes: Uint8Array }[] {
  const own = model.card.shape;
  const other = own.map((n, axis) => Math.max(1, Math.floor((n * (axis + 2)) / 3) - 1));
  const made: { file: string; bytes: Uint8Array }[] = [];
  for (const prior of priorKinds(model)) {
    for (const quality of [25, 50, 83]) {
      const symbols = draw(model, prior, own, quality, 1000 + quality);
      made.push({
        file: `${name}-${prior}-${quality}.functa`,
        bytes: encodeFile(model, symbols, own, quality, prior),
      });
    }
    const far = draw(model, prior, own, 50, 7);
    far[0] = maxSymbol;
    far[far.length - 1] = -maxSymbol;
    far[far.length >> 1] = 300;
    made.push({ file: `${name}-${prior}-escapes.functa`, bytes: encodeFile(model, far, own, 50, prior) });
    if (!model.card.anySize) continue;
    const symbols = draw(model, prior, other, 60, 8);
    made.push({ file: `${name}-${prior}-shape.functa`, bytes: encodeFile(model, symbols, other, 60, prior) });
  }
  const prior = priorKinds(model)[0]!;
  const shapes = model.card.anySize ? [own, other, own] : [own, own, own];
  const items = shapes.map((shape, i) => ({
    shape,
    symbols: draw(model, prior, shape, 40, 20 + i),
    id: `item ${i}`,
  }));
  made.push({ file: `${name}-archive.functa`, bytes: encodeArchive(model, items, { quality: 40, prior }) });
  const shared = encodeArchive(model, items, { quality: 40, prior, perStream: 2 });
  made.push({ file: `${name}-shared.functa`, bytes: shared });
  return made.map(({ file, bytes }) => ({ bytes, vector: describeVector(model, file, bytes) }));
}

/** What a file decodes to, as the manifest states it. */
export function describeVector(model: CodingModel, file: string, bytes: Uint8Array): Vector {
  const { container, prior, quality } = readHeader(bytes);
  const item = (found: { shape: readonly number[]; symbols: Int32Array; id?: string | undefined }) => ({
    shape: [...found.shape],
    symbols: found.symbols.length,
    symbolsSha256: hashOfSymbols(found.symbols),
    ...(found.id === undefined ? {} : { id: found.id }),
  });
  const archive = container === 'archive' ? openArchive(model, bytes) : undefined;
  const items = archive
    ? Array.from({ length: archive.count }, (_, i) => item(archive.at(i)))
    : [item(decodeFile(model, bytes))];
  return { file, container, prior, quality, bytes: bytes.length, fileSha256: sha256(bytes), items };
}

function draw(
  model: CodingModel,
  kind: PriorKind,
  shape: readonly number[],
  quality: number,
  seed: number,
): Int32Array {
  const layout = symbolLayout(model.network.spec, shape);
  const symbols = new Int32Array(layout.length);
  readPrior(model, kind).walk(layout, quality, symbols, new Sampler(new Rng(seed)));
  return symbols;
}
