import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rankedQualities } from '../../src/fit/ranking.ts';
import { readImage } from '../../src/formats/image.ts';
import { signalFromNpy } from '../../src/formats/npy.ts';
import { functa, functaJson } from './in-process.ts';
import { functa as functaProcess } from './run.ts';
import { makeWorkplace, type Workplace } from './tiny-model.ts';

let place: Workplace;
let model: string;
let functaFile: string;
let picture: string;
let fileQuality: number;

beforeAll(async () => {
  place = await makeWorkplace();
  model = place.model;
  picture = place.at('0.png');
  functaFile = place.at('0.functa');
  const { status, json } = await functaJson(['encode', picture, '-m', model]);
  expect(status).toBe(0);
  fileQuality = json.fileQuality;
});
afterAll(() => place.remove());

describe('functa encode', () => {
  it('prints bytes, bits per point, PSNR and time, and writes the file beside the picture', async () => {
    const { status, stdout, stderr } = await functa(['encode', place.at('1.png'), '-m', model]);
    expect(status).toBe(0);
    expect(stderr).toBe('');
    const bytes = readFileSync(place.at('1.functa')).length;
    expect(stdout.toString()).toMatch(
      new RegExp(
        `1\\.functa: ${bytes} bytes, \\d\\.\\d{3} bits per point, \\d+\\.\\d\\d dB, [\\d.]+ m?s\\n$`,
      ),
    );
  });

  it('with --json gives the same as one object', async () => {
    const out = place.at('json.functa');
    const { status, json } = await functaJson(['encode', picture, '-m', model, '-o', out, '--quality', '70']);
    expect(status).toBe(0);
    expect(json).toMatchObject({ output: out, model: 'tiny', shape: [28, 28], quality: 70, effort: 1 });
    expect(json.fileBytes).toBe(readFileSync(out).length);
    expect(json.bitsPerPoint).toBeCloseTo((json.fileBytes * 8) / 784);
    expect(json.psnrDb).toBeGreaterThan(8);
    expect(json.seconds).toBeGreaterThan(0);
  });

  it('reaches a PSNR or stays within bytes, for one input', async () => {
    const to = (...target: string[]) =>
      functaJson(['encode', picture, '-m', model, '-o', place.at('target.functa'), '--force', ...target]);
    const kept = await to('--bytes', '60');
    expect(kept.json.fileBytes).toBeLessThanOrEqual(60);
    const reached = await to('--psnr', String(kept.json.psnrDb));
    expect(reached.json.psnrDb).toBeGreaterThanOrEqual(kept.json.psnrDb);
    expect((await to('--psnr', '150')).json.psnrDb).toBe(null);
    const beyond = await to('--psnr', '150', '--prior', 'factorized');
    expect(beyond).toMatchObject({ status: 1, json: { error: { code: 'target-out-of-reach' } } });
    expect((await to('--psnr', '20', '--bytes', '60')).status).toBe(2);
    expect((await to('--psnr', '20', '--quality', '60')).status).toBe(2);
    const two = await functaJson(['encode', picture, picture, '-m', model, '-o', 'x.functa', '--psnr', '20']);
    expect(two).toMatchObject({ status: 2, json: { error: { code: 'target-archive' } } });
  });

  it('keeps a file that is there, unless it is forced', async () => {
    const before = readFileSync(functaFile);
    const refused = await functaJson(['encode', picture, '-m', model, '-o', functaFile, '--quality', '90']);
    expect(refused.status).toBe(1);
    expect(refused.json.error.code).toBe('output-exists');
    expect(readFileSync(functaFile)).toEqual(before);
    const copy = place.at('forced.functa');
    copyFileSync(functaFile, copy);
    const forced = await functa(['encode', picture, '-m', model, '-o', copy, '--quality', '90', '--force']);
    expect(forced.status).toBe(0);
    expect(readFileSync(copy)).not.toEqual(before);
  });

  it('of several pictures writes one archive, smaller than their files', async () => {
    const out = place.at('all.functa');
    const inputs = [0, 1, 2].map((i) => place.at(`${i}.png`));
    const { status, json } = await functaJson(['encode', ...inputs, '-m', model, '-o', out]);
    expect(status).toBe(0);
    expect(json.items).toHaveLength(3);
    expect(json.archiveBytes).toBe(readFileSync(out).length);
    const decoded = await functaJson(['decode', out, '-m', model, '-o', place.at('all.png')]);
    expect(decoded.json.items.map((item: { output: string }) => item.output)).toEqual(
      [0, 1, 2].map((i) => place.at(`all-${i}.png`)),
    );
    const single = await functa(['decode', functaFile, '-m', model, '-o', '-']);
    expect(readFileSync(place.at('all-0.png'))).toEqual(single.stdout);
  });
});

