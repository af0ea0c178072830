/**
 * Mutated files of signals through the readers of formats. Whatever the bytes, a reader gives a signal within its limits or throws a tagged
 * error of the caller's or the file's; anything else ends the run with the bytes in hex.
 */
import { hex } from '../../src/core/bytes.ts';
import { FunctaError } from '../../src/core/errors.ts';
import { Rng } from '../../src/core/rng.ts';
import { pointCount } from '../../src/field/spec.ts';
import type { ReadOptions, SignalFormat } from '../../src/formats/format.ts';
import { type FuzzResult, fuzzLimits, mutate } from './codec.fuzz.ts';

const allowedKinds: ReadonlySet<string> = new Set(['stream', 'input', 'limit']);

export interface FuzzedFormat {
  readonly format: SignalFormat;
  readonly seeds: readonly Uint8Array[];
  /** How files are read, one way after the other. */
  readonly as: readonly Partial<ReadOptions>[];
  /** The shape alone is read of one file in so many. */
  readonly shapeOfOneIn?: number;
}

/** The seeds as they are and `runs` mutated ones, each read whole, and the shape alone. */
export async function fuzzFormat(
  { format, seeds, as, shapeOfOneIn = 1 }: FuzzedFormat,
  runs: number,
  seed: number,
): Promise<FuzzResult> {
  const rng = new Rng(seed);
  const errors: Record<string, number> = {};
  let [values, files] = [0, 0];
  const kept = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    const count = async (bytes: Uint8Array, way: Partial<ReadOptions> | undefined) => {
      const options = { id: 'x', axes: 1, outputs: 'any', limits: fuzzLimits, ...way } as const;
      const code = await outcome(format, bytes, options, files++ % shapeOfOneIn === 0);
      if (code === undefined) values++;
      else errors[code] = (errors[code] ?? 0) + 1;
    };
    for (const seed of seeds) for (const way of as) await count(seed, way);
    for (let run = 0; run < runs; run++) await count(mutate(rng, seeds), as[run % as.length]);
  } finally {
    Error.stackTraceLimit = kept;
  }
  return { runs, values, errors };
}

async function outcome(
  format: SignalFormat,
  bytes: Uint8Array,
  options: ReadOptions,
  withShape: boolean,
): Promise<string | undefined> {
  try {
    format.sniff(bytes);
    const { shape, channels, values } = await format.read(bytes, options);
    const points = pointCount(shape);
    if (!(points >= 1 && points <= fuzzLimits.maxSamples) || values.length !== points * channels)
      throw new Error(`shape [${shape}] x ${channels}, ${values.length} values`);
    if (!withShape) return undefined;
    const said = await format.shapeOf(bytes, options);
    if (said.join() !== shape.join()) throw new Error(`shape [${said}] in its header, [${shape}] of it`);
    return undefined;
  } catch (error) {
    if (error instanceof FunctaError && allowedKinds.has(error.kind)) return error.code;
    throw new Error(`not a tagged error on ${hex(bytes)}: ${String(error)}`, { cause: error });
  }
}
