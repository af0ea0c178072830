/** A model and its prior, learnt from arrays of one's own: curves of 64 samples, here. */
import {
  datasetOf,
  loadModel,
  openEngine,
  openSession,
  shapeOfData,
  systemRecipe,
  trainModel,
  trainPrior,
  withSteps,
} from 'functa';

const [out = 'curves.safetensors', steps = '300'] = process.argv.slice(2);

const size = 64;
const curves = Array.from({ length: 200 }, (_, i) => ({
  id: `curve-${i}`,
  shape: [size],
  channels: 1,
  values: Float32Array.from({ length: size }, (_, t) => 0.5 + 0.4 * Math.sin(t / (3 + (i % 17)) + i)),
}));
const data = datasetOf(curves.slice(20), { name: 'curves' });
const validation = datasetOf(curves.slice(0, 20), { name: 'curves' });

const engine = await openEngine();
const recipe = withSteps(systemRecipe('spatial', await shapeOfData(data, 'all')), Number(steps));
await trainModel({ data, validation, recipe, engine, out, replace: true });
await trainPrior({ data, engine, modelPath: out, kinds: ['histogram', 'factorized'], replace: true });

const session = openSession({ model: await loadModel(out), engine });
const { bytes, psnrDb } = await session.encode(curves[0]!, { quality: 50 });
console.log(`a curve it never saw: ${bytes.length} bytes (${4 * size} as floats), ${psnrDb.toFixed(1)} dB`);
await engine.close();
