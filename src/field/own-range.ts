/** A model over a signal's own range: the same network, and outputs whose numbers are the signal's. See docs/adr/0059. */
import type { Model } from './model.ts';
import type { Output, OwnRange } from './outputs.ts';

/** Outputs whose values are offset + scale * those of the card; the card's own without `ranges`. */
export function outputsOver(
  outputs: readonly Output[],
  ranges: readonly OwnRange[] | undefined,
): readonly Output[] {
  if (ranges === undefined) return outputs;
  return outputs.map((output, o) => {
    const { offset, scale, name = output.name, unit = output.unit } = ranges[o]!;
    return {
      ...{ ...output, name, unit },
      offset: offset + scale * output.offset,
      scale: scale * output.scale,
      low: offset + scale * output.low,
      peak: scale * output.peak,
    };
  });
}

/** The model whose card is in the units of a signal. Its id and its network's are those of the file that it was read from. */
export function modelOver(model: Model, ranges: readonly OwnRange[] | undefined): Model {
  if (ranges === undefined) return model;
  const { card } = model;
  // What training measured errors against is in the units of the card; over an own range it is the range.
  const { peak: _, ...training } = card.training;
  return { ...model, card: { ...card, outputs: outputsOver(card.outputs, ranges), training } };
}
