import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fromHex } from '../src/core/bytes.ts';
import { readModel } from '../src/field/model.ts';
import { decodeFile, decodeSymbols, encodeFile, encodeSamples, openArchive, readHeader } from './index.ts';

const page = readFileSync(new URL('./FORMAT.md', import.meta.url), 'utf8');
const path = new URL('../test/conformance/vectors/tiny-audio.safetensors', import.meta.url);
const model = readModel(new Uint8Array(readFileSync(path)));

function block(label: string): string {
  const found = new RegExp(`\`\`\`${label}\n([^\`]*)\`\`\``).exec(page);
  if (found === null) throw new Error(`FORMAT.md has no block "${label}"`);
  return found[1]!;
}

const rows = (label: string) =>
  block(label)
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map(Number));

describe('the worked example of FORMAT.md', () => {
  it('is a file that decodes to the symbols it shows, and they encode to it', () => {
    const bytes = fromHex(block('hex file'));
    const { symbols, shape, quality, prior } = decodeSymbols(model, bytes);
    expect([...symbols]).toEqual(rows('symbols file')[0]);
    expect([shape, quality, prior]).toEqual([[64], 50, 'histogram']);
    expect(encodeFile(model, symbols, shape, quality, prior)).toEqual(bytes);
    expect(page).toContain(model.id.slice(0, 16));
  });

  it('is a file of samples that decodes to those it shows, and they encode to it', () => {
    const bytes = fromHex(block('hex samples'));
    const found = decodeFile(model, bytes);
    if (found.prior !== 'samples') throw new Error('not samples');
    expect([...found.samples]).toEqual(rows('samples')[0]);
    expect([found.shape, found.quality]).toEqual([[8], 100]);
    expect(encodeSamples(model, found.samples, found.shape, found.quality)).toEqual(bytes);
  });

  it('is an archive that decodes to the symbols it shows', () => {
    const archive = openArchive(model, fromHex(block('hex archive')));
    expect(
      Array.from({ length: archive.count }, (_, i) => {
        const item = archive.at(i);
        return item.prior === 'samples' ? [] : [...item.symbols];
      }),
    ).toEqual(rows('symbols archive'));
    expect(archive.ids).toEqual(['item 0', 'item 1', 'item 2']);
    expect(readHeader(fromHex(block('hex archive')))).toMatchObject({
      container: 'archive',
      quality: 40,
      count: 3,
    });
  });
});
