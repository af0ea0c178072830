import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { RunningServer } from '../../server/index.ts';
import { encodingClass } from '../../server/work/cost.ts';
import { defaultLimits } from '../../src/core/limits.ts';
import { readImage } from '../../src/formats/image.ts';
import { checkEncodable, encodingWork } from '../../src/session/cost.ts';
import { png, prepare, type Serving } from './serving.ts';

let serving: Serving;
let server: RunningServer;

// Threads start slowly on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

beforeAll(async () => {
  serving = await prepare();
  server = await serving.start({ limits: { maxMultiplyAdds: 2 ** 34 } });
}, 120_000);

afterAll(() => serving.stop());

const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

it('a picture that is too much work is refused by its header, in no time', async () => {
  const large = await png(4000, 4000);
  const send = () =>
    fetch(`${server.url}/v1/models/tiny/encode`, {
      method: 'POST',
      body: large as unknown as string,
      headers: { 'content-type': 'image/png' },
    });
  await send();
  const before = cpuSeconds();
  const response = await send();
  expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
    413,
    'limit-multiply-adds',
  ]);
  const spent = cpuSeconds() - before;
  // What decoding it takes, which was done before the limits were looked at.
  const started = cpuSeconds();
  await readImage(large, { channels: 1 });
  expect(spent).toBeLessThan(Math.max(0.05, (cpuSeconds() - started) / 2));
});

it('the header is asked before a pixel is decoded, and a signal in memory by the same rule', async () => {
  const { card } = serving.model;
  const limits = { ...defaultLimits, maxMultiplyAdds: encodingWork(card, [96, 96], 5) };
  checkEncodable(card, [96, 96], { id: 'x', effort: 5, limits });
  expect(() => checkEncodable(card, [96, 97], { id: 'x', effort: 5, limits })).toThrow(
    expect.objectContaining({ code: 'limit-multiply-adds' }),
  );
  const asked: (readonly number[])[] = [];
  const cut = (await png(64, 32)).subarray(0, 200);
  const reading = readImage(cut, {
    onShape: (shape) => {
      asked.push(shape);
      throw new Error('enough');
    },
  });
  await expect(reading).rejects.toThrow('enough');
  expect(asked).toEqual([[32, 64]]);
});

it('a small picture at little effort is small work, a large one or much effort large', async () => {
  const { card } = serving.model;
  const model = { card } as Parameters<typeof encodingClass>[0];
  const classes = await Promise.all([
    encodingClass(model, await png(), {}, defaultLimits),
    encodingClass(model, await png(1500, 1500), {}, defaultLimits),
    encodingClass(model, await png(200, 200), { effort: 9 }, defaultLimits),
    encodingClass(model, Uint8Array.of(1, 2, 3), {}, defaultLimits),
  ]);
  expect(classes).toEqual(['small', 'large', 'large', 'small']);
});
