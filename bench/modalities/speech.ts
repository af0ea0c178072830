/**
 * Speech beside MP3, Opus and codec2: signal-to-noise ratio and log-spectral distance at equal bytes. Coders that delay are aligned by the lag of
 * the greatest correlation before they are compared.
 */
import type { Signal } from '../../src/signal/signal.ts';
import type { Contender, Figures } from './contender.ts';
import type { Tools } from './tools.ts';

/** Samples a second of all of it. */
export const rate = 8000;

export function speechPeers(tools: Tools): Contender[] {
  const peers = [mp3(tools), opus(tools), codec2(tools)];
  return peers.filter(({ name }) => tools.has(programs[name]!));
}

const programs: Readonly<Record<string, string>> = { MP3: 'lame', Opus: 'opusenc', codec2: 'c2enc' };

function mp3(tools: Tools): Contender {
  return {
    name: 'MP3',
    note: 'lame, constant rate, mono, MPEG-2.5, no tags; whole files',
    settings: [8, 16, 24, 32],
    async code(signal, kilobits) {
      const input = await tools.write('in.raw', toPcm(signal.values));
      const raw = ['-r', '-s', '8', '--bitwidth', '16', '--signed', '--little-endian', '-m', 'm'];
      const how = ['--resample', '8', '--cbr', '-b', String(kilobits), '-t', '--quiet'];
      await tools.run('lame', [...raw, ...how, input, tools.file('coded.mp3')]);
      await tools.run('lame', ['--decode', '-t', '--quiet', tools.file('coded.mp3'), tools.file('out.raw')]);
      const { length } = await tools.read('coded.mp3');
      return { bytes: length, values: aligned(signal.values, fromPcm(await tools.read('out.raw'))) };
    },
  };
}

function opus(tools: Tools): Contender {
  return {
    name: 'Opus',
    note: 'opusenc, variable rate, frames of 20 ms, padding 0; without the Ogg container: packets alone',
    settings: [6, 8, 12, 16, 24, 32],
    async code(signal, kilobits) {
      const input = await tools.write('in.raw', toPcm(signal.values));
      const raw = ['--raw', '--raw-rate', '8000', '--raw-chan', '1', '--raw-bits', '16'];
      const how = ['--bitrate', String(kilobits), '--padding', '0', '--quiet'];
      await tools.run('opusenc', [...raw, ...how, input, tools.file('coded.opus')]);
      const decoded = ['--rate', '8000', '--quiet', tools.file('coded.opus'), tools.file('out.wav')];
      await tools.run('opusdec', decoded);
      const bytes = packetBytes(await tools.read('coded.opus'));
      return { bytes, values: aligned(signal.values, fromPcm((await tools.read('out.wav')).subarray(44))) };
    },
  };
}

function codec2(tools: Tools): Contender {
  return {
    name: 'codec2',
    note: 'c2enc, raw bits; a vocoder, whose waveform is not the one that was said',
    settings: [700, 1300, 2400, 3200],
    async code(signal, mode) {
      const input = await tools.write('in.raw', toPcm(signal.values));
      const name = mode === 700 ? '700C' : String(mode);
      await tools.run('c2enc', [name, input, tools.file('coded.bit')]);
      await tools.run('c2dec', [name, tools.file('coded.bit'), tools.file('out.raw')]);
      const { length } = await tools.read('coded.bit');
      return { bytes: length, values: aligned(signal.values, fromPcm(await tools.read('out.raw'))) };
    },
  };
}

/** Bytes of the packets of an Ogg stream without its two of headers (RFC 3533, RFC 7845). */
export function packetBytes(file: Uint8Array): number {
  let [sum, packets] = [0, 0];
  for (let at = 0; at + 27 <= file.length; ) {
    const segments = file[at + 26]!;
    const table = file.subarray(at + 27, at + 27 + segments);
    let page = 0;
    for (const size of table) {
      page += size;
      if (packets >= 2) sum += size;
      if (size < 255) packets++;
    }
    at += 27 + segments + page;
  }
  return sum;
}

/** As long as `wanted`, moved by the lag of up to a quarter of a second at which both agree best. */
export function aligned(wanted: Float32Array, got: Float32Array): Float32Array {
  let [best, bestLag] = [Number.NEGATIVE_INFINITY, 0];
  for (let lag = -rate / 4; lag <= rate / 4; lag++) {
    let sum = 0;
    const to = Math.min(wanted.length, got.length - lag);
    for (let i = Math.max(0, -lag); i < to; i++) sum += wanted[i]! * got[i + lag]!;
    if (sum > best) [best, bestLag] = [sum, lag];
  }
  return wanted.map((_, i) => got[i + bestLag] ?? 0);
}

/** dB: signal over noise, and the mean over frames of the root mean square difference of log power spectra. */
export function speechFigures({ values: wanted }: Signal, got: Float32Array): Figures {
  let [energy, noise] = [0, 0];
  for (let i = 0; i < wanted.length; i++) {
    energy += wanted[i]! ** 2;
    noise += (wanted[i]! - got[i]!) ** 2;
  }
  return { snrDb: 10 * Math.log10(energy / noise), lsdDb: logSpectralDistance(wanted, got) };
}

/** Samples of a frame, half of which overlap, and the power below which nothing is heard, of full scale. */
const [frame, floor] = [256, 1e-7];

/** Samples that `spectrum` looks at. */
export const spectrumFrame = frame;

export function logSpectralDistance(a: Float32Array, b: Float32Array): number {
  let [sum, frames] = [0, 0];
  for (let at = 0; at + frame <= a.length; at += frame / 2) {
    const [p, q] = [spectrum(a, at), spectrum(b, at)];
    let squares = 0;
    for (let k = 0; k < p.length; k++) squares += (10 * Math.log10((p[k]! + floor) / (q[k]! + floor))) ** 2;
    sum += Math.sqrt(squares / p.length);
    frames++;
  }
  return frames === 0 ? 0 : sum / frames;
}

/** Power of frequencies 1 to frame / 2 - 1 of a frame under a Hann window. */
export function spectrum(values: Float32Array, at: number): Float64Array {
  const power = new Float64Array(frame / 2 - 1);
  for (let k = 1; k < frame / 2; k++) {
    let [re, im] = [0, 0];
    for (let i = 0; i < frame; i++) {
      const v = values[at + i]! * hann[i]!;
      re += v * cosines[(k * i) % frame]!;
      im += v * cosines[(k * i + frame / 4) % frame]!;
    }
    power[k - 1] = (re * re + im * im) / frame;
  }
  return power;
}

const cosines = Float64Array.from({ length: frame }, (_, i) => Math.cos((2 * Math.PI * i) / frame));
const hann = cosines.map((c) => 0.5 - 0.5 * c);

function toPcm(values: Float32Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(2 * values.length));
  for (const [i, v] of values.entries())
    view.setInt16(2 * i, Math.min(32767, Math.max(-32768, Math.round(v * 32768))), true);
  return new Uint8Array(view.buffer);
}

function fromPcm(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.length >> 1 }, (_, i) => view.getInt16(2 * i, true) / 32768);
}
