/** Golden network files: making them, and what the manifest says of one. Used by the test and by the generator. */
import {
  decodeNetwork,
  encodeHalfNetwork,
  encodeSteppedNetwork,
  type NetworkHeader,
  valuesOf,
  weightTensors,
} from '../../codec/index.ts';
import { maxSymbol } from '../../prior/prior.ts';
import { Rng } from '../../src/core/rng.ts';
import { initialWeights } from '../../src/field/initialise.ts';
import { coin } from '../../src/field/presets.ts';
import { weightLayout } from '../../src/field/spec.ts';
import { hashOfSymbols, sha256 } from './vectors.ts';

export interface NetworkVector {
  /** File name, beside the manifest. */
  readonly file: string;
  readonly fileSha256: string;
  readonly bytes: number;
  readonly shape: readonly number[];
  readonly channels: string;
  readonly coding: string;
  readonly weights: number;
  /** Of the weights as float32, little-endian. */
  readonly weightsSha256: string;
  /** Of steps, then symbols, as 32 bits each. */
  readonly symbolsSha256?: string | undefined;
}

type Header = Omit<NetworkHeader, 'coding'>;

const headers: Readonly<Record<string, Header>> = {
  grey: picture('grey', 1, [20, 33]),
  rgb: picture('rgb', 3, [32, 32]),
  rgba: picture('rgba', 4, [1, 129]),
  mono: {
    ...{ shape: [4000], channels: 'mono', values: valuesOf('mono') },
    spec: coin({ axes: 1, outputs: 1, width: 12, layers: 3, w0: 255 }),
  },
  stereo: {
    ...{ shape: [700], channels: 'stereo', values: valuesOf('stereo') },
    spec: coin({ axes: 1, outputs: 2, width: 5, layers: 1 }),
  },
  values: {
    ...{ shape: [3, 12, 24], channels: 'values', values: { offset: 273.25, scale: -40.5 } },
    spec: coin({ axes: 3, outputs: 2, width: 9, layers: 4, w0: 7 }),
  },
};

/** Every kind of channels in both codings, and steps at the ends of their ranges. */
export function makeNetworkVectors(): { file: string; bytes: Uint8Array }[] {
  const made = Object.entries(headers).flatMap(([name, header], i) => {
    const rng = new Rng(i);
    const weights = initialWeights(header.spec, () => rng.uniform());
    const steps = Uint8Array.from(weightTensors(header.spec), (_, t) => 6 + ((3 * t + i) % 9));
    const spread = 1 + 3 * i;
    const symbols = Int32Array.from(weights, () => rng.below(spread) + rng.below(spread) - spread + 1);
    return [
      { file: `network-${name}-half.functa`, bytes: encodeHalfNetwork(header, weights) },
      { file: `network-${name}-steps.functa`, bytes: encodeSteppedNetwork(header, { steps, symbols }) },
    ];
  });
  const { spec } = headers.rgb!;
  const { length } = weightLayout(spec);
  const far = Int32Array.from({ length }, (_, i) =>
    i % 41 === 0 ? (i % 2 === 0 ? 1 : -1) * (maxSymbol >> (i % 20)) : 0,
  );
  const steps = Uint8Array.from(weightTensors(spec), (_, t) => (t % 2 === 0 ? 63 : 0));
  made.push({
    file: 'network-escapes.functa',
    bytes: encodeSteppedNetwork(headers.rgb!, { steps, symbols: far }),
  });
  return made;
}

export function describeNetwork(file: string, bytes: Uint8Array): NetworkVector {
  const { shape, channels, coding, weights, stepped } = decodeNetwork(bytes);
  return {
    file,
    fileSha256: sha256(bytes),
    bytes: bytes.length,
    shape: [...shape],
    channels,
    coding,
    weights: weights.length,
    weightsSha256: sha256(new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength)),
    ...(stepped && { symbolsSha256: hashOfSymbols(Int32Array.of(...stepped.steps, ...stepped.symbols)) }),
  };
}

function picture(channels: 'grey' | 'rgb' | 'rgba', outputs: number, shape: number[]): Header {
  return {
    shape,
    channels,
    values: valuesOf(channels),
    spec: coin({ axes: 2, outputs, width: 10, layers: 2 }),
  };
}
