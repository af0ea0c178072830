/** Values of many functions at given coordinates. */

import { defaultLimits } from '../../src/core/limits.ts';
import { Rng } from '../../src/core/rng.ts';
import { collectAnswer, NearIndexes, parseQuery, runQuery } from '../../src/query/index.ts';
import { type Setting, timesText } from './setting.ts';

export async function measureEvaluate(
  setting: Setting,
  n: number,
  { points, turns }: { readonly points: number; readonly turns: number },
): Promise<void> {
  const { model } = setting;
  const rng = new Rng(0);
  const coordinates = Array.from({ length: points }, () =>
    model.card.shape.map((extent) => extent * rng.uniform()),
  );
  const context = {
    ...setting,
    indexes: new NearIndexes(setting),
    limits: defaultLimits,
    readSignal: () => Promise.reject(new Error('no signal is read here')),
  };
  for (const derivatives of [false, true]) {
    const query = parseQuery({ kind: 'evaluate', coordinates, limit: n, derivatives });
    const times: number[] = [];
    // On a machine that others use, too, the time of the processor is what a build can be held to.
    const busy: number[] = [];
    for (let turn = 0; turn < turns; turn++) {
      const started = performance.now();
      const before = process.cpuUsage();
      const { items } = await collectAnswer(await runQuery(context, query));
      times.push(performance.now() - started);
      const { user, system } = process.cpuUsage(before);
      busy.push((user + system) / 1000);
      if ((items as unknown[]).length !== n) throw new Error('the store holds fewer functions');
    }
    console.log(
      `${n} functions at ${points} points, ${derivatives ? 'with derivatives' : 'values'}: ${timesText(times)}; processor ${timesText(busy)}`,
    );
  }
}
