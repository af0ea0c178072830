import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { BadInputError } from '../core/errors.ts';
import { defaultLimits } from '../core/limits.ts';
import { readModel } from '../field/model.ts';
import { writeImage } from '../formats/image.ts';
import { refuseFor } from './models.ts';
import { readMask, readSignal } from './signals.ts';

const modelOf = (name: string) =>
  readModel(readFileSync(new URL(`../../models/${name}/model.safetensors`, import.meta.url)));
const photos = modelOf('photos-low');
const garments = modelOf('fashion-mnist');

/** The beginning of a picture: enough for its header, and not for its pixels. */
async function beginning(side: number): Promise<Uint8Array> {
  const values = new Float32Array(3 * side * side).map((_, i) => ((i * 7919) % 251) / 251);
  const picture = await writeImage({ id: 'x', shape: [side, side], channels: 3, values }, 'png');
  return picture.subarray(0, 200);
}

it('a signal is held against the model and the limits by its header, whatever it is read for', async () => {
  const bytes = await beginning(256);
  const few = { maxBytes: 1e6, limits: { ...defaultLimits, maxMultiplyAdds: 1e6 } };
  const usual = { maxBytes: 1e6, limits: defaultLimits };
  const codeOf = (reading: Promise<unknown>) => reading.then(String, ({ code }: { code: string }) => code);
  expect(await codeOf(readSignal('x', bytes, { model: photos, ...few }))).toBe('limit-multiply-adds');
  expect(await codeOf(readSignal('x', bytes, { model: photos, as: { effort: 5 }, ...few }))).toBe(
    'limit-multiply-adds',
  );
  // A part may be of a signal of any size that the model codes.
  const small = { maxBytes: 1e6, limits: { ...defaultLimits, maxSamples: 784 } };
  expect(await codeOf(readSignal('x', bytes, { model: garments, as: 'part', ...small }))).toBe(
    'limit-samples',
  );
  expect(await codeOf(readMask('x', bytes, { card: garments.card, ...small }))).toBe('limit-samples');
  const ownSize = { ...garments.card, anySize: false };
  expect(await codeOf(readMask('x', bytes, { card: ownSize, ...usual }))).toBe('limit-samples');
  const narrow = { maxBytes: 1e6, limits: { ...defaultLimits, maxAxis: 100 } };
  expect(await codeOf(readMask('x', bytes, narrow))).toBe('limit-axis');
});

it('a file of another kind than the model is refused with the models here that would take it', async () => {
  const fixture = (name: string) =>
    new Uint8Array(readFileSync(new URL(`../../test/fixtures/signals/${name}`, import.meta.url)));
  const usual = { maxBytes: 1e6, limits: defaultLimits };
  const reading = (name: string, variable?: string) =>
    readSignal(name, fixture(name), { ...usual, model: garments, parts: { variable } }).catch(
      (error) => error,
    );
  const field = await reading('field.nc4', 'T[time=0]');
  expect(field).toMatchObject({ kind: 'input', code: 'not-a-field-model' });
  expect(field.message).toMatch(/is a field in .*K.*this model takes .*; (those|none) here/);
  expect(await reading('tone16.wav')).toMatchObject({ code: 'not-a-sound-model' });
  const picture = await writeImage(
    { id: 'x', shape: [40, 50], channels: 3, values: new Float32Array(6000) },
    'png',
  );
  const refusal = new BadInputError('not-a-picture-model', 'x is a picture');
  const asked = { limits: defaultLimits, told: 'x.png' };
  await expect(refuseFor(refusal, picture, asked)).rejects.toThrow(/those here that take it: .*photos/);
});
