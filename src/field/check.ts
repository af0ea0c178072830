/** Is a field specification one that can be computed? Used before anything is sized by it. */
import { BadInputError } from '../core/errors.ts';
import { type FieldSpec, interpolations } from './spec.ts';

const MAX_AXES = 3;
const MAX_SIZE = 1 << 16;

/** Throws BadInputError `bad-spec` naming the member at fault. */
export function checkSpec(spec: FieldSpec): void {
  whole('axes', spec.axes, 1, MAX_AXES);
  whole('outputs', spec.outputs, 1, MAX_SIZE);
  whole('width', spec.width, 1, MAX_SIZE);
  whole('layers', spec.layers, 1, 256);
  if (!(Number.isFinite(spec.w0) && spec.w0 > 0)) fail('w0', 'a finite number above 0', spec.w0);
  whole('features.harmonics', spec.features.harmonics, 0, 256);
  if (spec.features.period !== undefined) sizes('features.period', spec.features.period, spec.axes, '');
  spec.levels.forEach((level, k) => {
    whole(`levels[${k}].channels`, level.channels, 1, MAX_SIZE);
    if (!interpolations.includes(level.interpolation))
      fail(`levels[${k}].interpolation`, `one of ${interpolations.join(', ')}`, level.interpolation);
    if (level.cell !== null) sizes(`levels[${k}].cell`, level.cell, spec.axes, ' or null');
  });
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
