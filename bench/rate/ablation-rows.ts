/** What every step of coding brings: the same network and pictures, coded with one thing more a row. */
import { encodeFile, openArchive } from '../../codec/index.ts';
import { coinppBits, dequantiseCoinpp, fitCoinpp, quantiseCoinpp } from '../../prior/coinpp.ts';
import { defaultRecipe } from '../../prior/context.ts';
import type { PriorKind } from '../../prior/kinds.ts';
import { readPrior } from '../../prior/registry.ts';
import { arraySource, type PriorTrainingOptions, trainPriors } from '../../prior/train/index.ts';
import { defaultLimits } from '../../src/core/limits.ts';
import { Rng } from '../../src/core/rng.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { mse, psnrDb } from '../../src/core/units.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { atQuality } from '../../src/field/at-quality.ts';
import { coveringGrid } from '../../src/field/coordinates.ts';
import { modulationLayout } from '../../src/field/layout.ts';
import { type Model, readModel, writeModel } from '../../src/field/model.ts';
import { gridCells, pointCount } from '../../src/field/spec.ts';
import { fitSignals, rateOf } from '../../src/fit/fit.ts';
import { batchOf, gramDiagonal, roundBatch } from '../../src/fit/index.ts';
import { priceWith } from '../../src/fit/price.ts';
import { bestPrior } from '../../src/models/index.ts';
import { archiveOf } from '../../src/session/coding.ts';
import { openSession } from '../../src/session/index.ts';
import type { Signal } from '../../src/signal/signal.ts';
import { toSignalValues } from '../../src/signal/values.ts';
import { archiveBits } from './archive.ts';
import { type Curve, mean, type Point, pointOf } from './curve.ts';
import type { Pictures } from './pictures.ts';

export interface AblationOptions {
  readonly model: Model;
  readonly engine: Engine;
  readonly pictures: Pictures;
  /** Signals of the training split that tables are counted on. */
  readonly training: readonly Signal[];
  readonly qualities: readonly number[];
  /** Above 1. */
  readonly efforts: readonly number[];
  /** Steps of Adam for the context models that are trained here; 0 leaves their rows out. */
  readonly priorSteps: number;
  readonly say: (line: string) => void;
}

const batch = 32;
/** Turns of choosing symbols in the row that does nothing else. */
const chooseTurns = 8;

/** In order; every row changes one thing of the row before. Those before the model's own prior use the network of quality 50. */
export async function* ablationRows(given: AblationOptions): AsyncGenerator<Curve> {
  const { engine, training, priorSteps, efforts } = given;
  const model: Model = { ...given.model, slopes: undefined };
  const options = { ...given, model };
  const fitted = await fitAll(options, training);
  yield await publishedCoder(options, fitted);

  const steps = await otherSteps(model, engine, fitted);
  const even = await withPriors(model, steps.even, fitted);
  yield await row(
    options,
    'one histogram',
    'one step and one pooled histogram for all channels',
    even,
    'histogram',
  );
  yield await row(options, 'per channel', 'one step, a table for every channel', even, 'factorized');

  const metric = await withPriors(model, steps.metric, fitted);
  yield await row(
    options,
    'metric-aware steps',
    'steps equal in the metric of the Gram diagonal',
    metric,
    'factorized',
  );
  const learnt = await withPriors(model, model.steps, fitted);
  yield await row(options, 'learnt steps', 'steps learnt with the network', learnt, 'factorized');

  if (priorSteps > 0) {
    const { axes } = model.card.spec;
    const position = !model.card.anySize;
    const near = { ...defaultRecipe(axes, false), parents: [] };
    const long = `${priorSteps} steps on ${training.length} signals`;
    const context = await withContexts(options, fitted, near);
    yield await row(options, 'context', `neighbours and channels before; ${long}`, context, 'autoregressive');
    const conditioned = await withContexts(options, fitted, defaultRecipe(axes, position));
    const more = position ? 'coarser levels and place, too' : 'coarser levels, too';
    yield await row(options, 'conditioning', `${more}; ${long}`, conditioned, 'autoregressive');
  }
  const whole = given.model;
  const own = bestPrior(whole);
  const changing = whole.slopes === undefined ? '' : ', and the network of each quality';
  const longer = `its own ${own} prior, trained longer and on more${changing}`;
  yield await row(given, "the model's prior", longer, whole, own);
  const chosen = await chosenRow(given, own);
  if (chosen !== undefined) yield chosen;
  for (const effort of efforts) {
    const source = 'longer refining before symbols are chosen';
    yield await row(given, `effort ${effort}`, source, whole, own, effort);
  }
}

