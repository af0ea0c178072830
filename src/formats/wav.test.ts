import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultLimits } from '../core/limits.ts';
import { outputsOfKind } from '../field/kinds.ts';
import type { Output } from '../field/outputs.ts';
import { signalRows } from '../signal/rows.ts';
import type { Signal } from '../signal/signal.ts';
import { signalChunks, writtenFormatsFor } from './formats.ts';
import { readSignalAs, readSignalFrom, readSignalShape } from './read.ts';
import { Resampler, resample } from './resample.ts';
import { readWavHeader, readWavSamples } from './wav.ts';

const folder = join(import.meta.dirname, '../../test/fixtures/signals');
const file = (name: string) => new Uint8Array(readFileSync(join(folder, name)));
const whole = (name: string) => [...new Int16Array(file(name).buffer)].map((v) => v / 32768);
const range = { offset: 0, scale: 1 };
const mono = outputsOfKind('mono', range);
const stereo = outputsOfKind('stereo', range);
const read = (bytes: Uint8Array, outputs: readonly Output[] | 'any' = 'any', rate?: number) =>
  readSignalAs(bytes, {
    ...{ id: 'x', axes: 1, outputs },
    ...(rate === undefined ? {} : { along: [{ name: 't', unit: 's', step: 1 / rate }] }),
  });
const readParts = (bytes: Uint8Array, outputs: readonly Output[] | 'any' = 'any', rate?: number) =>
  readSignalFrom(
    { head: bytes.subarray(0, 64), size: bytes.length, read: async (from, to) => bytes.slice(from, to) },
    {
      ...{ id: 'x', axes: 1, outputs },
      ...(rate === undefined ? {} : { along: [{ name: 't', unit: 's', step: 1 / rate }] }),
    },
  );
const samplesOf = (bytes: Uint8Array) => readWavSamples(bytes, readWavHeader(bytes));
const patched = (name: string, at: number, ...own: number[]) => {
  const bytes = file(name);
  bytes.set(own, at);
  return bytes;
};

