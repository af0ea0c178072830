/** `evaluateMany` of an engine that has nothing to share between signals. */
import { modulationLength } from '../field/spec.ts';
import type { Engine } from './engine.ts';
import { pointsIn } from './points.ts';

export function oneByOne(evaluate: Engine['evaluate']): Engine['evaluateMany'] {
  return async (net, { shape, count, modulations }, points, options) => {
    const perSignal = pointsIn(points, net.spec.axes) * net.spec.outputs;
    const m = modulationLength(net.spec, shape);
    const values = new Float32Array(count * perSignal);
    for (let i = 0; i < count; i++) {
      const own = modulations.subarray(i * m, (i + 1) * m);
      values.set(await evaluate(net, shape, own, points, options), i * perSignal);
    }
    return values;
  };
}
