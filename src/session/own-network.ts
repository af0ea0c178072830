/** Files that bring a network of their own, as models with one function. */
import { type CodedNetwork as DecodedFile, decodeNetwork } from '../../codec/index.ts';
import { sha256Hex } from '../core/hash.ts';
import { defaultLimits, type Limits } from '../core/limits.ts';
import { axesOfKind, familyOf, outputsOfKind } from '../field/kinds.ts';
import { type Model, networkId } from '../field/model.ts';
import type { DecodedNetwork } from './work.ts';

/**
 * The model that a network file is: its only function has the modulation of no numbers, and its id is that of the file. Sessions take it
 * as any other. Throws what `decodeNetwork` throws.
 *
 * @example
 * const session = openSession({ model: modelOfNetworkFile(bytes), engine: await openEngine() });
 * const signal = await session.decode(bytes, { size: '4x' });
 */
export function modelOfNetworkFile(bytes: Uint8Array, limits: Limits = defaultLimits): Model {
  return modelOf(decodeNetwork(bytes, limits), sha256Hex(bytes));
}

/** The one function of a network file. Throws what `decodeNetwork` throws. */
export function networkFunction(bytes: Uint8Array, limits: Limits): DecodedNetwork {
  const network = modelOfNetworkFile(bytes, limits);
  return { network, shape: network.card.shape, prior: 'none' };
}

function modelOf({ shape, channels, values, spec, weights }: DecodedFile, id: string): Model {
  const network = { spec, weights, rates: new Float32Array(0) };
  // Numbers are fitted from -1 to 1, so that twice the scale is their range.
  const outputs = outputsOfKind(channels, values, { count: spec.outputs, peak: 2 * Math.abs(values.scale) });
  const axes = axesOfKind(channels, spec.axes);
  return {
    id,
    networkId: networkId(network, outputs),
    card: {
      name: `network-${id.slice(0, 8)}`,
      family: familyOf({ outputs, axes }),
      shape,
      anySize: false,
      outputs,
      axes,
      spec,
      training: {
        dataset: 'one signal',
        split: 'all',
        steps: 0,
        batch: 1,
        seed: 0,
        lambda: 0,
        innerSteps: 0,
      },
      figures: {},
      licence: 'that of the signal',
      notes: 'A network of its own for one signal; it comes with its file.',
    },
    network,
    steps: new Float32Array(0),
    tensors: new Map(),
  };
}
