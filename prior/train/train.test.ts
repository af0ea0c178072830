import { describe, expect, test } from 'vitest';
import { log2, logistic } from '../../src/core/detmath.ts';
import { Rng } from '../../src/core/rng.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { openTensorFlow } from '../../src/engine/tfjs/backend.ts';
import { type ModulationLayout, modulationLayout } from '../../src/field/layout.ts';
import type { FieldSpec } from '../../src/field/spec.ts';
import { readAutoregressive } from '../autoregressive.ts';
import { type FloatLevelNetwork, predict } from '../autoregressive-export.ts';
import { bankShapes, makeBank, shapeNames } from '../bank.ts';
import { defaultRecipe, LevelContext } from '../context.ts';
import { CostMeter } from '../cost.ts';
import { quantise, stepsAt } from '../quantiser.ts';
import { type AutoregressiveOptions, trainAutoregressive } from './autoregressive.ts';
import { arraySource, type CheckpointPlace, type PriorTrainingEvent, trainPriors } from './index.ts';
import { createLevelNet } from './level-net.ts';
import { levelRows } from './rows.ts';

const spec: FieldSpec = {
  axes: 2,
  outputs: 3,
  width: 8,
  layers: 1,
  w0: 10,
  features: { global: false, local: true, harmonics: 0 },
  levels: [
    { cell: null, channels: 3, interpolation: 'linear' },
    { cell: [4, 4], channels: 4, interpolation: 'linear' },
  ],
};
const channels = 7;
const layout = modulationLayout(spec, [32, 32]);
const steps = new Float32Array(channels).fill(0.25);
const recipe = defaultRecipe(2);

/** Deviation of what is new at a cell: its channels and neighbours say the rest. */
const noise = (channel: number) => 0.25 * (1 + (channel % 2));

/** A field in which every value follows from its west and north neighbours and the channel before, plus noise. */
function correlated(rng: Rng): Float32Array {
  const modulation = new Float32Array(layout.length);
  let at = 0;
  for (const { cells, channels: n } of layout.levels) {
    const [rows, columns] = cells as [number, number];
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++) {
        for (let c = 0; c < n; c++, at++) {
          const west = x > 0 ? modulation[at - n]! : 0;
          const north = y > 0 ? modulation[at - columns * n]! : 0;
          const before = c > 0 ? modulation[at - 1]! : 0;
          modulation[at] = 0.45 * west + 0.45 * north + 0.3 * before + noise(c) * rng.normal();
        }
      }
    }
  }
  return modulation;
}

const source = (count: number) => {
  const rng = new Rng(5);
  return arraySource(
    Array.from({ length: count }, () => correlated(rng)),
    layout,
  );
};

/** Mean bits of a symbol that quantised normal noise needs at fine steps: the differential entropy less log2 of the step. */
function noiseBits(step: number): number {
  let bits = 0;
  for (const { cells, channels: n } of layout.levels) {
    const count = cells[0]! * cells[1]!;
    for (let c = 0; c < n; c++) bits += count * log2((noise(c) / step) * Math.sqrt(2 * Math.PI * Math.E));
  }
  return bits / layout.length;
}

/** Bits of the symbols under the float networks, by the exact densities. */
function floatBits(
  nets: readonly FloatLevelNetwork[],
  quality: number,
  symbols: Int32Array,
  of: ModulationLayout,
): number {
  let bits = 0;
  nets.forEach((net, level) => {
    const context = new LevelContext(recipe, of, level);
    const values = new Int32Array(context.inputs);
    for (let cell = 0; cell < context.cells; cell++) {
      context.gather(cell, quality, symbols, values);
      const at = context.start + cell * net.channels;
      const own = symbols.subarray(at, at + net.channels);
      const { mean, log2Scale } = predict(net, values, own);
      own.forEach((k, c) => {
        const s = 2 ** Math.min(14, Math.max(-4, log2Scale[c]!));
        let mass = 2 ** -24;
        for (const part of bankShapes[shapeNames[net.shapes[c]!]!]) {
          const t = (x: number) => (x - mean[c]! - part.mean * s) / (part.scale * s);
          const [low, high] = t(k) > 0 ? [-t(k + 0.5), -t(k - 0.5)] : [t(k - 0.5), t(k + 0.5)];
          mass += part.weight * (logistic(high) - logistic(low));
        }
        bits -= log2(mass);
      });
    }
  });
  return bits;
}

