/** Fields and volumes beside zfp, fpzip and quantised values by zstd: errors over the range of the signal, at equal bytes. */
import type { Signal } from '../../src/signal/signal.ts';
import type { Contender, Figures } from './contender.ts';
import type { Tools } from './tools.ts';

export function fieldPeers(tools: Tools): Contender[] {
  const peers = [zfp(tools), fpzip(tools), zstd(tools)];
  return peers.filter(({ name }) => tools.has(name));
}

/** Missing values are filled before, as those coders have none, and where they are is given to them for nothing. */
const filled = 'missing values filled by those before them, their places not counted';

function zfp(tools: Tools): Contender {
  return {
    name: 'zfp',
    note: `zfp 1.0, -a tolerance of the range; bare streams; ${filled}`,
    settings: [1, 0.5, 0.3, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005],
    async code(signal, tolerance) {
      const input = await tools.write('in.f32', bytesOf(complete(signal.values)));
      const shape = [`-${signal.shape.length}`, ...[...signal.shape].reverse().map(String)];
      const how = ['-f', ...shape, '-a', String(tolerance), '-q'];
      await tools.run('zfp', [...how, '-i', input, '-z', tools.file('coded.zfp')]);
      await tools.run('zfp', [...how, '-z', tools.file('coded.zfp'), '-o', tools.file('out.f32')]);
      const { length } = await tools.read('coded.zfp');
      return { bytes: length, values: valuesOf(await tools.read('out.f32')) };
    },
  };
}

function fpzip(tools: Tools): Contender {
  return {
    name: 'fpzip',
    note: `fpzip 1.3, -p bits of precision; ${filled}`,
    settings: [6, 8, 10, 12, 14, 16],
    async code(signal, precision) {
      const input = await tools.write('in.f32', bytesOf(complete(signal.values)));
      const shape = [`-${signal.shape.length}`, ...[...signal.shape].reverse().map(String)];
      const how = ['-q', '-t', 'float', ...shape, '-p', String(precision)];
      await tools.run('fpzip', [...how, '-i', input, '-o', tools.file('coded.fpz')]);
      await tools.run('fpzip', ['-d', '-q', '-i', tools.file('coded.fpz'), '-o', tools.file('out.f32')]);
      const { length } = await tools.read('coded.fpz');
      return { bytes: length, values: valuesOf(await tools.read('out.f32')) };
    },
  };
}

/** Differences along rows of whole multiples of a step: zstd finds repeats, not smoothness. */
function zstd(tools: Tools): Contender {
  return {
    name: 'zstd',
    note: `zstd -19 of values in steps of the range, as differences along rows in 16 bits; ${filled}`,
    settings: [0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001],
    async code(signal, step) {
      const values = complete(signal.values);
      const whole = Int16Array.from(values, (v) => Math.round(v / step));
      const differences = whole.map((v, i) => v - (whole[i - 1] ?? 0));
      await tools.write('in.i16', new Uint8Array(differences.buffer));
      await tools.run('zstd', ['-19', '-q', '-f', tools.file('in.i16'), '-o', tools.file('coded.zst')]);
      const { length } = await tools.read('coded.zst');
      return { bytes: length, values: Float32Array.from(whole, (v) => v * step) };
    },
  };
}

/** Over the range of the known values; `rmse` and `most` in it, PSNR in dB, and `mostDb` the same of the largest error: 1 % is 40 dB. */
export function fieldFigures({ values: wanted }: Signal, got: Float32Array): Figures {
  let [low, high, known, squares, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0, 0];
  for (let i = 0; i < wanted.length; i++) {
    const v = wanted[i]!;
    if (Number.isNaN(v)) continue;
    known++;
    low = Math.min(low, v);
    high = Math.max(high, v);
    squares += (v - got[i]!) ** 2;
    most = Math.max(most, Math.abs(v - got[i]!));
  }
  const range = high - low || 1;
  const rmse = Math.sqrt(squares / known) / range;
  return { psnrDb: -20 * Math.log10(rmse), rmse, most: most / range, mostDb: -20 * Math.log10(most / range) };
}

export function complete(values: Float32Array): Float32Array {
  let last = values.find((v) => !Number.isNaN(v)) ?? 0;
  return values.map((v) => {
    if (!Number.isNaN(v)) last = v;
    return last;
  });
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function valuesOf(bytes: Uint8Array): Float32Array {
  return new Float32Array(Uint8Array.from(bytes).buffer);
}
