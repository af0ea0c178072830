/** What may go in and come out: every format by every way, and every type of array, as the server has it too. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { addComplete } from '../../src/cli/commands/complete.ts';
import { addDecode } from '../../src/cli/commands/decode.ts';
import { addEncode } from '../../src/cli/commands/encode.ts';
import { outputsOfKind } from '../../src/field/kinds.ts';
import { pictureFormats, signalFormats, writtenFormatsFor } from '../../src/formats/formats.ts';
import { readImage, writeImage } from '../../src/formats/image.ts';
import { readNpy } from '../../src/formats/npy.ts';
import { arrays } from '../arrays.ts';
import { printed } from './in-process.ts';
import { makeWorkplace, type Workplace } from './tiny-model.ts';

/** What the model of these tests is written in. */
const ofPictures = writtenFormatsFor({ axes: 2, outputs: outputsOfKind('grey', { offset: 0, scale: 1 }) });

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

let place: Workplace;
beforeAll(async () => {
  place = await makeWorkplace();
});
afterAll(() => place.remove());

let count = 0;
const run = (command: string, ...more: string[]) =>
  printed([addEncode, addDecode, addComplete], [command, ...more]);
const encode = (input: string, ...more: string[]) =>
  run('encode', input, '-m', place.model, '-o', place.at(`out-${count++}.functa`), ...more);
const written = (name: string, bytes: Uint8Array) => {
  writeFileSync(place.at(name), bytes);
  return place.at(name);
};

describe('arrays of every type', () => {
  it.each(arrays().map(({ name, bytes, refused }) => [name, bytes, refused] as const))(
    '%s is the picture that it is of, or refused with what to save',
    async (name, bytes, refused) => {
      const { status, json } = await encode(written(`${name}.npy`, bytes));
      if (refused === undefined) {
        expect(status).toBe(0);
        // null: exact
        expect(json.psnrDb ?? Number.POSITIVE_INFINITY).toBeGreaterThan(14);
        const out = place.at(`${name}-decoded.npy`);
        await run('decode', json.output, '-m', place.model, '-o', out);
        const decoded = readNpy(readFileSync(out)).data;
        const given = readNpy(bytes).data;
        expect(Array.from(decoded, Number.isNaN)).toEqual(Array.from(given, (v) => Number.isNaN(Number(v))));
        expect(meanOf(Array.from(decoded).filter((v) => !Number.isNaN(v)))).toBeGreaterThan(0.2);
      } else {
        expect(status).toBe(1);
        expect(json.error).toMatchObject(refused);
      }
    },
  );
});

describe('pictures of every format', () => {
  it.each(pictureFormats.map(({ name }) => name))('%s is read, and is told by its bytes', async (name) => {
    const bytes = await writeImage(await readImage(readFileSync(place.at('0.png'))), name);
    const { status, json } = await encode(written(`picture-${name}`, bytes));
    expect(status).toBe(0);
    expect(json.shape).toEqual([28, 28]);
  });

  it.each(ofPictures.map(({ name, suffixes }) => [name, suffixes[0]!] as const))(
    '%s is written, sample for sample',
    async (name, suffix) => {
      const file = place.at(`written-${name}.functa`);
      await run('encode', place.at('0.png'), '-m', place.model, '-o', file);
      const out = place.at(`written${suffix}`);
      expect((await run('decode', file, '-m', place.model, '-o', out)).status).toBe(0);
      const bytes = readFileSync(out);
      expect(signalFormats.find(({ sniff }) => sniff(bytes))?.name).toBe(name);
      await run('decode', file, '-m', place.model, '-o', place.at('raw.npy'), '--force');
      const raw = readNpy(readFileSync(place.at('raw.npy'))).data;
      const samples =
        name === 'npy'
          ? [...readNpy(bytes).data]
          : [...(await readImage(bytes, { channels: 'grey' })).values];
      const wanted = name === 'npy' ? [...raw] : [...raw].map(toSample);
      expect(samples).toEqual(wanted);
    },
  );

  it('a format that is read and not written is refused as output, by name', async () => {
    const { json } = await run('decode', place.at('0.png'), '-o', place.at('x.jpg'));
    expect(json.error).toMatchObject({ code: 'which-format', exitCode: 2 });
    expect(json.error.message).toContain('jpeg, which is read and not written; end it in .png, .webp, ');
  });

  it('what is lost on the way in is said', async () => {
    const deep = await sharp(readFileSync(place.at('0.png')))
      .toColourspace('rgb16')
      .png()
      .toBuffer();
    const { json } = await encode(written('deep.png', deep));
    expect(json.notes).toEqual(['its samples of 16 bits are read as 8']);
    const plain = await encode(place.at('0.png'));
    expect(plain.json).not.toHaveProperty('notes');
  });
});

describe('without a model', () => {
  it('any picture is coded, by the model of its size or else the general one', async () => {
    mkdirSync(place.at('plain'));
    const grey = place.at('plain/grey.png');
    copyFileSync(place.at('0.png'), grey);
    expect((await run('encode', grey)).json).toMatchObject({ model: 'fashion-mnist' });
    const photo = await sharp({ create: { width: 70, height: 50, channels: 4, background: '#48c8' } })
      .png()
      .toBuffer();
    const { json } = await run('encode', written('plain/photo.png', photo));
    expect(json).toMatchObject({ model: 'photos', shape: [50, 70] });
    expect(json.notes).toEqual(['its transparency is laid on white']);
  });
});

function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

/** As pictures are written: the nearest multiple of 1/255 in [0, 1]. */
function toSample(value: number): number {
  return Math.fround(Math.floor(Math.min(1, Math.max(0, value)) * 255 + 0.5) / 255);
}
