import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { sealedFlac } from '../../test/fuzz/sealed.ts';
import { defaultLimits } from '../core/limits.ts';
import { readSignalAs, readSignalShape } from './read.ts';

const folder = join(import.meta.dirname, '../../test/fixtures/signals');
const file = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
const whole = (name: string) => [...new Int16Array(file(name).buffer)].map((v) => v / 32768);
const read = (bytes: Uint8Array, rate?: number) =>
  readSignalAs(bytes, {
    ...{ id: 'x', axes: 1, outputs: 'any' },
    ...(rate === undefined ? {} : { along: [{ name: 't', unit: 's', step: 1 / rate }] }),
  });
const changed = (name: string, at: number) => {
  const bytes = file(name);
  bytes[at]! ^= 0x55;
  return bytes;
};

describe('FLAC', () => {
  it.each([
    ['tone.flac', 'tone.s16', 1],
    ['tone24.flac', 'tone.s16', 1],
    ['stereo.flac', 'stereo.s16', 2],
  ])('%s has the samples that went in, on the scale of WAV', async (name, raw, channels) => {
    const signal = await read(file(name));
    expect(signal.channels).toBe(channels);
    expect([...signal.values]).toEqual(whole(raw));
  });

  it('has its shape read from its header, at the rate of the model', async () => {
    const asked = { axes: 1, outputs: 'any', limits: defaultLimits } as const;
    expect(await readSignalShape(file('stereo.flac'), asked)).toEqual([320]);
    const along = [{ name: 't', unit: 's', step: 1 / 8000 }];
    expect(await readSignalShape(file('stereo.flac'), { ...asked, along })).toEqual([160]);
  });

  it.each([
    ['whose end is missing', file('tone.flac').subarray(0, 300), 'bad-sound'],
    ['with another sample', changed('tone.flac', 300), 'bad-sound'],
    ['with another checksum', changed('tone.flac', 30), 'checksum'],
    ['of another length in its header', changed('tone.flac', 25), 'bad-sound'],
    ['that is cut in its header', file('tone.flac').subarray(0, 30), 'bad-sound'],
  ])('%s is refused', async (_what, bytes, code) => {
    const error = await read(bytes).catch((error) => error);
    expect([code, 'truncated']).toContain(error.code);
  });

  it('that is damaged is told by its error alone: nothing is printed', async () => {
    const printed = vi.spyOn(console, 'error');
    const bytes = sealedFlac(changed('tone.flac', 115));
    await expect(read(bytes)).rejects.toMatchObject({ kind: 'stream' });
    expect(printed).not.toHaveBeenCalled();
    printed.mockRestore();
  });

  it('is held against the limits by its header', async () => {
    const limits = { ...defaultLimits, maxSamples: 100 };
    const asked = { id: 'x', axes: 1, outputs: 'any', limits } as const;
    await expect(readSignalAs(file('tone.flac'), asked)).rejects.toMatchObject({ code: 'limit-samples' });
    await expect(readSignalAs(file('half.ogg'), asked)).rejects.toMatchObject({ code: 'limit-samples' });
  });
});

describe('sounds that are coded with loss', () => {
  /** Half a second of a rising tone: what the coders were given, about. */
  const level = (values: Float32Array) =>
    Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);

  it('Ogg Vorbis is as long as what went in', async () => {
    const signal = await read(file('half.ogg'));
    expect(signal.shape).toEqual([4000]);
    expect(signal.notes).toBeUndefined();
    expect(signal.axes![0]!.step).toBe(1 / 8000);
    expect(level(signal.values)).toBeCloseTo(0.6 / Math.SQRT2, 1);
  });

  it('Ogg Opus is of 48 kHz whatever went in, and is brought to the rate of the model', async () => {
    expect((await read(file('half.opus'))).shape).toEqual([24000]);
    const signal = await read(file('half.opus'), 8000);
    expect(signal.shape).toEqual([4000]);
    expect(signal.notes![0]).toContain('48000 Hz are read as 8000 Hz');
    expect(level(signal.values)).toBeCloseTo(0.6 / Math.SQRT2, 1);
  });

  it('MP3 without an Info tag is late by what its coder added, which is said', async () => {
    const signal = await read(file('half-cbr.mp3'));
    expect(signal).toMatchObject({ shape: [5184], channels: 1 });
    expect(signal.notes![0]).toContain('about 1105 samples of silence come first');
    const begin = signal.values.findIndex((v) => Math.abs(v) > 0.2);
    expect(Math.abs(begin - 1105)).toBeLessThan(40);
  });

  it('an Ogg file without its last page says so, or is refused where nothing is left', async () => {
    const bytes = file('half.ogg');
    const last = Buffer.from(bytes).lastIndexOf('OggS');
    const cut = await read(bytes.subarray(0, last)).catch((error) => error);
    if (cut.code === undefined) expect(cut.notes[0]).toContain('its end may be missing');
    else expect(cut.code).toBe('bad-sound');
  });

  it('a decoder that fails on damaged pages is a damaged sound', async () => {
    const bytes = file('half.opus');
    for (const [at, value] of [
      [13, 64],
      [19, 255],
      [979, 108],
    ] as const)
      bytes[at] = value;
    await expect(read(bytes)).rejects.toMatchObject({ kind: 'stream', code: 'bad-sound' });
  });

  it('other codecs in Ogg are refused with what to do', async () => {
    const bytes = file('half.ogg');
    bytes[29] = 0x20;
    await expect(read(bytes)).rejects.toThrow('ffmpeg -i in.ogg out.wav');
  });
});
