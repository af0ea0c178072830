/** Field specifications of the literature, and ours, as points of one family: stacks of latent grids. */
import { BadInputError } from '../core/errors.ts';
import { checkSpec } from './check.ts';
import type { FieldSpec, Interpolation } from './spec.ts';

export interface PresetOptions {
  readonly axes: number;
  readonly outputs: number;
  readonly width?: number | undefined;
  readonly layers?: number | undefined;
  readonly w0?: number | undefined;
  /** `functa`, `patch`, `spatial`: channels of the one level. */
  readonly channels?: number | undefined;
  /** `patch`, `spatial`: cell size in signal units, the same along every axis or one per axis. */
  readonly cell?: number | readonly number[] | undefined;
  /** `spatial`, `pyramid`: linear unless told otherwise. */
  readonly interpolation?: Interpolation | undefined;
  /** `pyramid`: coarse to fine. */
  readonly levels?:
    | readonly { readonly cell: number | readonly number[] | null; readonly channels: number }[]
    | undefined;
  /** Overrides the preset's number of harmonics. */
  readonly harmonics?: number | undefined;
  /** Of harmonics and local position, the same along every axis or one per axis; default: the finest cell. */
  readonly period?: number | readonly number[] | undefined;
}

export type PresetName = 'coin' | 'functa' | 'patch' | 'spatial' | 'pyramid';

export const presetNames: readonly PresetName[] = ['coin', 'functa', 'patch', 'spatial', 'pyramid'];

/** COIN (arXiv 2103.03123): no modulation; all weights belong to one signal. */
export function coin(options: PresetOptions): FieldSpec {
  return build({ width: 28, layers: 10 }, options, { global: true, local: false, harmonics: 0 }, []);
}

/** Functa (arXiv 2201.12204): one vector for the whole signal. */
export function functa(options: PresetOptions): FieldSpec {
  const levels: FieldSpec['levels'] = [
    { cell: null, channels: options.channels ?? 128, interpolation: 'linear' },
  ];
  return build({ width: 128, layers: 5 }, options, { global: true, local: false, harmonics: 0 }, levels);
}

/** COIN++ (arXiv 2201.12904): independent cells, each a function of the position in it. */
export function patch(options: PresetOptions): FieldSpec {
  const cell = perAxis(options.cell ?? 32, options.axes);
  const levels: FieldSpec['levels'] = [{ cell, channels: options.channels ?? 128, interpolation: 'nearest' }];
  return build({ width: 128, layers: 5 }, options, { global: false, local: true, harmonics: 0 }, levels);
}

/** Spatial Functa (arXiv 2302.03130): one grid of vectors. */
export function spatial(options: PresetOptions): FieldSpec {
  const interpolation = options.interpolation ?? 'linear';
  const cell = perAxis(options.cell ?? 4, options.axes);
  const smooth = interpolation !== 'nearest';
  const features = { global: false, local: !smooth, harmonics: smooth ? 2 : 0 };
  return build({ width: 64, layers: 3, w0: 10 }, options, features, [
    { cell, channels: options.channels ?? 32, interpolation },
  ]);
}

/** Several interpolated grids, coarse to fine: the default for compression. Any size of signal. */
export function pyramid(options: PresetOptions): FieldSpec {
  const asked = options.levels ?? [
    { cell: 16, channels: 16 },
    { cell: 8, channels: 16 },
    { cell: 4, channels: 12 },
  ];
  const levels = asked.map(({ cell, channels }) => ({
    cell: cell === null ? null : perAxis(cell, options.axes),
    channels,
    interpolation: options.interpolation ?? 'linear',
  }));
  return build(
    { width: 64, layers: 3, w0: 10 },
    options,
    { global: false, local: false, harmonics: 2 },
    levels,
  );
}

/** The preset of that name. Throws BadInputError `unknown-preset` or `bad-spec`. */
export function preset(name: PresetName, options: PresetOptions): FieldSpec {
  switch (name) {
    case 'coin':
      return coin(options);
    case 'functa':
      return functa(options);
    case 'patch':
      return patch(options);
    case 'spatial':
      return spatial(options);
    case 'pyramid':
      return pyramid(options);
    default:
      name satisfies never;
      throw new BadInputError(
        'unknown-preset',
        `no preset '${String(name)}'; choose one of ${presetNames.join(', ')}`,
      );
  }
}

function build(
  defaults: { width: number; layers: number; w0?: number },
  options: PresetOptions,
  features: FieldSpec['features'],
  levels: FieldSpec['levels'],
): FieldSpec {
  const spec: FieldSpec = {
    axes: options.axes,
    outputs: options.outputs,
    width: options.width ?? defaults.width,
    layers: options.layers ?? defaults.layers,
    w0: options.w0 ?? defaults.w0 ?? 30,
    features: {
      ...features,
      harmonics: options.harmonics ?? features.harmonics,
      ...(options.period !== undefined && { period: perAxis(options.period, options.axes) }),
    },
    levels,
  };
  checkSpec(spec);
  return spec;
}

function perAxis(size: number | readonly number[], axes: number): number[] {
  return typeof size === 'number' ? Array.from({ length: axes }, () => size) : [...size];
}
