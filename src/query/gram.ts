/**
 * The metric of modulations: G = E[J' J], J = df/dphi, so that (a - b)' G (a - b) is, to first order, the squared distance
 * between two signals. At a point a field depends on phi through the few channels interpolated there, so J is exact and
 * cheap: df/du by one backward pass, spread over the cells that u comes from.
 */
import { choleskyFactor } from '../core/cholesky.ts';
import { coveringGrid, gridPositions } from '../field/coordinates.ts';
import { forward, type Network64, siteAt } from '../field/field64.ts';
import { channelGradient } from '../field/slopes64.ts';
import { modulationLength, pointCount } from '../field/spec.ts';

/** G [m, m], averaged over `modulations` [m] of signals of `shape`, summed over points and outputs; field units. */
export function gramMatrix(
  net: Network64,
  shape: readonly number[],
  modulations: readonly Float32Array[],
): Float64Array {
  const { spec } = net;
  const m = modulationLength(spec, shape);
  const gram = new Float64Array(m * m);
  const positions = gridPositions(coveringGrid(shape));
  const phis = modulations.map((modulation) => Float64Array.from(modulation));
  const share = 1 / phis.length;
  for (let p = 0; p < pointCount(shape); p++) {
    const site = siteAt(spec, shape, positions.subarray(p * spec.axes, (p + 1) * spec.axes));
    const at = site.taps.flatMap(({ from, channels }) =>
      Array.from({ length: channels }, (_, c) => from + c),
    );
    for (const phi of phis) {
      const gradient = channelGradient(net, forward(net, site, phi));
      const channels = gradient.length / spec.outputs;
      for (let o = 0; o < spec.outputs; o++) {
        const row = Float64Array.from(
          site.taps.flatMap(({ to, channels: n, weight }) =>
            Array.from({ length: n }, (_, c) => weight * gradient[o * channels + to + c]!),
          ),
        );
        addSquare(gram, m, at, row, share);
      }
    }
  }
  return gram;
}

/** gram[at, at] += share * row row'; an index may stand in `at` more than once. */
function addSquare(
  gram: Float64Array,
  m: number,
  at: readonly number[],
  row: Float64Array,
  share: number,
): void {
  for (let i = 0; i < row.length; i++) {
    const base = at[i]! * m;
    const ri = share * row[i]!;
    for (let j = 0; j < row.length; j++) gram[base + at[j]!]! += ri * row[j]!;
  }
}

/** Of the mean of the diagonal, added to it: a channel that no point sees leaves G singular. */
const ridge = 1e-6;

/** L [m, m], lower, with G + ridge = L L'. */
export function factorOf(gram: Float64Array, m: number): Float64Array {
  let trace = 0;
  for (let i = 0; i < m; i++) trace += gram[i * m + i]!;
  const least = Math.max((ridge * trace) / m, Number.MIN_VALUE);
  const raised = Float64Array.from(gram);
  for (let i = 0; i < m; i++) raised[i * m + i]! += least;
  return choleskyFactor(raised, m, least);
}
