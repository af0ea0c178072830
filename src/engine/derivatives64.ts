/** `derivatives` of an engine that has no kernel for them: the float64 reference, one point after another. */
import { Pace } from '../core/pace.ts';
import { network64 } from '../field/field64.ts';
import { placeAt, valueAndSlope } from '../field/slopes64.ts';
import { modulationLength } from '../field/spec.ts';
import { checkAbort } from './check.ts';
import type { Engine } from './engine.ts';

export const derivatives64: Engine['derivatives'] = async (
  { spec, weights },
  { shape, count, modulations },
  positions,
  { signal } = {},
) => {
  const { axes, outputs } = spec;
  const net = network64({ spec, weights, rates: [] });
  const n = positions.length / axes;
  const m = modulationLength(spec, shape);
  const values = new Float64Array(count * n * outputs);
  const slopes = new Float64Array(values.length * axes);
  checkAbort({ signal });
  const pace = new Pace(signal);
  const phis = Array.from({ length: count }, (_, i) =>
    Float64Array.from(modulations.subarray(i * m, (i + 1) * m)),
  );
  for (let p = 0; p < n; p++) {
    const place = placeAt(spec, shape, positions.subarray(p * axes, (p + 1) * axes));
    for (const [i, phi] of phis.entries()) {
      if (pace.due) await pace.turn();
      const found = valueAndSlope(net, place, phi);
      values.set(found.values, (i * n + p) * outputs);
      slopes.set(found.slope, (i * n + p) * outputs * axes);
    }
  }
  return { values, slopes };
};
