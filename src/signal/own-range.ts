/** Which signals are taken over their own range, and over which: docs/adr/0059. */
import type { Model } from '../field/model.ts';
import type { Output, OwnRange, ValueRange } from '../field/outputs.ts';
import { modelOver } from '../field/own-range.ts';
import { heldOf, perUnitOf, type Signal } from './signal.ts';
import { beyondRange, extentsOf, mostScales } from './values.ts';

/**
 * [outputs]: what the values of a signal are of those of the card, value = offset + scale * value of the card; undefined where they are on
 * its scale. Outputs with a unit, and those that are sampled in whole numbers, have no other. What is not finite is not looked at.
 */
export function ownRangesOf(outputs: readonly Output[], signal: Signal): OwnRange[] | undefined {
  if (signal.channels !== outputs.length || !outputs.some(isUnitless)) return undefined;
  const held = heldOf(signal);
  const { least, most } = extentsOf(held, outputs.length, perUnitOf(held));
  const found = outputs.map((output, o) => ownRange(output, least[o]!, most[o]!));
  if (found.every((range) => range === undefined)) return undefined;
  return found.map((range, o) => {
    const { name, unit } = signal.outputs?.[o] ?? {};
    const own = range ?? { offset: 0, scale: 1 };
    return name === undefined ? own : { ...own, name, unit };
  });
}

/** The model that takes a signal: itself, or over the signal's own range. */
export function modelFor(model: Model, signal: Signal): Model {
  return modelOver(model, ownRangesOf(model.card.outputs, signal));
}

/**
 * Whether values are those that a model was learnt for: within its range or a half beyond, of each output that has no other range by the signal.
 * What is not finite is not looked at.
 */
export function isOfRange(outputs: readonly Output[], signal: Signal): boolean {
  if (signal.channels !== outputs.length) return false;
  const held = heldOf(signal);
  const { least, most } = extentsOf(held, outputs.length, perUnitOf(held));
  return outputs.every(
    (output, o) => isUnitless(output) || least[o]! > most[o]! || !isBeyond(output, least[o]!, most[o]!),
  );
}

/**
 * Whether values lie on both sides of 0 and go at least halfway to an end of a range that does, of every output: those of a signed distance do,
 * and hardly any others.
 */
export function fillsAround0(outputs: readonly Output[], signal: Signal): boolean {
  if (!isOfRange(outputs, signal)) return false;
  const held = heldOf(signal);
  const { least, most } = extentsOf(held, outputs.length, perUnitOf(held));
  return outputs.every((output, o) => {
    const [low, high] = [output.low, output.low + output.peak];
    const isAround0 = !isUnitless(output) && low < 0 && high > 0;
    return isAround0 && least[o]! < 0 && most[o]! > 0 && (least[o]! < low / 2 || most[o]! > high / 2);
  });
}

/** Whether a signal of any range is taken over its own. */
export function takesAnyRange(outputs: readonly Output[]): boolean {
  return outputs.every(isUnitless);
}

function isBeyond({ low, peak }: Output, least: number, most: number): boolean {
  return least < low - beyondRange * peak || most > low + (1 + beyondRange) * peak;
}

function isUnitless({ unit, sample }: Output): boolean {
  return sample === 'float32' && unit === undefined;
}

/** The least value is that of the card's range, and the greatest too; a constant is at the low end, in steps of 1. */
function ownRange(output: Output, least: number, most: number): ValueRange | undefined {
  const { low, peak } = output;
  if (!isUnitless(output) || least > most) return undefined;
  const range = most - least;
  const isShort = range > 0 && range < peak / mostScales;
  if (!isBeyond(output, least, most) && !isShort) return undefined;
  const scale = range > 0 ? range / peak : 1;
  return { offset: least - scale * low, scale };
}
