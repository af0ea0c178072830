/** A modulation for everything that asks a function, whatever a file holds. */
import type { Engine } from '../engine/engine.ts';
import { defaultQuality } from '../field/at-quality.ts';
import type { Model } from '../field/model.ts';
import { fromSamples } from '../field/samples.ts';
import { fitSignals } from './fit.ts';
import type { DecodedFunction } from './work.ts';

/** What a function of a file is asked with. */
export interface OpenedModulation {
  /** [m], of the network at `quality`. */
  readonly modulation: Float32Array;
  readonly shape: readonly number[];
  readonly quality: number;
}

/** That of a function as it is; of samples the plain fit: quality 50, effort 1. */
export async function modulationOf(
  context: { readonly model: Model; readonly engine: Engine },
  found: DecodedFunction,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<OpenedModulation> {
  if (found.prior !== 'samples') return found;
  const { model, engine } = context;
  const { samples, shape } = found;
  const values = fromSamples(model.card, samples);
  const signal = { id: 'samples', shape, channels: model.card.spec.outputs, values };
  const how = { quality: defaultQuality, effort: 1, signal: options.signal };
  const [fitted] = await fitSignals(model, engine, [signal], how);
  return { modulation: fitted!.modulation, shape, quality: defaultQuality };
}
