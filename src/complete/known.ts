/** Which tokens of a modulation an observation shows. */
import type { TokenLayout } from '../../prior/train/tokens.ts';
import { coveringGrid, gridPositions } from '../field/coordinates.ts';
import type { BaseNetwork } from '../field/spec.ts';
import { type Stencils, stencilsOf } from './linearise.ts';

/** Share of the points that a token is read at, weighed by how much: from here on it is known. */
const wellKnown = 0.9;

/**
 * [tokens]: 1 where nearly all points were observed that a token is read at. Of a mean over several points each counts for its share:
 * a coarse version shows no token.
 */
export function knownTokens(
  { tokens, tokenOf }: Pick<TokenLayout, 'tokens' | 'tokenOf'>,
  network: BaseNetwork,
  observed: { readonly shape: readonly number[]; readonly stencils: Stencils; readonly group: number },
): Uint8Array {
  const readBy = ({ levels }: Stencils) => {
    const sums = new Float64Array(tokens);
    for (const { from, weights } of levels) {
      for (const [i, cell] of from.entries()) sums[tokenOf[cell]!]! += weights[i]! ** 2;
    }
    return sums;
  };
  const { shape, stencils, group } = observed;
  const everywhere = Float32Array.from(gridPositions(coveringGrid(shape)));
  const all = readBy(stencilsOf(network, shape, everywhere));
  const seen = readBy(stencils);
  return Uint8Array.from(all, (sum, token) => Number(seen[token]! >= group * wellKnown * sum));
}