describe('a WAV file of another program', () => {
  it.each([
    ['tone16.wav', 'sox, 16 bits'],
    ['tone24.wav', 'sox, 24 bits: an extensible format'],
    ['tone32.wav', 'sox, 32 bits'],
    ['tone-f32.wav', 'ffmpeg, floats: an extensible format, and LIST before the samples'],
    ['tone-f32-sox.wav', 'sox, floats: a plain format, with a fact chunk'],
    ['tone-f64.wav', 'ffmpeg, floats of 64 bits'],
    ['tone-rifx.wav', 'sox, big-endian'],
    ['tone-rf64.wav', 'ffmpeg, with lengths of 64 bits and the notes of a muxer'],
    ['tone-list.wav', 'ffmpeg, with a comment and a title'],
    ['piped-ffmpeg.wav', 'ffmpeg to a pipe: 0xFFFFFFFF bytes'],
    ['piped-sox.wav', 'sox to a pipe: 0x7FFFF000 bytes'],
  ])('%s (%s) has the samples that were written', async (name) => {
    const signal = await read(file(name));
    expect(signal).toMatchObject({ shape: [240], channels: 1 });
    expect(signal.axes).toEqual([{ name: 't', unit: 's', start: 0, step: 1 / 8000 }]);
    expect([...signal.values]).toEqual(whole('tone.s16'));
  });

  it('of 8 bits stands around its middle, in steps of 1/128', async () => {
    const { values } = await read(file('tone8.wav'));
    whole('tone.s16').forEach((v, i) => {
      expect(Math.abs(values[i]! - v)).toBeLessThanOrEqual(1 / 128);
      expect(128 * values[i]!).toBe(Math.round(128 * values[i]!));
    });
  });

  it('of two channels has them beside each other', async () => {
    const { shape, channels, values } = await read(file('stereo16.wav'), stereo);
    expect({ shape, channels }).toEqual({ shape: [320], channels: 2 });
    expect([...values]).toEqual(whole('stereo.s16'));
  });

  it('of 0 bytes in its header is read up to the end, and is empty where nothing but chunks follows', async () => {
    expect([...(await read(patched('tone16.wav', 40, 0, 0, 0, 0))).values]).toEqual(whole('tone.s16'));
    const empty = Buffer.concat([
      patched('tone16.wav', 40, 0, 0, 0, 0).subarray(0, 44),
      Buffer.from('LIST\x04\0\0\0abcd'),
    ]);
    await expect(read(new Uint8Array(empty))).rejects.toMatchObject({ code: 'empty-signal' });
  });

  it('is read wherever its samples begin: chunks of odd length are padded, and bytes may lie anywhere', async () => {
    const bytes = file('tone-f32.wav');
    const at = Buffer.from(bytes).indexOf('data');
    const odd = Buffer.from('note\x03\0\0\0abc\0');
    const longer = Buffer.concat([Buffer.from([0]), bytes.subarray(0, at), odd, bytes.subarray(at)]).subarray(
      1,
    );
    expect([...(await read(new Uint8Array(longer.buffer, longer.byteOffset, longer.length))).values]).toEqual(
      whole('tone.s16'),
    );
  });

  it('keeps the extremes of each depth exactly', () => {
    const of = (name: string, width: number, ...sample: number[]) => {
      const bytes = file(name);
      const { start } = readWavHeader(bytes);
      bytes.set(sample, start);
      expect(readWavHeader(bytes).sampleBytes).toBe(width);
      return samplesOf(bytes)[0];
    };
    expect(of('tone8.wav', 1, 0)).toBe(-1);
    expect(of('tone8.wav', 1, 255)).toBe(127 / 128);
    expect(of('tone16.wav', 2, 0, 0x80)).toBe(-1);
    expect(of('tone16.wav', 2, 0xff, 0x7f)).toBe(32767 / 32768);
    expect(of('tone24.wav', 3, 0, 0, 0x80)).toBe(-1);
    expect(of('tone24.wav', 3, 0xff, 0xff, 0x7f)).toBe(8388607 / 8388608);
    expect(of('tone32.wav', 4, 0, 0, 0, 0x80)).toBe(-1);
  });

  it.each([
    ['tone-mulaw.wav', 'unsupported-wav', 'pcm_s16le'],
    ['six.wav', 'signal-channels', '-ac 2'],
  ])('%s is refused with what to do: %s', async (name, code, hint) => {
    const error = await read(file(name), stereo).catch((error) => error);
    expect(error).toMatchObject({ code });
    expect(error.message).toContain(hint);
  });

  it.each([
    ['0 samples a second', patched('tone16.wav', 24, 0, 0, 0, 0), 'bad-wav'],
    ['no channels', patched('tone16.wav', 22, 0, 0), 'bad-wav'],
    ['a format that is longer than the file', patched('tone16.wav', 16, 0xff, 0xff, 0xff, 0x7e), 'truncated'],
    ['samples that are longer than the file', patched('tone16.wav', 40, 0, 0, 1, 0), 'truncated'],
    ['frames that hold no samples of their bits', patched('tone16.wav', 32, 5, 0), 'bad-wav'],
    ['samples before their format', patched('tone16.wav', 12, 0x64, 0x61, 0x74, 0x61), 'bad-wav'],
    ['no samples', file('tone16.wav').subarray(0, 36), 'truncated'],
    ['an infinite sample', patched('tone-f32-sox.wav', 58, 0, 0, 0x80, 0x7f), 'infinite-value'],
  ])('with %s is refused', async (_what, bytes, code) => {
    await expect(read(bytes)).rejects.toMatchObject({ code });
  });

  it('is held against the limits before its samples are read', async () => {
    const limits = { ...defaultLimits, maxSamples: 200 };
    const asked = { axes: 1, outputs: 'any', limits } as const;
    await expect(readSignalAs(file('tone16.wav'), { ...asked, id: 'x' })).rejects.toMatchObject({
      code: 'limit-samples',
    });
    await expect(readSignalShape(file('tone16.wav'), asked)).rejects.toMatchObject({ code: 'limit-samples' });
  });
});

