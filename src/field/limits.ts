/**
 * How large a field may be: the one set of limits that model files, cards, recipes, engines and the kernel share. Each is
 * checked (check.ts) before anything is sized by a specification. The kernel has those it needs as constants of its own
 * (src/engine/kernel/field.h), which a test compares with these, and refuses what is above them.
 */
export const fieldLimits = {
  axes: 3,
  levels: 8,
  layers: 16,
  outputs: 4096,
  width: 4096,
  harmonics: 64,
  /** Of all levels together. */
  channels: 16_384,
  /** Size of a cell or a period along an axis of a model file, in samples. */
  cell: 2 ** 26,
  /** Shared weights of a network. */
  weights: 2 ** 26,
} as const;
