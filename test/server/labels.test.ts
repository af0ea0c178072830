import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunningServer } from '../../server/index.ts';
import { openFunctaset } from '../../src/functaset/index.ts';
import { prepare, type Serving } from './serving.ts';

const labels = [7, '7', '007', -0, '1e3', 1000, 0.5, 'shoe'] as const;
let serving: Serving;
let server: RunningServer;

beforeAll(async () => {
  serving = await prepare();
  const store = await openFunctaset(join(serving.directory, 'shoes'));
  const functions = [...store.iterate()];
  for (const [i, fn] of functions.entries()) await store.put({ ...fn, label: labels[i] }, { replace: true });
  await store.close();
  server = await serving.start();
});
afterAll(() => serving.stop());

it.each([
  ['7', 2],
  ['007', 1],
  ['0', 1],
  ['1e3', 1],
  ['1000', 1],
  ['0.5', 1],
  ['shoe', 1],
  ['"7"', 0],
  ['0.50', 0],
])('the label %s has %i functions, on every route', async (label, count) => {
  const at = `${server.url}/v1/functasets/shoes`;
  const page = (await (await fetch(`${at}/functions?label=${encodeURIComponent(label)}`)).json()) as {
    functions: { label: unknown }[];
  };
  expect(page.functions).toHaveLength(count);
  const post = (path: string, body: unknown) =>
    fetch(`${at}/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const found = await post('query', { kind: 'where', filter: { labels: [label] } });
  const mean = await post('combine', { kind: 'mean', label });
  if (count === 0) {
    expect([found.status, mean.status]).toEqual([404, 404]);
    return;
  }
  expect(((await found.json()) as { items: unknown[] }).items).toHaveLength(count);
  expect(mean.status).toBe(200);
  await mean.arrayBuffer();
});
