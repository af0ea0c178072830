/** Golden files: what is in the manifest, and making and checking them. Used by the test and by the generator. */
import { createHash } from 'node:crypto';
import {
  type ArchiveItem,
  type Coding,
  codeSamples,
  type DecodedFile,
  decodeAbout,
  decodeAxes,
  decodeFile,
  encodeAbout,
  encodeArchive,
  encodeAxes,
  encodeFile,
  encodeSamples,
  joinFiles,
  openArchive,
  readHeader,
  type SampleCoding,
  type Section,
  sectionIds,
  sectionOf,
  withSections,
} from '../../codec/index.ts';
import { Sampler } from '../../prior/draw.ts';
import type { PriorKind } from '../../prior/kinds.ts';
import { maxSymbol } from '../../prior/prior.ts';
import { priorKinds, readPrior } from '../../prior/registry.ts';
import { Rng } from '../../src/core/rng.ts';
import type { About } from '../../src/field/about.ts';
import { modulationLayout } from '../../src/field/layout.ts';
import type { Model } from '../../src/field/model.ts';
import { type Axis, sampleTypeOf } from '../../src/field/outputs.ts';
import { emptySamples, type Samples, sampleFormat } from '../../src/field/samples.ts';
import { pointCount } from '../../src/field/spec.ts';
import { axesOf } from '../../src/signal/axes.ts';