/** Modulations [m] of effort 1. */
async function fitAll(
  { model, engine, say }: AblationOptions,
  signals: readonly Signal[],
  quality = 50,
): Promise<Float32Array[]> {
  say(`adapting ${signals.length} signals`);
  const all: Float32Array[] = [];
  for (let i = 0; i < signals.length; i += batch) {
    const request = { quality, effort: 1 };
    const fitted = await fitSignals(model, engine, signals.slice(i, i + batch), request);
    all.push(...fitted.map(({ modulation }) => modulation));
  }
  return all;
}

/** A curve through a session: real archives. */
async function row(
  { engine, pictures, qualities, say }: AblationOptions,
  name: string,
  source: string,
  model: Model,
  prior: PriorKind,
  effort = 1,
): Promise<Curve> {
  const session = openSession({ model, engine });
  const points: Point[] = [];
  for (const quality of qualities) {
    say(`${name}: quality ${quality}`);
    const { items, archive } = await session.encodeMany(pictures.signals, { quality, effort, prior, batch });
    const opened = openArchive(model, archive, defaultLimits);
    const bitsPerPixel = archiveBits(archive.length, pictures.pictures, (i) => opened.byteLength(i));
    const encodeMs = mean(items.map(({ seconds }) => 1000 * seconds));
    points.push(
      pointOf(`quality ${quality}`, { bitsPerPixel, psnrDb: items.map((item) => item.psnrDb) }, { encodeMs }),
    );
  }
  return { name, kind: 'same program', form: 'archive', source, points };
}

/** Symbols chosen with bits in mind, modulations as the learnt steps left them; `undefined` for models that price no symbols. */
async function chosenRow(options: AblationOptions, prior: PriorKind): Promise<Curve | undefined> {
  const { model, engine, pictures, qualities, say } = options;
  const { card } = model;
  const costs = readPrior(model, prior);
  const session = openSession({ model, engine });
  const points: Point[] = [];
  for (const quality of qualities) {
    say(`chosen symbols: quality ${quality}`);
    const own = atQuality(model, quality);
    const fitted = await fitAll(options, pictures.signals, quality);
    const items: { symbols: Int32Array; shape: readonly number[] }[] = [];
    const psnr: number[] = [];
    const started = performance.now();
    for (let i = 0; i < fitted.length; i += batch) {
      const signals = pictures.signals.slice(i, i + batch);
      const group = batchOf(signals, card.spec.outputs, card.outputs);
      const rate = rateOf(own, group, quality);
      if (rate === undefined) return undefined;
      const modulations = joined(fitted.slice(i, i + batch));
      const layout = modulationLayout(card.spec, group.shape);
      const price = (symbols: Int32Array) => priceWith(costs, layout, quality, symbols);
      const { symbols } = await roundBatch(engine, own.network, group, modulations, {
        ...{ rate, turns: chooseTurns, price },
      });
      const length = symbols.length / signals.length;
      signals.forEach(({ shape }, s) => {
        items.push({ symbols: symbols.slice(s * length, (s + 1) * length), shape });
      });
    }
    const encodeMs = (performance.now() - started) / items.length;
    const files = items.map(({ symbols, shape }) => encodeFile(model, symbols, shape, quality, prior));
    const archive = archiveOf(
      model,
      files.map((bytes) => ({ bytes })),
    );
    for (const [i, file] of files.entries()) {
      const { values } = await session.decode(file);
      psnr.push(psnrDb(mse(values, pictures.signals[i]!.values)));
    }
    const opened = openArchive(model, archive, defaultLimits);
    const bitsPerPixel = archiveBits(archive.length, pictures.pictures, (i) => opened.byteLength(i));
    points.push(pointOf(`quality ${quality}`, { bitsPerPixel, psnrDb: psnr }, { encodeMs }));
  }
  const source = `symbols chosen for error and the prior's costs, ${chooseTurns} turns; modulations as before`;
  return { name: 'RDOQ', kind: 'same program', form: 'archive', source, points };
}

