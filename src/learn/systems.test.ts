import { expect, test } from 'vitest';
import { rounds } from '../../test/rounds.ts';
import { openEngine } from '../engine/index.ts';
import { modulationLength } from '../field/spec.ts';
import { sourceOf } from '../signal/source.ts';
import type { TrainEvent } from './events.ts';
import { presetRecipe } from './presets.ts';
import { withOverrides } from './recipe.ts';
import { type DataShape, systemRecipe, systems, withSteps } from './systems.ts';
import { train } from './trainer.ts';

const withCode = (code: string) => expect.objectContaining({ code });
const garments: DataShape = { shape: [28, 28], outputs: 1, uniform: true };
const photos: DataShape = { shape: [160, 240], outputs: 3, uniform: false };
const clips: DataShape = { shape: [4000], outputs: 1, uniform: true };

test.each(systems)('%s takes its shape, outputs and batch from the data', (system) => {
  const recipe = systemRecipe(system, garments);
  expect(recipe).toMatchObject({ name: system, shape: [28, 28], crops: false, batch: 32 });
  expect(recipe.spec).toMatchObject({ axes: 2, outputs: 1 });
});

test('large or differing signals are learnt from crops, fewer at a time, but for the system that cannot', () => {
  for (const system of ['coinpp', 'spatial', 'pyramid'] as const) {
    expect(systemRecipe(system, photos)).toMatchObject({ shape: [64, 64], crops: true, batch: 8 });
    expect(systemRecipe(system, clips)).toMatchObject({ shape: [64], crops: true, batch: 32 });
  }
  expect(() => systemRecipe('functa', photos)).toThrow(withCode('recipe-data'));
});

test('spatial, whose many channels step together, starts with smaller steps than pyramid', () => {
  const share = (system: 'spatial' | 'pyramid') => systemRecipe(system, garments).startRates.share;
  expect(share('spatial')).toBeLessThan(share('pyramid') / 2);
});

test('latent is the length of a modulation, or of a cell of it; cell is its size', () => {
  const length = (...[system, options]: [Parameters<typeof systemRecipe>[0], object]) =>
    modulationLength(systemRecipe(system, { ...garments, shape: [32, 32] }, options).spec, [32, 32]);
  expect(length('functa', { latent: 64 })).toBe(64);
  expect(length('coinpp', { latent: 64 })).toBe(64);
  expect(length('coinpp', { latent: 64, cell: 16 })).toBe(4 * 64);
  expect(length('spatial', { latent: 16, cell: 8 })).toBe(16 * 16);
  expect(length('pyramid', { latent: 4, cell: 4 })).toBe(64 * 4 + 16 * 8 + 4 * 10);
  expect(() => systemRecipe('functa', garments, { cell: 4 })).toThrow(withCode('recipe-option'));
});

test('phases that do not fit into fewer steps are shortened in proportion, others stay', () => {
  const recipe = presetRecipe('fashion-mnist');
  expect(withSteps(recipe, 6_000)).toEqual({ ...recipe, steps: 6_000 });
  const short = withSteps(recipe, 100);
  expect(short).toMatchObject({ steps: 100, phases: { distortion: 3, rounded: 0, coded: 25 } });
  expect(short.optimiser.warmupSteps).toBe(10);
});

/** Two waves, one along each axis, of an index's own. */
function waves(index: number): Float32Array {
  const [a, b, c, d] = [1, 2, 3, 4].map((k) => (index * 0.61803 * k) % 1) as [number, number, number, number];
  const wave = (phase: number, waves: number, at: number) =>
    Math.sin(2 * Math.PI * (phase + ((1 + 3 * waves) * at) / 16));
  return Float32Array.from(
    { length: 256 },
    (_, i) => 0.5 + (wave(a, b, i % 16) + wave(c, d, Math.floor(i / 16))) / 4,
  );
}

test.each([
  ['functa', {}],
  ['coinpp', { cell: 8 }],
] as const)(
  '%s goes on learning at the rates of a long run',
  async (system, options) => {
    const signals = Array.from({ length: 512 }, (_, i) => ({ shape: [16, 16], values: waves(i) }));
    const data = { shape: [16, 16], outputs: 1, uniform: true };
    const recipe = withOverrides(systemRecipe(system, data, { latent: 32, ...options }), {
      ...{ spec: { width: 64 }, batch: 8, steps: 4000, phases: { distortion: 4000 } },
      ...{ validation: { every: 0 }, reportEvery: 50 },
    });
    const engine = await openEngine();
    const steps = rounds(200, 400);
    const enough = new AbortController();
    const psnr: number[] = [];
    const onEvent = (event: TrainEvent) => {
      if (event.type === 'progress') psnr.push(event.psnrDb);
      if (event.type === 'progress' && event.step === steps) enough.abort();
    };
    const source = sourceOf('waves', 1, signals);
    const running = train({ engine, recipe, source, onEvent, signal: enough.signal });
    await expect(running).rejects.toMatchObject({ code: 'aborted' });
    await engine.close();
    expect(psnr).toHaveLength(steps / 50);
    expect(psnr.at(-1)).toBeGreaterThan(psnr[0]! + 3);
  },
  120_000,
);
