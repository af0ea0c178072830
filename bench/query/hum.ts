/** A hum of a sound: a low tone and its octave that go as the pitch of the sound does, in another key, with a little noise. Of one channel. */
import { Rng } from '../../src/core/rng.ts';

const [hop, window] = [0.016, 0.064];
/** Hertz. */
const [lowest, highest] = [75, 500];
/** Where the autocorrelation of a frame has no period above it, nothing is hummed. */
const voiced = 0.4;

export function humOf(sound: Float32Array, rate: number, semitones: number, seed: number): Float32Array {
  const rng = new Rng(seed);
  const pitch = pitchOf(sound, rate);
  let [phase, hz, loud] = [0, 0, 0];
  return Float32Array.from(sound, (_, i) => {
    const own = pitch[Math.min(pitch.length - 1, Math.floor(i / (hop * rate)))]!;
    if (own > 0) hz = hz === 0 ? own : hz + 0.02 * (own - hz);
    loud += 0.005 * ((own > 0 ? 0.3 : 0) - loud);
    phase += (2 * Math.PI * hz * 2 ** (semitones / 12)) / rate;
    return loud * (Math.sin(phase) + 0.3 * Math.sin(2 * phase)) + 0.005 * rng.normal();
  });
}

/** Hertz of each frame by the lag at which it is most like itself, in whole samples; 0 where it has no period. */
function pitchOf(sound: Float32Array, rate: number): number[] {
  const [step, length] = [Math.round(hop * rate), Math.round(window * rate)];
  const frames = Math.max(1, Math.floor((sound.length - length) / step) + 1);
  return Array.from({ length: frames }, (_, f) => {
    const frame = sound.subarray(f * step, f * step + length);
    let [best, most] = [0, voiced];
    for (let lag = Math.floor(rate / highest); lag <= rate / lowest; lag++) {
      let [both, one, other] = [0, 1e-9, 1e-9];
      for (let i = lag; i < frame.length; i++) {
        both += frame[i]! * frame[i - lag]!;
        one += frame[i]! ** 2;
        other += frame[i - lag]! ** 2;
      }
      const found = both / Math.sqrt(one * other);
      if (found > most) [best, most] = [lag, found];
    }
    return best === 0 ? 0 : rate / best;
  });
}