describe('a WAV file that is read in parts', () => {
  const names = readdirSync(folder).filter((name) => name.endsWith('.wav'));

  it.each(names)('%s is what it is when it is read whole, or is refused in the same words', async (name) => {
    const settle = (reading: Promise<Signal>) => reading.then(plain, (error) => String(error));
    for (const outputs of ['any', mono, stereo] as const)
      for (const rate of [undefined, 11025])
        expect(await settle(readParts(file(name), outputs, rate))).toEqual(
          await settle(read(file(name), outputs, rate)),
        );
  });

  it('keeps samples of 16 bits as they are, unless they have to be others', async () => {
    expect((await readParts(file('tone16.wav'), mono, 8000)).words).toEqual(
      new Int16Array(file('tone.s16').buffer),
    );
    expect((await readParts(file('tone24.wav'), mono, 8000)).words).toBeUndefined();
    expect((await readParts(file('stereo16.wav'), mono)).words).toBeUndefined();
    expect((await readParts(file('tone16.wav'), mono, 16000)).words).toBeUndefined();
  });

  it('longer than a block is the same as whole: the filter of a rate reaches over the ends of blocks', async () => {
    const long = Buffer.alloc(44 + 4 * 70_000);
    long.set(file('stereo16.wav').subarray(0, 44));
    long.writeUInt32LE(long.length - 44, 40);
    for (let i = 44; i < long.length; i += 2) long.writeInt16LE(Math.round(3e4 * Math.sin(i * i)), i);
    const bytes = new Uint8Array(long);
    const { values, ...parts } = plain(await readParts(bytes, mono, 8000));
    const whole = plain(await read(bytes, mono, 8000));
    expect({ ...parts, same: bytesOf(values).equals(bytesOf(whole.values)) }).toEqual({
      ...whole,
      values: undefined,
      same: true,
    });
  });
});

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) =>
  Buffer.from(buffer, byteOffset, byteLength);

/** Values are made, so that those that are kept otherwise are compared too. */
const plain = ({ ...signal }: Signal) => signal;

describe('a sound for a model', () => {
  it('of one channel is the mean of two, and the other way round both are it; both are said', async () => {
    const two = whole('stereo.s16');
    const one = await read(file('stereo16.wav'), mono);
    expect(one.notes).toEqual(['its 2 channels are mixed into one']);
    expect(one.values[7]).toBeCloseTo((two[14]! + two[15]!) / 2, 7);
    const both = await read(file('tone16.wav'), stereo);
    expect([both.values[20], both.values[21]]).toEqual([whole('tone.s16')[10], whole('tone.s16')[10]]);
  });

  it('of another rate is brought to it, which is said', async () => {
    const signal = await read(file('stereo16.wav'), stereo, 8000);
    expect(signal.shape).toEqual([160]);
    expect(signal.notes).toEqual(['its 16000 Hz are read as 8000 Hz, and nothing above 4000 Hz is kept']);
    const shape = await readSignalShape(file('stereo16.wav'), {
      ...{ axes: 1, outputs: stereo, limits: defaultLimits, along: [{ name: 't', unit: 'ms', step: 0.125 }] },
    });
    expect(shape).toEqual([160]);
    expect((await read(file('stereo16.wav'), stereo, 16000)).notes).toBeUndefined();
  });

  it('of outputs with another range lies on that', async () => {
    const volts = mono.map((output) => ({ ...output, low: -10, peak: 20, unit: 'V' }));
    const { values } = await read(file('tone16.wav'), volts);
    whole('tone.s16').forEach((v, i) => void expect(values[i]).toBeCloseTo(10 * v, 5));
  });

  it('of pictures is refused, with what that model takes', async () => {
    const rgb = outputsOfKind('rgb', range);
    const asked = readSignalAs(file('tone16.wav'), { id: 'x', axes: 2, outputs: rgb });
    await expect(asked).rejects.toMatchObject({ code: 'not-a-sound-model' });
  });
});

