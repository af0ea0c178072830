/** What a sound looks like to the judge of digits: log energies of bands that widen as those of hearing do (mel), frame by frame. */
import { spectrum, spectrumFrame } from '../../modalities/speech.ts';

/** Bands of a frame, and samples from one frame to the next. */
export const bandCount = 24;
export const hop = 128;

/** Power below which a band says nothing, of a sound at one loudness. */
export const defaultFloor = 1e-6;

/** Frames of a sound of so many samples. */
export function frameCount(samples: number): number {
  return Math.floor((samples - spectrumFrame) / hop) + 1;
}

/** [frames, bands], less the mean of each sound, over about its spread. */
export function bandsOf(values: Float32Array, rate: number, floor = defaultFloor): Float32Array {
  const frames = frameCount(values.length);
  const weights = bandWeights(rate);
  const found = new Float32Array(frames * bandCount);
  let sum = 0;
  for (let frame = 0; frame < frames; frame++) {
    const power = spectrum(values, frame * hop);
    for (const [band, own] of weights.entries()) {
      let energy = floor;
      for (const [k, weight] of own.entries()) energy += weight * power[k]!;
      found[frame * bandCount + band] = Math.log(energy);
      sum += Math.log(energy);
    }
  }
  const mean = sum / found.length;
  return found.map((v) => (v - mean) / 3);
}

/** [bands][bins]: triangles that overlap by half, evenly apart on the mel scale from 60 Hz to half the rate. */
function bandWeights(rate: number): Float64Array[] {
  const mel = (hertz: number) => Math.log(1 + hertz / 700);
  const [low, high] = [mel(60), mel(rate / 2)];
  const place = (hertz: number) => ((bandCount + 1) * (mel(hertz) - low)) / (high - low);
  return Array.from({ length: bandCount }, (_, band) =>
    Float64Array.from({ length: spectrumFrame / 2 - 1 }, (_, k) =>
      Math.max(0, 1 - Math.abs(place(((k + 1) * rate) / spectrumFrame) - (band + 1))),
    ),
  );
}
