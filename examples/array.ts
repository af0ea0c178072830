/** An array of one's own as a signal. */
import { loadModel, openEngine, openSession, type Signal } from 'functa';

const model = await loadModel('fashion-mnist');
const [height = 28, width = 28] = model.card.shape;

// [points, channels], row-major; this model takes values in [0, 1].
const values = Float32Array.from({ length: height * width }, (_, i) => {
  const [y, x] = [Math.floor(i / width) / height - 0.5, (i % width) / width - 0.5];
  return Math.exp(-12 * (x * x + 2 * y * y));
});
const signal: Signal = { id: 'bump', shape: [height, width], channels: 1, values };

const engine = await openEngine();
const session = openSession({ model, engine });
const { bytes } = await session.encode(signal, { target: { psnrDb: 30 } });
const { values: decoded } = await session.decode(bytes);
const worst = values.reduce((most, value, i) => Math.max(most, Math.abs(value - decoded[i]!)), 0);
console.log(
  `${4 * values.length} bytes as floats, ${bytes.length} as a function, at most ${worst.toFixed(3)} off`,
);
await engine.close();