describe('a sound that is written', () => {
  const along = [{ name: 't', unit: 's', step: 1 / 8000 }];

  it('is what it was, sample for sample, with its rate', async () => {
    const signal = await read(file('tone16.wav'), mono, 8000);
    const bytes = await collect(signalChunks(signalRows(signal), 'wav', mono));
    expect(Buffer.from(bytes).equals(file('tone16.wav'))).toBe(true);
  });

  it('takes no memory of its own for rows that nobody else reads, and leaves the values of others alone', async () => {
    const floats = mono.map((output) => ({ ...output, sample: 'float32' as const }));
    for (const outputs of [mono, floats]) {
      const signal = await read(file('tone16.wav'), outputs, 8000);
      const kept = signal.values.slice();
      const written = await collect(signalChunks(signalRows(signal), 'wav', outputs));
      expect(signal.values).toEqual(kept);
      const chunks: Uint8Array[] = [];
      const stream = signalRows(signal);
      async function* rows() {
        for await (const block of stream.rows) yield { ...block, fresh: true as const };
      }
      for await (const chunk of signalChunks({ ...stream, rows: rows() }, 'wav', outputs)) chunks.push(chunk);
      expect(Buffer.concat(chunks).equals(written)).toBe(true);
      expect(chunks.at(-1)!.buffer).toBe(signal.values.buffer);
    }
  });

  it('is of floats where its model is', async () => {
    const floats = mono.map((output) => ({ ...output, sample: 'float32' as const }));
    const signal = await read(file('tone-f64.wav'), floats, 8000);
    const bytes = await collect(signalChunks(signalRows(signal), 'wav', floats));
    expect(readWavHeader(bytes)).toMatchObject({ isFloat: true, sampleBytes: 4, frames: 240 });
    expect([...samplesOf(bytes)]).toEqual(whole('tone.s16'));
  });

  it('is clipped at both ends', async () => {
    const values = Float32Array.of(1.2, -1.2, 0.99999, -1);
    const bytes = await collect(
      signalChunks(signalRows({ shape: [4], channels: 1, values, axes: along }), 'wav', mono),
    );
    expect([...samplesOf(bytes)].map((v) => v * 32768)).toEqual([32767, -32768, 32767, -32768]);
  });

  it('needs a rate, and is offered as WAV where there is one', async () => {
    const rows = signalRows({ shape: [2], channels: 1, values: new Float32Array(2) });
    await expect(collect(signalChunks(rows, 'wav', mono))).rejects.toMatchObject({ code: 'no-rate' });
    const names = (more: object) =>
      writtenFormatsFor({ axes: 1, outputs: mono, ...more }).map(({ name }) => name);
    expect(names({ along })[0]).toBe('wav');
    expect(names({})[0]).toBe('npy');
    expect(names({ along: [{ name: 'depth', unit: 'm', step: 1 }] })).not.toContain('wav');
  });
});

describe('another rate', () => {
  const wave = (rate: number, seconds: number, hertz: number) =>
    Float32Array.from({ length: rate * seconds }, (_, i) =>
      Math.sin((2 * Math.PI * hertz * (i + 0.5)) / rate),
    );
  const inner = (values: Float32Array) => values.subarray(200, values.length - 200);
  const rms = (values: Float32Array) => Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);

  it.each([
    [44100, 8000],
    [8000, 44100],
    [16000, 8000],
    [11025, 8000],
  ])('from %i to %i keeps a wave in the band to 1e-3, in its place', (from, to) => {
    const found = inner(resample(wave(from, 0.25, 1000), 1, { from, to }));
    const wanted = inner(wave(to, 0.25, 1000));
    expect(rms(found.map((v, i) => v - wanted[i]!))).toBeLessThan(1e-3);
  });

  it('leaves out what lies above the band', () => {
    expect(rms(inner(resample(wave(16000, 0.25, 5000), 1, { from: 16000, to: 8000 })))).toBeLessThan(1e-3);
  });

  it('of samples that come in pieces of any length is that of all of them', () => {
    const values = Float32Array.from({ length: 2 * 900 }, (_, i) => Math.sin(i * i));
    for (const rates of [
      { from: 44100, to: 8000 },
      { from: 8000, to: 44100 },
    ]) {
      const whole = resample(values, 2, rates);
      for (const piece of [7, 500]) {
        const resampler = new Resampler({ samples: 900, channels: 2 }, rates);
        const found: number[] = [];
        for (let at = 0; at < values.length; at += 2 * piece)
          found.push(...resampler.next(values.subarray(at, at + 2 * piece)));
        expect(Float32Array.from(found)).toEqual(whole);
      }
    }
  });

  it('keeps a constant to its ends', () => {
    for (const v of resample(new Float32Array(100).fill(0.25), 1, { from: 8000, to: 11025 }))
      expect(v).toBeCloseTo(0.25, 6);
  });
});

async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return new Uint8Array(Buffer.concat(all));
}