describe('training of priors', () => {
  test('on correlated data the context model comes within 4 % of what the noise asks, and 20 % below the factorized prior', async () => {
    const events: PriorTrainingEvent[] = [];
    const { tensors, figures } = await trainPriors({
      modulations: source(400),
      spec,
      steps,
      trainingSteps: 500,
      batch: 1024,
      hidden: [16],
      rate: 5e-3,
      onEvent: (event) => events.push(event),
    });
    const bits = (kind: string, quality: number) =>
      figures.find((figure) => figure.kind === kind && figure.quality === quality)!.bitsPerSymbol;
    expect(bits('factorized', 50)).toBeLessThan(bits('histogram', 50));
    expect(bits('autoregressive', 50)).toBeLessThan(0.8 * bits('factorized', 50));
    // At quality 70 steps are a quarter of those at 50: fine beside the noise.
    expect(bits('autoregressive', 70)).toBeLessThan(1.04 * noiseBits(0.0625));
    expect([...tensors.keys()].every((name) => name.startsWith('prior.'))).toBe(true);
    expect(new Set(events.map(({ type }) => type))).toEqual(
      new Set(['counting', 'backend', 'step', 'figure']),
    );
  });

  test('the integer tables cost within 0.5 % of the float networks they were made from', async () => {
    const { tf } = await openTensorFlow();
    const data = source(200);
    const { tensors, networks } = await trainAutoregressive(tf, small(data, 180, 200));
    const prior = readAutoregressive(new Map<string, Tensor>([...makeBank(), ...tensors]), spec);
    for (const quality of [20, 50, 80]) {
      const meter = new CostMeter();
      let float = 0;
      for (let i = 180; i < 200; i++) {
        const { modulation } = await data.at(i);
        const symbols = quantise(layout, modulation, stepsAt(steps, quality));
        float += floatBits(networks, quality, symbols, layout);
        prior.walk(layout, quality, symbols, meter);
      }
      expect(meter.bitCount / float).toBeGreaterThan(0.995);
      expect(meter.bitCount / float).toBeLessThan(1.005);
    }
  });

  test('the loss is the bits of the network that is exported', async () => {
    const { tf } = await openTensorFlow();
    const rng = new Rng(3);
    const quality = 60;
    const modulation = correlated(rng);
    const symbols = quantise(layout, modulation, stepsAt(steps, quality));
    let loss = 0;
    const nets = [0, 1].map((level) => {
      const context = new LevelContext(recipe, layout, level);
      const size = { channels: context.channels, inputs: context.inputs, auxiliary: context.auxiliary };
      const net = createLevelNet(
        tf,
        size,
        [8, 6],
        { log2Scales: new Array<number>(size.channels).fill(1) },
        rng,
      );
      // Every weight counts: none stays at its start.
      for (const variable of net.variables)
        variable.assign(tf.add(variable, tf.randomNormal(variable.shape, 0, 0.02, 'float32', 7)));
      const shapes = Uint8Array.from({ length: size.channels }, (_, c) => c % 4);
      const bits = tf.tidy(
        () =>
          tf
            .sum(net.bits(levelRows(recipe, level, [{ layout, quality, symbols }], 1e9), shapes))
            .dataSync()[0]!,
      );
      loss += bits;
      const exported = net.export(shapes);
      net.dispose();
      return exported;
    });
    expect(loss / floatBits(nets, quality, symbols, layout)).toBeCloseTo(1, 4);
  });

  test('a run that was stopped and resumed gives the tensors of one that was not, at any number of threads', async () => {
    const data = source(60);
    const run = async (threads: number, options: Partial<AutoregressiveOptions> = {}) => {
      const { tf } = await openTensorFlow({ backend: 'functa', threads });
      const before = tf.memory().numTensors;
      try {
        return [...(await trainAutoregressive(tf, { ...small(data, 55, 40), ...options })).tensors];
      } finally {
        expect(tf.memory().numTensors).toBe(before);
      }
    };
    const whole = await run(2);
    expect(await run(1)).toEqual(whole);
    const place = memoryPlace(4);
    for (let stop = 0; stop < 3; stop++) {
      // Each round asks for 64 modulations to start and 32 a step: it ends within its tenth.
      const control = new AbortController();
      let asked = 0;
      const counted = {
        ...data,
        at: (index: number) => {
          if (++asked > 64 + 9 * 32) control.abort();
          return data.at(index);
        },
      };
      const stopped = run(2, { checkpoint: place, signal: control.signal, source: counted });
      await expect(stopped).rejects.toMatchObject({ code: 'aborted' });
    }
    expect(await run(2, { checkpoint: place })).toEqual(whole);
    await expect(run(2, { checkpoint: place, seed: 9 })).rejects.toMatchObject({ code: 'other-run' });
  });

  test('one, two and three axes, one channel, no hidden layers, signals of several sizes', async () => {
    for (const axes of [1, 2, 3]) {
      const thin: FieldSpec = {
        ...spec,
        axes,
        levels: [
          { cell: null, channels: 1, interpolation: 'linear' },
          { cell: new Array<number>(axes).fill(4), channels: 1, interpolation: 'linear' },
        ],
      };
      const rng = new Rng(axes);
      const layouts = [7, 12, 20].map((n) => modulationLayout(thin, new Array<number>(axes).fill(n)));
      const { tensors, figures } = await trainPriors({
        modulations: {
          length: 30,
          at: (i) => {
            const of = layouts[i % 3]!;
            return {
              layout: of,
              modulation: Float32Array.from({ length: of.length }, () => rng.at(i).normal()),
            };
          },
        },
        spec: thin,
        steps: Float32Array.of(0.5, 0.5),
        trainingSteps: 5,
        batch: 64,
        hidden: [],
      });
      expect(figures).toHaveLength(9);
      expect(readAutoregressive(tensors, thin).multiplyAddsPerSymbol).toBeGreaterThan(0);
    }
  });

  test('settings and data that do not fit are refused in a line', async () => {
    const few = { modulations: source(1), spec, steps };
    await expect(trainPriors(few)).rejects.toMatchObject({ code: 'too-few-modulations' });
    const some = { ...few, modulations: source(4) };
    await expect(trainPriors({ ...some, steps: steps.subarray(1) })).rejects.toMatchObject({
      code: 'prior-training',
    });
    await expect(trainPriors({ ...some, trainingSteps: 0 })).rejects.toMatchObject({
      code: 'prior-training',
    });
    await expect(trainPriors({ ...some, kinds: ['oracle' as never] })).rejects.toMatchObject({
      code: 'prior-kind',
    });
    expect(() => arraySource([new Float32Array(3)], layout)).toThrow(/layout/);
  });
});

function small(
  data: ReturnType<typeof source>,
  training: number,
  trainingSteps: number,
): AutoregressiveOptions {
  return {
    source: data,
    training,
    steps,
    recipe,
    hidden: [8],
    trainingSteps,
    batch: 256,
    rate: 5e-3,
    seed: 1,
  };
}

function memoryPlace(every: number): CheckpointPlace {
  let kept: Uint8Array | undefined;
  return {
    every,
    load: async () => kept,
    save: async (bytes) => {
      kept = bytes.slice();
    },
  };
}