export interface Vector {
  /** File name, beside the manifest. */
  readonly file: string;
  readonly container: 'file' | 'archive';
  readonly prior: Coding;
  readonly quality: number;
  readonly bytes: number;
  readonly fileSha256: string;
  readonly items: readonly {
    readonly shape: readonly number[];
    readonly symbols: number;
    /** SHA-256 of the symbols as 32 bits each, little-endian; in a file of samples, of those. */
    readonly symbolsSha256: string;
    /** In archives where they differ. */
    readonly prior?: Coding | undefined;
    readonly quality?: number | undefined;
    readonly id?: string | undefined;
    readonly noteSha256?: string | undefined;
    /** Where the file says where samples stand, and what it says of the signal. */
    readonly axes?: readonly Axis[] | undefined;
    readonly about?: About | undefined;
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

export function hashOfSymbols(symbols: Int32Array | Samples): string {
  const view = new DataView(new ArrayBuffer(4 * symbols.length));
  for (let i = 0; i < symbols.length; i++) view.setInt32(4 * i, symbols[i]!, true);
  return sha256(new Uint8Array(view.buffer));
}

/** Files for a model: every prior at three qualities, another shape and outliers where there may be, and an archive. */
export function makeVectors(model: Model, name: string): { vector: Vector; bytes: Uint8Array }[] {
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
  made.push(...sampleVectors(model, name, items));
  made.push(...describedVectors(model, name, items));
  return made.map(({ file, bytes }) => ({ bytes, vector: describeVector(model, file, bytes) }));
}

/** Samples, exact and in steps, coded and as they are; an archive of those and of symbols, streams apart and shared. */
function sampleVectors(
  model: Model,
  name: string,
  items: readonly { readonly shape: readonly number[]; readonly symbols: Int32Array; readonly id: string }[],
): { file: string; bytes: Uint8Array }[] {
  const shape = model.card.shape;
  const outputs = model.network.spec.outputs;
  const { low, high } = sampleFormat(model.card);
  const walk = new Rng(5);
  const noise = new Rng(6);
  const smooth = emptySamples(model.card, pointCount(shape) * outputs);
  let at = (low + high) >> 1;
  for (let i = 0; i < smooth.length; i++) {
    at = Math.min(high, Math.max(low, at + walk.below(13) - 6));
    smooth[i] = at;
  }
  const rough = smooth.map(() => low + noise.below(high - low + 1));
  const exact = encodeSamples(model, smooth, shape, 100);
  const made = [
    { file: `${name}-samples-100.functa`, bytes: exact },
    { file: `${name}-samples-83.functa`, bytes: encodeSamples(model, smooth, shape, 83) },
    { file: `${name}-samples-plain.functa`, bytes: encodeSamples(model, rough, shape, 100) },
  ];
  if (sampleTypeOf(model.card.outputs) === 'float32') {
    const fitted = [100, 60].map((quality) => sampled(model, smooth, shape, quality, 'least-squares'));
    made.push({ file: `${name}-squares-100.functa`, bytes: fitted[0]! });
    made.push({ file: `${name}-squares-60.functa`, bytes: fitted[1]! });
    made.push({ file: `${name}-squares-archive.functa`, bytes: joinFiles(model, [...fitted, exact]) });
    const open = sampled(model, smooth, shape, 60, 'wavelets');
    const round = sampled(model, smooth, shape, 80, 'wavelets-round');
    made.push({ file: `${name}-wavelets-60.functa`, bytes: open });
    made.push({ file: `${name}-wavelets-round-80.functa`, bytes: round });
    made.push({
      file: `${name}-wavelets-archive.functa`,
      bytes: joinFiles(model, [round, open, exact], { perStream: 2 }),
    });
  }
  const mixed: ArchiveItem[] = [
    { ...items[0]!, prior: priorKinds(model)[0]! },
    { shape, samples: smooth, quality: 80, id: 'samples' },
    { ...items[2]!, prior: priorKinds(model).at(-1)! },
  ];
  for (const perStream of [1, 2]) {
    const bytes = encodeArchive(model, mixed, { quality: 40, perStream });
    made.push({ file: `${name}-mixed-${perStream}.functa`, bytes });
  }
  const noted = mixed.map((item, i) => ({ ...item, note: new Uint8Array(i * 100).fill(i) }));
  made.push({ file: `${name}-noted.functa`, bytes: encodeArchive(model, noted, { quality: 40 }) });
  return made;
}

/** Files that say where samples stand and what their file said of the signal; an archive of two that say the same, and of one that says other things. */
function describedVectors(
  model: Model,
  name: string,
  items: readonly { readonly shape: readonly number[]; readonly symbols: Int32Array }[],
): { file: string; bytes: Uint8Array }[] {
  const prior = priorKinds(model)[0]!;
  const outputs = model.network.spec.outputs;
  const regular = axesOf(model.card, items[0]!.shape).map(
    (_, i): Axis => ({ name: `axis ${i}`, unit: 'm', start: -2.5 * i, step: 0.125 }),
  );
  const uneven = axesOf(model.card, items[2]!.shape).map(
    (_, i): Axis => ({
      ...(i === 0 ? { name: 'lat', unit: 'degrees_north', weight: 'cosine' } : { name: 'level' }),
      at: Array.from({ length: items[2]!.shape[i]! }, (_, k) => 80 - k * (k + 3) * 0.25),
    }),
  );
  const said: About = {
    attributes: Array.from({ length: outputs }, () => ({ long_name: 'Wärme', level: [2, 850.5] })),
    stored: { type: 'i2', slope: 0.01, intercept: 273.15 },
    affine: [1, 0.5, 0, -9, 0, 1, 0, 3, 0, 0, 2, 7.25],
  };
  const named: About = { outputs: Array.from({ length: outputs }, (_, o) => ({ name: `T${o}`, unit: 'K' })) };
  const file = (i: number, axes: readonly Axis[], about: About) => {
    const { shape, symbols } = items[i]!;
    return withSections(encodeFile(model, symbols, shape, 40, prior), [
      { id: sectionIds.axes, bytes: encodeAxes(axes, axesOf(model.card, shape), shape)! },
      { id: sectionIds.about, bytes: encodeAbout(about, outputs)! },
    ]);
  };
  const [one, two, other] = [file(0, regular, said), file(2, regular, said), file(2, uneven, named)];
  return [
    { file: `${name}-described-regular.functa`, bytes: one },
    { file: `${name}-described-uneven.functa`, bytes: other },
    { file: `${name}-described-archive.functa`, bytes: joinFiles(model, [one, two, other]) },
  ];
}

/** What sections of a file say of its signal. */
export function describedBy(
  { card, network }: Model,
  shape: readonly number[],
  sections: readonly Section[] | undefined,
): { axes?: Axis[]; about?: About } {
  const [axes, about] = [sectionOf(sections, 'axes'), sectionOf(sections, 'about')];
  return {
    ...(axes === undefined ? {} : { axes: decodeAxes(axes, axesOf(card, shape), shape) }),
    ...(about === undefined ? {} : { about: decodeAbout(about, network.spec.outputs) }),
  };
}

/** The file of samples that are coded in one way. */
export function sampled(
  model: Model,
  samples: Samples,
  shape: readonly number[],
  quality: number,
  coding: SampleCoding,
): Uint8Array {
  return codeSamples(model, samples, shape, quality, Number.POSITIVE_INFINITY, coding)!.bytes;
}

/** What a file decodes to, as the manifest states it. */
export function describeVector(model: Model, file: string, bytes: Uint8Array): Vector {
  const header = readHeader(bytes);
  if (header.container === 'network') throw new Error(`${file} needs no model`);
  const { container, prior, quality } = header;
  const item = (found: DecodedFile & { id?: string | undefined }) => {
    const coded = found.prior === 'samples' ? found.samples : found.symbols;
    return {
      shape: [...found.shape],
      symbols: coded.length,
      symbolsSha256: hashOfSymbols(coded),
      ...(found.id === undefined ? {} : { id: found.id }),
      ...(found.prior === prior && found.quality === quality
        ? {}
        : { prior: found.prior, quality: found.quality }),
      ...describedBy(model, found.shape, found.sections),
    };
  };
  const archive = container === 'archive' ? openArchive(model, bytes) : undefined;
  const items = archive
    ? Array.from({ length: archive.count }, (_, i) => ({
        ...item(archive.at(i)),
        ...(archive.notes === undefined ? {} : { noteSha256: sha256(archive.notes[i]!) }),
      }))
    : [item(decodeFile(model, bytes))];
  return { file, container, prior, quality, bytes: bytes.length, fileSha256: sha256(bytes), items };
}

function draw(
  model: Model,
  kind: PriorKind,
  shape: readonly number[],
  quality: number,
  seed: number,
): Int32Array {
  const layout = modulationLayout(model.network.spec, shape);
  const symbols = new Int32Array(layout.length);
  readPrior(model, kind).walk(layout, quality, symbols, new Sampler(new Rng(seed)));
  return symbols;
}
