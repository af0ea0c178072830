/**
 * Checks of arguments, once for all engines: an engine is written for arguments that are right, and is handed out behind
 * `checkedEngine`, which refuses the others before the engine hears of them, and calls after `close`.
 */
import { type BaseNetwork, type FieldSpec, totalChannels } from '../field/spec.ts';
import {
  allFinite,
  checkBatch,
  checkCall,
  checkModulationLength,
  checkModulations,
  checkNetwork,
  checkOuter,
  checkPoints,
  checkPositions,
  checkShape,
  checkTrajectory,
} from './check.ts';
import type { CallOptions, Engine, ModulationBatch, Points } from './engine.ts';

const once = () => 1;

/** Throws as engine.ts says; what `inner` throws passes through. `inner` is closed once. */
export function checkedEngine(inner: Engine): Engine {
  let closed = false;

  /** `name`: what the caller knows the modulations by; `each`: arrays like the values that are asked for of each. */
  function begin(
    net: BaseNetwork,
    { shape, count, modulations }: ModulationBatch,
    points: Points,
    {
      name,
      each,
      options,
    }: { name: string; each: (spec: FieldSpec) => number; options: CallOptions | undefined },
  ): (values: Float32Array) => Float32Array {
    checkCall(closed, options);
    checkNetwork(net);
    checkShape(net.spec, shape);
    checkModulationLength(name, net.spec, shape, count, modulations);
    checkPoints(net.spec, points, count * each(net.spec));
    return (values) => {
      // What is not finite in a modulation makes every value that reads it so. The modulation of a large signal is read in
      // many calls, a part in each: looking for faults in all of it each time would take longer than some of the calls.
      if (!allFinite(values)) checkModulations(name, net.spec, shape, count, modulations);
      return values;
    };
  }

  return {
    name: inner.name,
    threads: inner.threads,
    ...(inner.multiply && { multiply: inner.multiply }),

    async evaluate(net, shape, modulation, points, options) {
      const signals = { shape, count: 1, modulations: modulation };
      const end = begin(net, signals, points, { name: 'modulation', each: once, options });
      return end(await inner.evaluate(net, shape, modulation, points, options));
    },

    async evaluateMany(net, signals, points, options) {
      const end = begin(net, signals, points, { name: 'modulations', each: once, options });
      return end(await inner.evaluateMany(net, signals, points, options));
    },

    async slopes(net, signals, points, options) {
      const each = (spec: FieldSpec) => Math.max(1, totalChannels(spec));
      const end = begin(net, signals, points, { name: 'modulations', each, options });
      const slopes = await inner.slopes(net, signals, points, options);
      // A point's slopes are all those of what it reads: of each signal the first channel says whether that is finite.
      const own = slopes.length / signals.count;
      for (let at = 0; at < slopes.length; at += own) end(slopes.subarray(at, at + own / each(net.spec)));
      return slopes;
    },

    async derivatives(net, signals, positions, options) {
      checkCall(closed, options);
      checkNetwork(net);
      checkShape(net.spec, signals.shape);
      checkModulationLength('modulations', net.spec, signals.shape, signals.count, signals.modulations);
      checkPositions(net.spec, positions, signals.count * net.spec.outputs * net.spec.axes);
      const found = await inner.derivatives(net, signals, positions, options);
      if (!allFinite(found.values) || !allFinite(found.slopes))
        checkModulations('modulations', net.spec, signals.shape, signals.count, signals.modulations);
      return found;
    },

    async gradient(net, batch, modulations, options) {
      checkCall(closed, options);
      checkBatch(net, batch);
      checkModulations('modulations', net.spec, batch.shape, batch.count, modulations);
      return inner.gradient(net, batch, modulations, options);
    },

    async adapt(net, batch, steps, options) {
      checkCall(closed, options);
      checkBatch(net, batch);
      checkTrajectory(net, batch, steps);
      if (options?.start) checkModulations('start', net.spec, batch.shape, batch.count, options.start);
      return inner.adapt(net, batch, steps, options);
    },

    async metaGradient(net, batch, adapted, outer, options) {
      checkCall(closed, options);
      checkBatch(net, batch);
      checkOuter(net, batch, adapted, outer);
      return inner.metaGradient(net, batch, adapted, outer, options);
    },

    async close() {
      if (closed) return;
      closed = true;
      await inner.close();
    },
  };
}