/** COIN++'s quantiser and rate on our modulations: an estimate, as published; there is no bitstream. */
async function publishedCoder(options: AblationOptions, training: readonly Float32Array[]): Promise<Curve> {
  const { model, engine, pictures, say } = options;
  const { card, network } = model;
  const fitted = await fitAll(options, pictures.signals);
  const points: Point[] = [];
  for (const bits of [2, 3, 4, 5, 6, 7, 8]) {
    say(`COIN++'s quantiser: ${bits} bits`);
    const coder = fitCoinpp(training, bits);
    const items = { bitsPerPixel: [] as number[], psnrDb: [] as number[] };
    for (const [i, { shape, values }] of pictures.signals.entries()) {
      const symbols = quantiseCoinpp(coder, fitted[i]!);
      const grid = coveringGrid(shape);
      const field = await engine.evaluate(network, shape, dequantiseCoinpp(coder, symbols), grid);
      const samples = toSignalValues(card, field, false);
      items.bitsPerPixel.push(coinppBits(coder, symbols) / pointCount(shape));
      items.psnrDb.push(psnrDb(mse(samples, values)));
    }
    points.push(pointOf(`${bits} bits`, items));
  }
  const source =
    'one mean and deviation, clipped at 3 deviations, one pooled histogram: an estimate, no bitstream';
  return { name: "COIN++'s quantiser", kind: 'same program', form: 'published', source, points };
}

/** One step for all channels, and steps under which rounding errors of all channels weigh the same. */
async function otherSteps(
  { card, network, steps }: Model,
  engine: Engine,
  training: readonly Float32Array[],
): Promise<{ even: Float32Array; metric: Float32Array }> {
  const gram = await gramDiagonal(engine, network, card.shape, joined(training.slice(0, batch)), new Rng(0));
  const most = gram.reduce((a, b) => Math.max(a, b), 0);
  const cells = Float64Array.from(
    card.spec.levels.flatMap((level) =>
      new Array<number>(level.channels).fill(pointCount(gridCells(level, card.shape))),
    ),
  );
  // So scaled that rounding at a quality does about the same damage whatever the steps.
  const damage = (list: Float32Array) =>
    list.reduce((sum, step, c) => sum + cells[c]! * gram[c]! * step * step, 0);
  const scaled = (list: Float32Array) => {
    const scale = Math.sqrt(damage(steps) / damage(list));
    return list.map((step) => step * scale);
  };
  return {
    even: scaled(steps.map(() => 1)),
    metric: scaled(Float32Array.from(gram, (g) => 1 / Math.sqrt(Math.max(g, 1e-6 * most)))),
  };
}

/** The model with these steps, and tables counted on these modulations. */
function withPriors(model: Model, steps: Float32Array, training: readonly Float32Array[]): Promise<Model> {
  return retrained(model, steps, training, { kinds: ['histogram', 'factorized'] });
}

function withContexts(
  { model, priorSteps, say, engine }: AblationOptions,
  training: readonly Float32Array[],
  recipe: ReturnType<typeof defaultRecipe>,
): Promise<Model> {
  return retrained(model, model.steps, training, {
    kinds: ['autoregressive'],
    recipe,
    trainingSteps: priorSteps,
    threads: engine.threads,
    onEvent: (event) => {
      if (event.type === 'step' && event.step % 100 === 0)
        say(`context model: step ${event.step} of ${event.steps}`);
    },
  });
}

async function retrained(
  { card, network, tensors: own }: Model,
  steps: Float32Array,
  training: readonly Float32Array[],
  options: Omit<PriorTrainingOptions, 'modulations' | 'spec' | 'steps'>,
): Promise<Model> {
  const layout = modulationLayout(card.spec, card.shape);
  const modulations = arraySource(training, layout);
  const trained = await trainPriors({ ...options, modulations, spec: card.spec, steps });
  const kept = [...own].filter(([name]) => !name.startsWith('prior.'));
  const tensors = new Map<string, Tensor>([...kept, ...trained.tensors]);
  return readModel(writeModel({ card, network, steps, tensors }));
}

function joined(modulations: readonly Float32Array[]): Float32Array {
  const length = modulations[0]!.length;
  const all = new Float32Array(length * modulations.length);
  modulations.forEach((modulation, i) => {
    all.set(modulation, i * length);
  });
  return all;
}
