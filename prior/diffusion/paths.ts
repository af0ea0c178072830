/** The paths of a diffusion's deterministic sampler, drawn once, and what one step of first order needs to follow them. */
import type { Label } from '../train/standard.ts';
import { toTokens } from '../train/tokens.ts';
import { createDenoise } from './denoise.ts';
import { type FewItem, fewInput } from './few.ts';
import type { DiffusionParts } from './file.ts';
import type { DenoiserInput, DenoiserSize } from './net.ts';
import { openNet } from './open-net.ts';
import { drawSamples, group } from './sampler.ts';
import { preconditioning } from './schedule.ts';

/** Streams of random numbers behind those that any draw of the same seed has. */
const firstStream = 2 ** 40;

export interface PathOptions {
  /** A multiple of `group`. */
  readonly count: number;
  readonly guidance: number;
  /** Of the teacher, falling, the last one 0. */
  readonly sigmas: Float64Array;
  /** Indices of `sigmas` at which each way stops. */
  readonly ways: readonly (readonly number[])[];
  readonly seed: number;
  readonly threads?: number | undefined;
  readonly onPaths?: ((done: number, total: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** From one stop of a way to the next. */
interface Leg {
  readonly way: number;
  readonly from: number;
  readonly to: number;
}

/** A place on a path. */
export interface Choice {
  readonly path: number;
  /** Index into `legs`. */
  readonly leg: number;
}

export interface Paths {
  readonly legs: readonly Leg[];
  /** What a network of this size is given at the start of legs, and what it should find there for a step to end where they end. */
  at(
    size: DenoiserSize,
    chosen: readonly Choice[],
  ): { readonly input: DenoiserInput; readonly target: Float32Array };
}

/** Groups of paths have the labels in turn, and none after the last. Throws AbortedError. */
export async function drawPaths(
  teacher: DiffusionParts,
  labels: readonly Label[],
  options: PathOptions,
): Promise<Paths> {
  const { count, guidance, sigmas, ways, seed, threads, onPaths, signal } = options;
  const { tokens: layout, size, weights } = teacher;
  const { length } = layout;
  const row = layout.tokens * layout.slots;
  /** [count, length] at each level at which some way stops. */
  const stops = new Map(ways.flat().map((level) => [level, new Float32Array(count * length)]));
  const labelOf = (path: number): number | undefined => {
    const index = Math.floor(path / group) % (labels.length + 1);
    return index === labels.length ? undefined : index;
  };
  const { net } = await openNet(size, weights, threads);
  try {
    const denoise = createDenoise(net, layout, labels, size.tokenLevels);
    for (let first = 0; first < count; first += group) {
      const index = labelOf(first);
      const towards = index === undefined ? {} : { label: labels[index], guidance };
      const request = { count: group, seed, steps: sigmas.length - 1, ...towards, signal };
      await drawSamples(denoise, length, 'edm', request, {
        firstStream: firstStream + first,
        onLevel: (level, x) => stops.get(level)?.set(x, first * length),
      });
      onPaths?.(first + group, count);
    }
  } finally {
    net.dispose();
  }
  const legs = ways.flatMap((way, index) => way.slice(1).map((to, i) => ({ way: index, from: way[i]!, to })));
  return {
    legs,
    at(student, chosen) {
      const noisy = new Float32Array(chosen.length * length);
      const clean = new Float32Array(chosen.length * length);
      const items = chosen.map(({ path, leg }, b): FewItem => {
        const { way, from, to } = legs[leg]!;
        const kept = sigmas[to]! / sigmas[from]!;
        const [before, after] = [stops.get(from)!, stops.get(to)!];
        for (let d = 0; d < length; d++) {
          const x = before[path * length + d]!;
          noisy[b * length + d] = x;
          clean[b * length + d] = (after[path * length + d]! - kept * x) / (1 - kept);
        }
        return { sigma: sigmas[from]!, label: labelOf(path), way };
      });
      const given = toTokens(layout, noisy);
      const target = toTokens(layout, clean);
      for (let i = 0; i < target.length; i++) {
        const { skip, out } = preconditioning(items[Math.floor(i / row)]!.sigma);
        target[i] = (target[i]! - skip * given[i]!) / out;
      }
      return { input: fewInput(student, labels.length, given, items), target };
    },
  };
}
