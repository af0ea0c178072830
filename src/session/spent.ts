/** Where the bits of a file went. */
import { decodeFile, readHeader, sectionIds } from '../../codec/index.ts';
import { CostMeter } from '../../prior/cost.ts';
import { readPrior } from '../../prior/registry.ts';
import { aModel, byteArray, check, optionsOf } from '../core/check.ts';
import { defaultLimits, type Limits } from '../core/limits.ts';
import { modulationLayout } from '../field/layout.ts';
import type { Model } from '../field/model.ts';

/** A part of a file, in its order. */
export interface Spent {
  /**
   * `header`; what is said beside the function: `mask`, `residual`, `affine`, `names`; a level of its modulation, coarse to fine: `level 1`, ...;
   * `samples`, where no network stands behind them; `rest`: what the coder needs to end.
   */
  readonly on: string;
  /** Of levels what the prior says; whole bytes of all else. They sum to those of the file. */
  readonly bits: number;
}

/**
 * Where the bits of a file of one function went. It is decoded to its symbols. Throws what `decodeFile` throws.
 *
 * @example
 * for (const { on, bits } of spentOn(bytes, model)) console.log(`${on}: ${bits.toFixed(1)} bits`);
 */
export function spentOn(
  bytes: Uint8Array,
  model: Model,
  options: { readonly limits?: Limits | undefined } = {},
): Spent[] {
  check('spentOn', byteArray(bytes, 'bytes'), aModel(model, 'model'), optionsOf()(options, 'options'));
  const { limits = defaultLimits } = options;
  const found = decodeFile(model, bytes, limits);
  const beside = (found.sections ?? []).map((section) => ({
    on: nameOf(section.id),
    bits: 8 * section.bytes.length,
  }));
  const { headerBytes } = readHeader(bytes, limits);
  const header = { on: 'header', bits: 8 * headerBytes - sum(beside) };
  const stream = 8 * (bytes.length - headerBytes);
  if (found.prior === 'samples') return [header, ...beside, { on: 'samples', bits: stream }];
  const { prior: kind, quality, shape, symbols } = found;
  const layout = modulationLayout(model.card.spec, shape);
  const prior = readPrior(model, kind);
  const levels = layout.levels.map(({ count }, level) => {
    const meter = new CostMeter();
    prior.walk(layout, quality, symbols.slice(), meter, { level, from: 0, to: count });
    return { on: `level ${level + 1}`, bits: meter.bitCount };
  });
  return [header, ...beside, ...levels, { on: 'rest', bits: stream - sum(levels) }];
}

function nameOf(id: number): string {
  return Object.entries(sectionIds).find(([, own]) => own === id)?.[0] ?? `section ${id}`;
}

function sum(parts: readonly Spent[]): number {
  return parts.reduce((total, { bits }) => total + bits, 0);
}
