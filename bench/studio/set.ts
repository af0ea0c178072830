/**
 * A functaset of very many functions, for the map: each a garment of the demo set and noise along every number, coded as an encode codes it.
 *
 *   node --import tsx bench/studio/set.ts DIRECTORY [100000]
 */
import { dequantise, quantise } from '../../prior/quantiser.ts';
import { Rng } from '../../src/core/rng.ts';
import { modulationLayout } from '../../src/field/layout.ts';
import { openFunctaset, type StoredFunction } from '../../src/functaset/index.ts';
import { demoFunctasets } from '../../src/jobs/index.ts';
import { loadModel } from '../../src/models/index.ts';
import { bestPrior } from '../../src/models/priors.ts';
import { code, stepsOf } from '../../src/session/coding.ts';
import { openFunctions } from '../../src/session/functions.ts';
import { networkOf } from '../../src/session/store.ts';

const [directory, count = '100000'] = process.argv.slice(2);
if (directory === undefined) throw new Error('give a directory for the functaset');
const perWrite = 5000;
/** Of a step of the quantiser. */
const noise = 0.5;

const model = await loadModel('fashion-mnist');
const engine = {} as Parameters<typeof openFunctions>[0]['engine'];
const demo = (await demoFunctasets({}))['fashion-mnist-demo']!;
const from = await openFunctaset(demo, { readOnly: true });
const real = await openFunctions({ model, engine }, [...from.iterate()]);
const to = await openFunctaset(directory, { network: networkOf(model) });
const rng = new Rng(0);
const { shape } = model.card;
const prior = bestPrior(model);
const layout = modulationLayout(model.card.spec, shape);
const began = performance.now();
for (let at = 0; at < Number(count); at += perWrite) {
  const fns: StoredFunction[] = [];
  for (let i = at; i < Math.min(Number(count), at + perWrite); i++) {
    const fn = real[Math.floor(rng.uniform() * real.length)]!;
    if ('samples' in fn) continue;
    const steps = stepsOf(model, fn.quality);
    const symbols = quantise(layout, fn.modulation, steps);
    for (let j = 0; j < symbols.length; j++)
      if (symbols[j] !== 0) symbols[j]! += Math.round(noise * rng.normal());
    const modulation = dequantise(layout, Int32Array.from(symbols), steps);
    const { bytes, estimatedBits } = code(model, {
      modulation,
      shape,
      quality: fn.quality,
      prior,
    });
    fns.push({
      id: `garment-${String(i).padStart(6, '0')}`,
      ...(fn.label === undefined ? {} : { label: fn.label }),
      ...{ shape, psnrDb: fn.psnrDb, bits: estimatedBits, content: { kind: 'file', bytes } },
    });
  }
  await to.putMany(fns);
  const seconds = (performance.now() - began) / 1000;
  console.log(`${to.count} functions, ${seconds.toFixed(0)} s`);
}
await to.close();
await from.close();
