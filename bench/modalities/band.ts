/** How much of a sound that is decoded at a higher rate lies above its band: images of what is below. */
import { Rng } from '../../src/core/rng.ts';
import { rateOf } from '../../src/formats/sound.ts';
import type { Session } from '../../src/session/types.ts';
import type { Signal } from '../../src/signal/signal.ts';

/** Samples of each signal: a tenth of a second at 8 kHz. */
const samples = 800;
/** Rate that signals are decoded at, samples a second. */
const decodedRate = 44_100;
/** Energy is counted from so much above half the model's rate, as a share of that half. */
const beyond = 0.05;

export interface BandRow {
  readonly name: string;
  /** Energy above the band against all of it. */
  readonly aboveDb: number;
}

/** Tones and noise through a model of sounds of one channel, decoded at 44.1 kHz. Signals are those of `quality`, whatever it loses. */
export async function bandRows(session: Session, quality: number): Promise<BandRow[]> {
  const { card } = session.model;
  const rate = rateOf(card.axes[0])!;
  const rows: BandRow[] = [];
  for (const [name, valueAt] of Object.entries(soundsOf(rate))) {
    const values = Float32Array.from({ length: samples }, (_, i) => valueAt(i));
    const signal: Signal = { id: name, shape: [samples], channels: 1, values };
    const { bytes } = await session.encode(signal, { quality });
    const decoded = await session.decode(bytes, { size: { rate: decodedRate, unit: 's' }, raw: true });
    rows.push({ name, aboveDb: energyAbove(decoded.values, decodedRate, (1 + beyond) * (rate / 2)) });
  }
  return rows;
}

function soundsOf(rate: number): Record<string, (i: number) => number> {
  const noise = new Rng(7);
  const tone = (hertz: number) => (i: number) => 0.5 * Math.sin((2 * Math.PI * hertz * i) / rate);
  return {
    'tone at 1/8 of the rate': tone(rate / 8),
    'tone at 3/8 of the rate': tone((3 * rate) / 8),
    noise: () => 0.5 * (2 * noise.uniform() - 1),
  };
}

/** Energy from `hertz` up against all energy but that at 0, in dB, of values under a Hann window. */
export function energyAbove(values: Float32Array, rate: number, hertz: number): number {
  const n = values.length;
  const cosine = Float64Array.from({ length: n }, (_, i) => Math.cos((2 * Math.PI * i) / n));
  const sine = Float64Array.from({ length: n }, (_, i) => Math.sin((2 * Math.PI * i) / n));
  const windowed = Float64Array.from(values, (v, i) => v * (0.5 - 0.5 * cosine[i]!));
  let [all, above] = [0, 0];
  for (let bin = 2; bin <= n / 2; bin++) {
    let [re, im] = [0, 0];
    for (let i = 0, at = 0; i < n; i++, at = (at + bin) % n) {
      re += windowed[i]! * cosine[at]!;
      im += windowed[i]! * sine[at]!;
    }
    const energy = re * re + im * im;
    all += energy;
    if ((bin * rate) / n >= hertz) above += energy;
  }
  return 10 * Math.log10(above / all);
}
