/** Is a field specification one that can be computed? Used before anything is sized by it. */
import { BadInputError } from '../core/errors.ts';
import { fieldLimits } from './limits.ts';
import { type FieldSpec, interpolations, totalChannels, weightLayout } from './spec.ts';

/** Throws BadInputError `bad-spec` naming the member at fault, and the limit (limits.ts) that it is above. */
export function checkSpec(spec: FieldSpec): void {
  whole('axes', spec.axes, 1, fieldLimits.axes);
  whole('outputs', spec.outputs, 1, fieldLimits.outputs);
  whole('width', spec.width, 1, fieldLimits.width);
  whole('layers', spec.layers, 1, fieldLimits.layers);
  if (!(Number.isFinite(spec.w0) && spec.w0 > 0)) fail('w0', 'a finite number above 0', spec.w0);
  whole('features.harmonics', spec.features.harmonics, 0, fieldLimits.harmonics);
  if (spec.features.period !== undefined) sizes('features.period', spec.features.period, spec.axes, '');
  whole('number of levels', spec.levels.length, 0, fieldLimits.levels);
  spec.levels.forEach((level, k) => {
    whole(`levels[${k}].channels`, level.channels, 1, fieldLimits.channels);
    if (!interpolations.includes(level.interpolation))
      fail(`levels[${k}].interpolation`, `one of ${interpolations.join(', ')}`, level.interpolation);
    if (level.cell !== null) sizes(`levels[${k}].cell`, level.cell, spec.axes, ' or null');
  });
  if (spec.wraps && spec.features.global)
    fail('features.global', 'false where the last axis wraps, as a circle has no ends', true);
  whole('number of channels of all levels', totalChannels(spec), 0, fieldLimits.channels);
  whole('number of weights', weightLayout(spec).length, 0, fieldLimits.weights);
}

function sizes(member: string, values: readonly number[], axes: number, other: string): void {
  if (values.length !== axes) fail(member, `${axes} sizes${other}`, values.length);
  values.forEach((size, axis) => {
    if (!(Number.isFinite(size) && size > 0)) fail(`${member}[${axis}]`, 'a finite size above 0', size);
  });
}

function whole(member: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    fail(member, `a whole number from ${least} to ${most}`, value);
  }
}

function fail(member: string, wanted: string, got: unknown): never {
  throw new BadInputError('bad-spec', `field specification: ${member} must be ${wanted}, not ${String(got)}`);
}
