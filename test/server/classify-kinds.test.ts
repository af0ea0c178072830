/** Classification over HTTP of what is no picture, in the formats that such signals come in. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { FunctaClient } from '../../server/index.ts';
import { trainClassifier } from '../../src/classify/index.ts';
import { openEngine } from '../../src/engine/index.ts';
import { signalChunks } from '../../src/formats/formats.ts';
import { createFunctaset } from '../../src/library/index.ts';
import { signalRows } from '../../src/signal/rows.ts';
import type { Signal } from '../../src/signal/signal.ts';
import { compiled } from '../compiled.ts';
import { kinds, modelOfKind, pathOfKind } from '../kinds.ts';
import { temporary } from '../temporary.ts';
import { monitorBusy } from './busy.ts';
import { checkTurns, startWatched } from './serving.ts';

vi.setConfig({ testTimeout: 120_000 });

const monitor = monitorBusy();
afterAll(() => checkTurns(monitor));

interface Item {
  readonly id: string;
  readonly label: string;
  readonly guesses: readonly { readonly label: string | number }[];
}

it.each([
  ['sound', 'wav'],
  ['map', 'netcdf'],
] as const)(
  'a %s is told as %s by the classifier of its model, and so are its functions',
  async (name, format) => {
    process.env.FUNCTA_COMPILED = compiled();
    const directory = temporary();
    const models = join(directory, 'models');
    mkdirSync(models);
    copyFileSync(pathOfKind(name), join(models, `${name}.safetensors`));
    const [model, kind] = [modelOfKind(name), kinds[name]];
    const { low, peak } = kind.outputs[0]!;
    // of the one label values lie low, of the other high
    const signals = Array.from({ length: 16 }, (_, i): Signal => {
      const signal = kind.signal(i);
      const middle = low + peak * (i % 2 === 0 ? 0.3 : 0.7);
      const values = signal.values.map((v) => middle + (v - low - peak / 2) / 8);
      return { ...signal, values, label: i % 2 === 0 ? 'low' : 'high' };
    });
    const engine = await openEngine('native', { threads: 1 });
    const functaset = join(directory, 'kept');
    const store = await createFunctaset(functaset, { model, engine });
    await store.add(signals);
    await store.close();
    await trainClassifier({
      ...{ model, engine, functaset, validation: functaset, probe: 'linear' },
      recipe: { learning: { epochs: 30, batch: 4, rate: 0.01 } },
      out: join(models, 'classifier.safetensors'),
    });
    const server = await startWatched(monitor, {
      port: 0,
      modelsDir: models,
      functasets: [functaset],
      engine,
      log: () => {},
    });
    try {
      const client = new FunctaClient(server.url);
      const asked = await fetch(`${server.url}/v1/functasets/kept/classify`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ top: 1 }),
      });
      const { items } = (await asked.json()) as { items: Item[] };
      const right = items.filter(({ label, guesses }) => guesses[0]!.label === label).length;
      expect(right).toBeGreaterThan(13);
      for (const signal of signals.slice(0, 2)) {
        const pieces: Uint8Array[] = [];
        for await (const piece of signalChunks(
          signalRows({ ...signal, axes: kind.axes }),
          format,
          kind.outputs,
        ))
          pieces.push(piece);
        const [found] = await client.classify(name, new Uint8Array(Buffer.concat(pieces)), { top: 1 });
        expect(found!.guesses[0]!.label).toBe(items.find(({ id }) => id === signal.id)!.guesses[0]!.label);
      }
    } finally {
      await server.close();
      await engine.close();
    }
  },
);