describe('functa decode', () => {
  it('gives a picture of the size that was coded', async () => {
    const out = place.at('same.png');
    const { status, stdout } = await functa(['decode', functaFile, '-m', model, '-o', out]);
    expect(status).toBe(0);
    expect(stdout.toString()).toMatch(/same\.png: 28 x 28, \d+ B, /);
    expect((await readImage(readFileSync(out), { channels: 'grey' })).shape).toEqual([28, 28]);
  });

  it('at 4x, at a size, and a region of it', async () => {
    const four = await functaJson([
      'decode',
      functaFile,
      '-m',
      model,
      '-o',
      place.at('4x.npy'),
      '--size',
      '4x',
    ]);
    expect(four.json.shape).toEqual([112, 112]);
    const size = await functaJson([
      'decode',
      functaFile,
      '-m',
      model,
      '-o',
      place.at('wh.webp'),
      '--size',
      '40x20',
    ]);
    expect(size.json).toMatchObject({ format: 'webp', shape: [20, 40] });
    const region = place.at('region.npy');
    const args = ['decode', functaFile, '-m', model, '-o', region, '--size', '4x', '--region', '8,16,32,4'];
    expect((await functaJson(args)).json.shape).toEqual([4, 32]);
    const whole = signalFromNpy(readFileSync(place.at('4x.npy')), { axes: 2 });
    const part = signalFromNpy(readFileSync(region), { axes: 2 });
    const named = args.with(-1, 'x=8:40,y=16:20').with(5, place.at('named.npy'));
    expect((await functaJson(named)).status).toBe(0);
    expect(readFileSync(place.at('named.npy'))).toEqual(readFileSync(region));
    for (let y = 0; y < 4; y++) {
      const row = whole.values.subarray((16 + y) * 112 + 8, (16 + y) * 112 + 40);
      expect(part.values.subarray(y * 32, (y + 1) * 32)).toEqual(row);
    }
  });

  it('reads stdin and writes stdout, and says nothing there but bytes', async () => {
    const encoded = await functaProcess(['encode', '-', '-m', model], { stdin: readFileSync(picture) });
    expect(encoded.stdout).toEqual(readFileSync(functaFile));
    expect(encoded.stderr).toMatch(/^stdout: \d+ bytes/);
    const decoded = await functaProcess(['decode', '-', '-m', model, '-q'], { stdin: encoded.stdout });
    expect((await readImage(decoded.stdout, { channels: 'grey' })).shape).toEqual([28, 28]);
    expect(decoded.stderr).toBe('');
  });

  it('cannot give bytes and an object on one stdout', async () => {
    const { status, json } = await functaJson(['decode', functaFile, '-m', model, '-o', '-']);
    expect(status).toBe(2);
    expect(json.error.code).toBe('stdout-taken');
  });
});

describe('functa inspect', () => {
  it('says what a file holds', async () => {
    const { status, json } = await functaJson(['inspect', functaFile, '-m', model]);
    expect(status).toBe(0);
    expect(json).toMatchObject({ kind: 'file', model: 'tiny', shape: [28, 28], points: 784 });
    expect(json.fileBytes).toBe(readFileSync(functaFile).length);
    expect(json.headerBytes).toBeLessThanOrEqual(12);
    // A small file is of the steps that serve its quality, and says which.
    expect(json.quality).toBe(fileQuality);
    expect(rankedQualities([1, 85])).toContain(fileQuality);
    const asked = await functaJson([
      'encode',
      picture,
      '-m',
      model,
      '--steps',
      'asked',
      '-o',
      place.at('asked.functa'),
    ]);
    expect(asked.json).toMatchObject({ quality: 50, fileQuality: 50 });
  });

  it('says what a model is', async () => {
    const { json } = await functaJson(['inspect', model]);
    expect(json).toMatchObject({ kind: 'model', priors: ['factorized', 'histogram'] });
    expect(json.card.name).toBe('tiny');
    expect(json.id).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('functa sample', () => {
  it('gives the same bytes for the same seed, and others for another', async () => {
    const draw = async (seed: string) => {
      const { stdout, status } = await functa([
        'sample',
        '-m',
        model,
        '-n',
        '4',
        '--seed',
        seed,
        '-o',
        '-',
        '--format',
        'functa',
      ]);
      expect(status).toBe(0);
      return stdout;
    };
    const [first, again, other] = [await draw('1'), await draw('1'), await draw('2')];
    expect(first).toEqual(again);
    expect(first).not.toEqual(other);
  });

  it('lays pictures out on a contact sheet, and values in an array', async () => {
    const sheet = await functaJson(['sample', '-m', model, '-n', '4', '-o', place.at('s.png')]);
    expect(sheet.json).toMatchObject({ count: 4, seed: 0, temperature: 1, shape: [28, 28] });
    expect((await readImage(readFileSync(place.at('s.png')))).shape).toEqual([62, 62]);
    await functa(['sample', '-m', model, '-n', '3', '-o', place.at('s.npy'), '--size', '14x14']);
    expect(signalFromNpy(readFileSync(place.at('s.npy')), { axes: 3 }).shape).toEqual([3, 14, 14]);
  });
});

describe('after all this', () => {
  it('no temporary file is left', () => {
    writeFileSync(place.at('end'), '');
    expect(readdirSync(place.directory).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});
