/** A classifier of spoken digits by their bands, trained here on real clips: says what digit a sound is, and in which features sounds are compared. */
import type { Architecture } from '../../../src/classify/architecture.ts';
import { type Examples, judge, type LearnEvent, learn } from '../../../src/classify/learn.ts';
import { openNetwork } from '../../../src/classify/network.ts';
import { openTensorFlow } from '../../../src/engine/tfjs/backend.ts';
import { bandCount } from './bands.ts';

/** Bands of sounds, and the digits they are. */
export interface LabelledSounds {
  /** [frames, bands] each. */
  readonly bands: readonly Float32Array[];
  /** From 0. */
  readonly labels: readonly number[];
}

export interface SoundJudge {
  /** Share of sounds whose likeliest class is their own, and the likeliest classes. */
  judge(sounds: LabelledSounds): { readonly accuracy: number; readonly classes: Int32Array };
  /** [n, width]. */
  features(sounds: LabelledSounds): { readonly values: Float32Array; readonly dimensions: number };
  close(): void;
}

const stages = [
  { width: 48, blocks: 1 },
  { width: 64, blocks: 1 },
  { width: 96, blocks: 1 },
];
const learning = { epochs: 15, batch: 64, rate: 3e-3, dropout: 0.3, smoothing: 0.1, seed: 1 };

/** Frames later, and bands higher, by which clips are moved while they are learnt: voices differ in pitch, and recordings in their begin. */
const moves = [0, -3, -1, 1, 3].flatMap((frames) => [0, -1, 1].map((bands) => ({ frames, bands })));

export async function openSoundJudge(
  train: LabelledSounds,
  classes: number,
  options: { readonly threads?: number; readonly onEvent?: (event: LearnEvent) => void } = {},
): Promise<SoundJudge> {
  const { tf } = await openTensorFlow({ threads: options.threads ?? 1 });
  const cells = [train.bands[0]!.length / bandCount];
  const architecture: Architecture = { cells, channels: bandCount, stages, classes };
  const examples = examplesOf(train, moves.length);
  const tensors = await learn(tf, { architecture, learning, examples, onEvent: options.onEvent });
  const network = openNetwork(tf, architecture, tensors);
  return {
    judge: (sounds) => judge(network, architecture, examplesOf(sounds, 1)),
    features(sounds) {
      const all = Float32Array.from(sounds.bands.flatMap((bands) => [...bands]));
      return { values: network.run(all).features, dimensions: stages.at(-1)!.width };
    },
    close: () => network.dispose(),
  };
}

function examplesOf({ bands, labels }: LabelledSounds, views: number): Examples {
  return {
    count: bands.length,
    views,
    classOf: (i) => labels[i]!,
    fill: (i, view, target) => move(bands[i]!, moves[view]!, target),
  };
}

/** What comes in at an edge is what was at it. */
function move(from: Float32Array, by: (typeof moves)[number], target: Float32Array): void {
  const frames = from.length / bandCount;
  const within = (i: number, count: number) => Math.min(count - 1, Math.max(0, i));
  for (let frame = 0; frame < frames; frame++)
    for (let band = 0; band < bandCount; band++)
      target[frame * bandCount + band] =
        from[within(frame - by.frames, frames) * bandCount + within(band - by.bands, bandCount)]!;
}
