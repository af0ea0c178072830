/** Tunes of harmonics, and hums of parts of them: sines that go as their pitch does, in another key. */
import { expect, it } from 'vitest';
import { modelOfKind } from '../../test/kinds.ts';
import { Rng } from '../core/rng.ts';
import type { ModelCard } from '../field/card.ts';
import { PitchSearch } from './pitch.ts';

const rate = 8000;
const turn = () => Promise.resolve();
const sounds = modelOfKind('sound').card;
const card: ModelCard = {
  ...sounds,
  axes: [{ name: 't', unit: 's', start: 0, step: 1 / rate }],
};

/** Pitch of every sample of a tune of `seconds`, in hertz: notes of 0.15 s, with slides between. */
function tune(seconds: number, seed: number): Float64Array {
  const rng = new Rng(seed);
  const pitch = new Float64Array(seconds * rate);
  let hz = 150;
  let note = hz;
  for (let i = 0; i < pitch.length; i++) {
    if (i % 1200 === 0) note = 110 * 2 ** (Math.floor(16 * rng.uniform()) / 12);
    hz += 0.01 * (note - hz);
    pitch[i] = hz;
  }
  return pitch;
}

/** A sound of these harmonics that goes as a pitch does, in another key. */
function sung(pitch: ArrayLike<number>, harmonics: readonly number[], semitones = 0): Float32Array {
  let phase = 0;
  return Float32Array.from(pitch, (hz) => {
    phase += (2 * Math.PI * hz * 2 ** (semitones / 12)) / rate;
    return harmonics.reduce((sum, share, h) => sum + share * Math.sin((h + 1) * phase), 0);
  });
}

const voice = [0.1, 0.2, 0.15, 0.1, 0.08];
const tunes = Array.from({ length: 5 }, (_, i) => tune(4, i + 1));
const songs = tunes.map((pitch) => sung(pitch, voice));

function fragmentOf(values: Float32Array) {
  const samples = Array.from(values.keys());
  return { shape: [values.length], samples, values, sampled: { points: values.length, of: values.length } };
}

it.each([0, 3, -5])('finds what is hummed, %d semitones higher than it is sung', async (semitones) => {
  for (const [own, pitch] of tunes.entries()) {
    const from = 9000;
    const hum = sung(pitch.subarray(from, from + 1.5 * rate), [0.02], semitones);
    const search = await PitchSearch.of(card, fragmentOf(hum), turn);
    const found = [];
    for (const song of songs)
      found.push(await search.placeIn({ shape: [song.length], isRound: false }, song, turn));
    const distances = found.map((place) => place!.distance);
    expect(distances.indexOf(Math.min(...distances))).toBe(own);
    expect(Math.abs(found[own]!.start[0]! - from)).toBeLessThan(0.03 * rate);
  }
});

it('lies within, where the last frames of both end before they do', async () => {
  const song = songs[0]!;
  const search = await PitchSearch.of(card, fragmentOf(song.slice(-8116)), turn);
  const found = await search.placeIn({ shape: [song.length], isRound: false }, song, turn);
  expect(found!.start).toEqual([song.length - 8116]);
});

it('hears nothing in silence, and a hum in no other tune', async () => {
  const hum = sung(tunes[0]!.subarray(0, rate), [0.1]);
  const search = await PitchSearch.of(card, fragmentOf(hum), turn);
  const silence = await search.placeIn({ shape: [rate], isRound: false }, new Float32Array(rate), turn);
  expect(silence!.distance).toBe(1);
  expect((await PitchSearch.of(card, fragmentOf(new Float32Array(rate)), turn)).isConstant).toBe(true);
  expect([search.fits([rate]), search.fits([rate - 1])]).toEqual([true, false]);
});

it.each([
  ['a picture', modelOfKind('picture').card, fragmentOf(new Float32Array(900))],
  [
    'too few samples a second',
    { ...card, axes: [{ name: 't', unit: 's', step: 0.01 }] },
    fragmentOf(new Float32Array(900)),
  ],
  ['too short a sound', card, fragmentOf(new Float32Array(600))],
  ['a sound with holes', card, { ...fragmentOf(new Float32Array(9000)), samples: [0, 1] }],
])('refuses %s', async (_, own, fragment) => {
  await expect(PitchSearch.of(own, fragment, turn)).rejects.toMatchObject({ code: 'bad-query' });
});
