/** The benchmark itself: curves of all sides on the same pictures, and their comparison. */
import type { PriorKind } from '../../prior/kinds.ts';
import { withLimits } from '../../src/core/limits.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { openMultiply } from '../../src/engine/tfjs/multiply.ts';
import { loadModel } from '../../src/models/index.ts';
import { openSession } from '../../src/session/index.ts';
import { coinCurve, coinSizes } from './coin.ts';
import { type Comparison, compare } from './comparison.ts';
import type { Curve } from './curve.ts';
import { equalBytesName } from './equal-bytes.ts';
import type { RateOptions } from './options.ts';
import { formFor, ourCurves } from './ours.ts';
import { fitPca, pcaCurve } from './pca.ts';
import { peerCurves } from './peer.ts';
import { avif, jpeg, webp } from './peers-sharp.ts';
import { openTools } from './peers-tools.ts';
import { type Pictures, readPictures } from './pictures.ts';
import { publishedCurves } from './published.ts';
import type { RateResult } from './result.ts';
import { directoryStore, noStore } from './result-store.ts';
import { type Setting, withoutDirectory } from './setting.ts';
import { steps, targetsOf } from './targets.ts';

/** Large pictures at high effort are no attack here. */
const limits = withLimits({ maxMultiplyAdds: Number.MAX_SAFE_INTEGER });
/** Times that pictures are drawn anew for the error of a difference. */
const resamples = 200;
/** Qualities of PCA: steps from 0.8 to 0.018 of the range of samples. */
const pcaQualities = [30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85];

/** `say` is told what is being done. */
export async function runRate(
  options: RateOptions,
  engine: Engine,
  say: (line: string) => void,
): Promise<Omit<RateResult, keyof Setting>> {
  const started = performance.now();
  const model = await loadModel(options.model);
  const { data: dataset, split, limit, effort, range } = options;
  const alpha = model.card.spec.outputs === 4;
  const pictures = await readPictures({ dataset, split, limit, alpha });
  const notes: string[] = [];
  const session = openSession({ model, engine, limits });
  const points = pictures.pictures[0]!.width * pictures.pictures[0]!.height;
  const ours = await ourCurves(session, pictures, {
    ...options,
    baselines: options.baselines.filter((name): name is PriorKind & typeof name => isPrior(name)),
    form: formFor(points),
    onSetting: (setting) => say(`functa: ${setting} at effort ${effort}`),
  });
  const published = options.published ? publishedCurves(dataset.replace(/:.*/, '')) : [];
  const curves = [
    ...ours,
    ...(await baselineCurves(options, engine, pictures, alpha, notes, say)),
    ...(await formatCurves(options, pictures, notes, say)),
    ...published,
  ];
  const [main, other] = ours;
  const equal = ours.find(({ name }) => name === equalBytesName);
  const comparison = { range, atDb: steps(range.fromDb, range.toDb), resamples };
  const against = (own: Curve, others: readonly Curve[]): Comparison[] =>
    others.map((curve) => compare(own, curve, comparison)).filter((found) => found !== null);
  const comparisons = against(main!, curves.slice(1));
  return {
    dataset: withoutDirectory(dataset),
    split,
    n: pictures.signals.length,
    effort,
    model: model.card.name,
    modelDigest: model.id.slice(0, 12),
    engine: engine.name,
    threads: engine.threads,
    seconds: (performance.now() - started) / 1000,
    range,
    curves,
    bdRate: Object.fromEntries(comparisons.map(({ against: name, linear }) => [name, linear])),
    comparisons,
    comparisonsOfEqualBytes: equal === undefined ? [] : against(equal, published),
    comparisonsOfOtherForm: against(
      other!,
      curves.filter(({ kind }) => kind === 'peer' || kind === 'published'),
    ),
    targets: targetsOf({ dataset, effort, curves, comparisons, range }),
    notes,
  };
}

function isPrior(name: string): boolean {
  return name === 'histogram' || name === 'factorized';
}

async function baselineCurves(
  options: RateOptions,
  engine: Engine,
  pictures: Pictures,
  alpha: boolean,
  notes: string[],
  say: (line: string) => void,
): Promise<Curve[]> {
  const curves: Curve[] = [];
  if (options.baselines.includes('pca')) {
    const [first] = pictures.signals;
    if (
      pictures.signals.some(({ shape }) => shape.join() !== first!.shape.join()) ||
      options.data.includes(':')
    ) {
      notes.push('PCA is left out: it is for sets of one size with a training split.');
    } else {
      say('PCA of the training split');
      const { axes, training } = options.pca;
      const multiply = openMultiply(engine.threads);
      const { pictures: all } = await readPictures({
        dataset: options.data,
        split: 'train',
        limit: training,
        alpha,
      });
      const counted = Math.floor(all.length / 4);
      const request = { axes, multiply, qualities: pcaQualities };
      const pca = fitPca(all.slice(counted), request);
      curves.push(pcaCurve(pca, all.slice(0, counted), pictures.pictures, request));
    }
  }
  if (options.baselines.includes('coin')) {
    const { limit, steps } = options.coin;
    const signals = pictures.signals.slice(0, limit);
    const { width, height } = pictures.pictures[0]!;
    curves.push(
      await coinCurve(signals, coinSizes(width * height), {
        engine,
        steps,
        onFit: (size, i) =>
          say(`COIN: ${size.layers} layers of ${size.width}, picture ${i + 1} of ${signals.length}`),
      }),
    );
  }
  return curves;
}

async function formatCurves(
  { peers: keys, range, cache }: RateOptions,
  pictures: Pictures,
  notes: string[],
  say: (line: string) => void,
): Promise<Curve[]> {
  const store = cache === undefined ? noStore : directoryStore(cache);
  const tools = await openTools(keys);
  try {
    const codecs = [jpeg, webp, avif].filter(({ key }) => keys.includes(key));
    for (const tool of tools.peers) {
      if ('codec' in tool) codecs.push(tool.codec);
      else notes.push(tool.absent);
    }
    const curves: Curve[] = [];
    for (const codec of codecs) {
      const onSetting = (setting: string) => say(`${codec.name}: ${setting}`);
      const found = await peerCurves(codec, pictures, { ...range, store, onSetting });
      if (found.length === 0) notes.push(`${codec.name} is left out: it holds no pictures of this kind.`);
      curves.push(...found);
    }
    return curves;
  } finally {
    await tools.close();
  }
}
