import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  decodeFile,
  decodeSymbols,
  encodeArchive,
  encodePriced,
  encodeSamples,
  joinFiles,
  openArchive,
  readArchiveIndex,
  readHeader,
  withSections,
} from '../../codec/index.ts';
import { RansDecoder } from '../../codec/rans.ts';
import { readAutoregressive } from '../../prior/autoregressive.ts';
import { referenceNetwork } from '../../prior/cell-network.ts';
import { modulationLayout } from '../../src/field/layout.ts';
import { readModel } from '../../src/field/model.ts';
import { makeTinyModel, tinyModels } from './tiny-models.ts';
import { describeVector, sampled, sha256, type VectorsOfModel } from './vectors.ts';

const folder = join(import.meta.dirname, 'vectors');
const manifest: VectorsOfModel[] = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
const read = (path: string) => new Uint8Array(readFileSync(path));

describe('golden files', () => {
  it('are at least eight', () => {
    expect(manifest.flatMap(({ vectors }) => vectors).length).toBeGreaterThanOrEqual(8);
  });

  for (const { model: path, modelSha256, vectors } of manifest) {
    // A model may be retired; what it wrote stays described, but cannot be read without it.
    describe.skipIf(!existsSync(path))(`of ${path}`, () => {
      const model = readModel(read(path));

      it('belong to this model', () => expect(model.id).toBe(modelSha256));

      it('decode to the same symbols, those encode to the same bytes, as many as the tables say', () => {
        for (const vector of vectors) {
          const bytes = read(join(folder, vector.file));
          expect(sha256(bytes), vector.file).toBe(vector.fileSha256);
          expect(describeVector(model, vector.file, bytes)).toEqual(vector);
          if (vector.container === 'file') {
            const found = decodeFile(model, bytes);
            if (found.prior === 'samples') {
              // What wavelets lost is not to be had again.
              if (vector.file.includes('-wavelets-')) continue;
              const { samples, shape, quality } = found;
              const encoded = vector.file.includes('-squares-')
                ? sampled(model, samples, shape, quality, 'least-squares')
                : encodeSamples(model, samples, shape, quality);
              expect(encoded, vector.file).toEqual(bytes);
              continue;
            }
            const { symbols, shape, quality, prior } = found;
            const encoded = encodePriced(model, symbols, shape, quality, prior);
            const { sections } = found;
            const whole = sections ? withSections(encoded.bytes, sections) : encoded.bytes;
            expect(whole, vector.file).toEqual(bytes);
            const entropyBytes = encoded.bits / 8;
            const streamBytes = bytes.length - readHeader(bytes).headerBytes;
            expect(streamBytes, vector.file).toBeLessThan(entropyBytes * 1.001 + 4);
            expect(streamBytes, vector.file).toBeGreaterThan(entropyBytes * 0.999);
          } else {
            const archive = openArchive(model, bytes);
            const { quality } = archive;
            const { perStream } = readArchiveIndex(bytes);
            if (/-(squares|wavelets|described)-/.test(vector.file)) {
              const own = Array.from({ length: archive.count }, (_, i) => archive.file(i));
              expect(joinFiles(model, own, { perStream }), vector.file).toEqual(bytes);
              continue;
            }
            const items = Array.from({ length: archive.count }, (_, i) => ({
              ...archive.at(i),
              note: archive.notes?.[i],
            }));
            expect(encodeArchive(model, items, { quality, perStream }), vector.file).toEqual(bytes);
          }
        }
      });

      it('decode alike by the context network in TypeScript and in WebAssembly', () => {
        const { spec } = model.network;
        const prior = readAutoregressive(model.tensors, spec, { make: referenceNetwork, kernel: false });
        for (const vector of vectors) {
          const bytes = read(join(folder, vector.file));
          if (vector.container !== 'file' || vector.prior !== 'autoregressive') continue;
          const { symbols, shape, quality } = decodeSymbols(model, bytes);
          const decoder = new RansDecoder(bytes.subarray(readHeader(bytes).headerBytes));
          const found = new Int32Array(symbols.length);
          prior.walk(modulationLayout(spec, shape), quality, found, decoder);
          decoder.end();
          expect(found, vector.file).toEqual(symbols);
        }
      });
    });
  }

  it('come from models whose every byte a seed gives', () => {
    for (const tiny of tinyModels) {
      expect(sha256(makeTinyModel(tiny)), tiny.name).toBe(
        sha256(read(join(folder, `${tiny.name}.safetensors`))),
      );
    }
  });
});
