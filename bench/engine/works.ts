/** The works that engines are timed on, all from fixed seeds. */
import type { Batch, Engine } from '../../src/engine/engine.ts';
import { randomBatch, randomModulations, randomNetwork, uniformFrom } from '../../src/engine/testing.ts';
import { coveringGrid } from '../../src/field/coordinates.ts';
import { functa, pyramid } from '../../src/field/presets.ts';
import type { BaseNetwork, FieldSpec } from '../../src/field/spec.ts';
import { adaptFlops, decodeFlops, metaStepFlops } from './flops.ts';

export interface Work {
  readonly title: string;
  /** Executed by the kernel (flops.ts). */
  readonly flops: number;
  /** Points evaluated, where that is what the work is. */
  readonly points?: number;
  readonly run: (engine: Engine) => Promise<unknown>;
}

export interface MetaWork extends Work {
  readonly net: BaseNetwork;
  readonly batch: Batch;
  readonly steps: number;
}

const picture = { axes: 2, outputs: 3 } as const;
const innerSteps = 3;

/** The meta steps, which PyTorch is given too. */
export const metaWorks: Readonly<Record<string, () => MetaWork>> = {
  'meta-global': () =>
    metaWork('meta step, global W=128', functa({ ...picture, width: 128, layers: 5, channels: 128 })),
  'meta-pyramid': () => metaWork('meta step, pyramid W=64', pyramid({ ...picture, width: 64, layers: 3 })),
};

export const works: Readonly<Record<string, () => Work>> = {
  ...metaWorks,
  encode: encodeWork,
  decode: () => decodeWork('decode 1 Mpixel, pyramid W=64', [1024, 1024]),
  'decode-large': () => decodeWork('the same at 4 Mpixel', [2048, 2048]),
};

/** 16 signals of 32 x 32 points, second order. */
function metaWork(title: string, spec: FieldSpec): MetaWork {
  const uniform = uniformFrom(1);
  const shape = [32, 32];
  const count = 16;
  const net = randomNetwork(spec, 1e-4, uniform);
  const batch = randomBatch(spec, shape, count, false, uniform);
  return {
    title,
    flops: metaStepFlops(spec, shape, count, innerSteps),
    net,
    batch,
    steps: innerSteps,
    run: async (engine) => {
      const adapted = await engine.adapt(net, batch, innerSteps);
      return engine.metaGradient(net, batch, adapted, { distortionWeight: 1 });
    },
  };
}

function encodeWork(): Work {
  const uniform = uniformFrom(2);
  const spec = pyramid({ ...picture, width: 64, layers: 3 });
  const shape = [32, 32];
  const net = randomNetwork(spec, 1e-4, uniform);
  const batch = randomBatch(spec, shape, 1, false, uniform);
  return {
    title: 'encode 32 x 32, pyramid W=64',
    flops: adaptFlops(spec, shape, 1, innerSteps),
    run: (engine) => engine.adapt(net, batch, innerSteps),
  };
}

/** Points of a block of rows: those of src/session/rows.ts. */
const blockPoints = 2 ** 17;

/**
 * A picture of 1024 x 1024 evaluated on a grid of `size`. Values are dropped block by block, as by a writer of rows that
 * has sent them on.
 */
function decodeWork(title: string, size: readonly [number, number]): Work {
  const uniform = uniformFrom(3);
  const spec = pyramid({ ...picture, width: 64, layers: 3 });
  const shape = [1024, 1024];
  const net = randomNetwork(spec, 1e-4, uniform);
  const modulation = randomModulations(spec, shape, 1, 0.1, uniform);
  const [height, width] = size;
  const rows = blockPoints / width;
  const { start, step } = coveringGrid(shape, size);
  return {
    title,
    flops: decodeFlops(spec, shape, size, rows),
    points: height * width,
    run: async (engine) => {
      for (let first = 0; first < height; first += rows) {
        await engine.evaluate(net, shape, modulation, {
          kind: 'grid',
          start: [start[0]! + first * step[0]!, start[1]!],
          step,
          count: [Math.min(rows, height - first), width],
        });
      }
    },
  };
}
