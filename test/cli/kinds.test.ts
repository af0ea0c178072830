/** What the command line makes of every kind of signal. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { addDecode } from '../../src/cli/commands/decode.ts';
import { addEncode } from '../../src/cli/commands/encode.ts';
import { addInspect } from '../../src/cli/commands/inspect.ts';
import { addSample } from '../../src/cli/commands/sample.ts';
import { readNpy, signalToNpy, writeNpy } from '../../src/formats/npy.ts';
import { kindNames, kinds, pathOfKind } from '../kinds.ts';
import { functa, printed } from './in-process.ts';

vi.setConfig({ testTimeout: 60_000 });

let directory: string;
const at = (name: string) => join(directory, name);
const run = (...argv: string[]) => printed([addEncode, addDecode, addInspect, addSample], argv);
const read = (name: string) => readNpy(readFileSync(at(name)));

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'functa-cli-kinds-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

describe.each(kindNames)('a %s', (name) => {
  const kind = kinds[name];
  const [output] = kind.outputs as [(typeof kind.outputs)[number]];
  const signal = kind.signal(40);
  const model = () => at(`${name}.safetensors`);
  beforeAll(() => {
    copyFileSync(pathOfKind(name), model());
    writeFileSync(at(`${name}.npy`), signalToNpy(signal));
  });
  const encode = (out: string, ...more: string[]) =>
    run('encode', at(`${name}.npy`), '-m', model(), '-o', at(out), '--force', ...more);

  it('is encoded from npy and decoded to npy, in its unit', async () => {
    const { json } = await encode(`${name}.functa`, '--quality', '60');
    expect(json.psnrDb).toBeGreaterThan(15);
    expect(json.rmse).toHaveLength(kind.outputs.length);
    const decoded = await run('decode', at(`${name}.functa`), '-o', at(`${name}-back.npy`));
    expect(decoded.json).toMatchObject({ format: 'npy', shape: kind.shape });
    const { shape, data } = read(`${name}-back.npy`);
    expect(shape).toEqual(kind.outputs.length === 1 ? kind.shape : [...kind.shape, kind.outputs.length]);
    const off = [...data].map((v, i) => Math.abs(v - signal.values[i]!)).filter(Number.isFinite);
    expect(off.reduce((sum, d) => sum + d, 0) / off.length).toBeLessThan(output.peak / 6);
  });

  it('is decoded to the format that holds it where none is named', async () => {
    await encode('plain.functa');
    const { json } = await run('decode', at('plain.functa'), '--force');
    expect(json.format).toBe(kind.format);
    expect(json.output).toBe(at(`plain.${kind.format}`));
    const drawn = await run(
      'sample',
      '-m',
      model(),
      '--count',
      '2',
      '--format',
      'npy',
      '-o',
      at('drawn.npy'),
      '--force',
    );
    expect(drawn.json.format).toBe('npy');
    expect(read('drawn.npy').shape.slice(0, 1 + kind.shape.length)).toEqual([2, ...kind.shape]);
  });

  it('is not written in a format that does not hold it', async () => {
    await encode('no.functa');
    const { status, json } = await run('decode', at('no.functa'), '-o', at('no.webp'), '--force');
    if (name === 'picture') expect(status).toBe(0);
    else expect(json.error).toMatchObject({ code: 'format-of-model' });
    // a person may look at any of them
    const look = await run('decode', at('no.functa'), '-o', at('no.png'), '--force');
    expect(look.json).toMatchObject({ format: 'png', shape: kind.shape });
  });

  it('has its values and axes told', async () => {
    const { json } = await run('inspect', model());
    expect(json.card).toMatchObject({ outputs: kind.outputs, axes: kind.axes });
    await encode('told.functa');
    const { stdout } = await functa(['inspect', at('told.functa'), '-m', model()]);
    const told = {
      picture: /^size/m,
      sound: /^along +t from 0 to 0\.031875 s$/m,
      map: /^values +temperature from 240 to 320 K\n^along +latitude from -82\.5 to 82\.5 degrees, longitude from 7\.5 to 352\.5 degrees$/m,
    };
    expect(stdout.toString()).toMatch(told[name]);
  });

  it('counts by weights that are given', async () => {
    const weights = new Float32Array(kind.shape.reduce((n, own) => n * own, 1)).fill(1);
    weights.fill(0, weights.length / 2);
    writeFileSync(at('weights.npy'), writeNpy({ dtype: 'F32', shape: [...kind.shape], data: weights }));
    const whole = await encode('whole.functa');
    const half = await encode('half.functa', '--weights', at('weights.npy'));
    expect(half.json.mse).not.toBe(whole.json.mse);
    writeFileSync(at('few.npy'), writeNpy({ dtype: 'F32', shape: [3], data: new Float32Array(3) }));
    const { json } = await encode('few.functa', '--weights', at('few.npy'));
    expect(json.error.code).toMatch(/^bad-(weight|shape)$/);
  });
});
