import { expect, test } from 'vitest';
import { tokenLayout } from '../../prior/train/tokens.ts';
import { modulationLayout } from '../field/layout.ts';
import { loadModel } from '../models/index.ts';
import { regionMask } from '../signal/mask.ts';
import { observeCoarse, observeMasked } from './index.ts';
import { sharesSeen } from './known.ts';
import { stencilsOf } from './linearise.ts';
import type { Observation } from './observation.ts';

const { network, card } = await loadModel('fashion-mnist-samples');
const layout = tokenLayout(modulationLayout(card.spec, card.shape));
const blank = (shape: number[]) => ({
  ...{ id: 'blank', shape, channels: 1 },
  values: new Float32Array(shape[0]! * shape[1]!).fill(0.5),
});
const sharesOf = ({ shape, coordinates, group }: Observation) =>
  sharesSeen(layout, network, { shape, group, stencils: stencilsOf(network, shape, coordinates) });
const knownOf = (observation: Observation) =>
  Uint8Array.from(sharesOf(observation), (share) => Number(share >= 0.9));

test('a token is known where all is seen that it is read at, and half on the border', () => {
  const rightHalf = regionMask([28, 28], { start: [0, 0], count: [28, 14] }, true);
  const known = knownOf(observeMasked(blank([28, 28]), rightHalf));
  const columns = Array.from({ length: 7 }, (_, x) => [...known].filter((_, token) => token % 7 === x));
  expect(columns.map((all) => all.reduce((sum, one) => sum + one, 0))).toEqual([0, 0, 0, 0, 7, 7, 7]);
  expect(sharesOf(observeMasked(blank([28, 28]), rightHalf))[3]).toBeCloseTo(0.5);
  expect(knownOf(observeMasked(blank([28, 28])))).toEqual(new Uint8Array(49).fill(1));
});

test('a coarse version shows no token', () => {
  expect(knownOf(observeCoarse([28, 28], blank([14, 14])))).toEqual(new Uint8Array(49));
});
