/** Values and exact derivatives at any coordinates, without decoding: `evaluate.ts found.functa`. */
import { readFile } from 'node:fs/promises';
import { findModelOf, openEngine, openSession } from 'functa';

const [found = 'models/fashion-mnist/demo.functa'] = process.argv.slice(2);

const bytes = await readFile(found);
const engine = await openEngine();
const session = openSession({ model: await findModelOf(bytes), engine });
const fn = await session.open(bytes);

// Axes in array order: rows first. Sample i of an axis stands at i + 0.5; between samples it is a function, too.
const points = [
  [13.5, 13.5],
  [13.75, 13.5],
  [14, 13.5],
];
const values = await fn.evaluate(points.flat());
const slopes = await fn.derivative(points.flat());
const axes = fn.shape.length;
for (const [p, point] of points.entries()) {
  const gradient = slopes.subarray(p * fn.channels * axes, p * fn.channels * axes + axes);
  console.log(
    `f(${point.join(', ')}) = ${values[p * fn.channels]!.toFixed(4)}, gradient ${[...gradient].map((d) => d.toFixed(4)).join(', ')}`,
  );
}
await engine.close();
