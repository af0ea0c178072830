/** Functasets of a model. */
import { specDigest } from '../field/canonical.ts';
import { modulationLayout } from '../field/layout.ts';
import type { Model } from '../field/model.ts';
import { modulationLength } from '../field/spec.ts';
import type { Functaset, FunctasetNetwork } from '../functaset/index.ts';

/** What ties a functaset to a model. */
export function networkOf(model: Model): FunctasetNetwork {
  const { card, id, networkId } = model;
  const { levels, length } = modulationLayout(card.spec, card.shape);
  return {
    networkId,
    modelId: id,
    specDigest: specDigest(card.spec),
    layout: { levels: levels.map(({ cells, channels }) => ({ cells, channels })), length },
    shape: card.shape,
  };
}

/** Opens the functaset of a model, to write to or to read; made when it is not there and not `readOnly`. */
export async function openFunctasetOf(
  model: Model,
  path: string,
  options: { readonly readOnly?: boolean | undefined } = {},
): Promise<Functaset> {
  // Loaded here: files are coded without a store and its database.
  const { openFunctaset } = await import('../functaset/index.ts');
  const lengthOf = (shape: readonly number[]) => modulationLength(model.card.spec, shape);
  return openFunctaset(path, { network: networkOf(model), readOnly: options.readOnly, lengthOf });
}
