/** Where training modulations come from, and which of them are kept back to judge by. */
import { BadInputError } from '../../src/core/errors.ts';
import type { ModulationLayout } from '../../src/field/layout.ts';

export interface TrainingModulation {
  /** [layout.length]. */
  readonly modulation: Float32Array;
  readonly layout: ModulationLayout;
  /** The quality that its symbols were chosen for; it is quantised at no other. Absent: at any. */
  readonly quality?: number | undefined;
  readonly label?: string | number | undefined;
}

/** Modulations by index: an array, or a store that is read as it is asked. */
export interface ModulationSource {
  readonly length: number;
  /** Called in any order, more than once; the array is only read, and not kept. */
  at(index: number): TrainingModulation | Promise<TrainingModulation>;
}

/** Arrays of one layout as a source, which keeps them. */
export function arraySource(
  modulations: readonly Float32Array[],
  layout: ModulationLayout,
): ModulationSource {
  const wrong = modulations.findIndex(({ length }) => length !== layout.length);
  if (wrong >= 0) {
    throw new BadInputError(
      'modulation',
      `modulation ${wrong} has ${modulations[wrong]!.length} values, its layout ${layout.length}`,
    );
  }
  return { length: modulations.length, at: (index) => ({ modulation: modulations[index]!, layout }) };
}

export interface TrainingSplit {
  /** Modulations 0 .. training - 1 are learnt from. */
  readonly training: number;
  /** The rest, which nothing is fitted to. */
  readonly heldOut: number;
}

/** The last twentieth is held out, at least one and at most 500. Throws BadInputError `too-few-modulations` under 2. */
export function split(length: number): TrainingSplit {
  if (length < 2) {
    throw new BadInputError(
      'too-few-modulations',
      `a prior is learnt from at least 2 modulations, not ${length}`,
    );
  }
  const heldOut = Math.min(500, Math.max(1, Math.floor(length / 20)));
  return { training: length - heldOut, heldOut };
}
