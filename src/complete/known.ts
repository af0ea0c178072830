/** How much of each token of a modulation an observation shows. */
import type { TokenLayout } from '../../prior/train/tokens.ts';
import { coveringGrid, gridPositions } from '../field/coordinates.ts';
import type { BaseNetwork } from '../field/spec.ts';
import { type Stencils, stencilsOf } from './linearise.ts';

/**
 * [tokens]: of the points that a token is read at, weighed by how much, the share that was observed. Of a mean over several points each
 * counts for its part: a coarse version shows no token whole.
 */
export function sharesSeen(
  { tokens, tokenOf }: Pick<TokenLayout, 'tokens' | 'tokenOf'>,
  network: BaseNetwork,
  observed: { readonly shape: readonly number[]; readonly stencils: Stencils; readonly group: number },
): Float64Array {
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
  return all.map((sum, token) => (sum > 0 ? seen[token]! / (group * sum) : 0));
}
