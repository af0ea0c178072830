/** How far two arrays are apart. */
import { type FieldSpec, totalChannels, weightLayout } from '../../field/spec.ts';

type Numbers = Float32Array | Float64Array;

/** Largest absolute difference, in units of the largest absolute value of `want` where that is above 1. */
export function valueError(got: Numbers, want: Numbers): number {
  let worst = got.length === want.length ? 0 : Number.POSITIVE_INFINITY;
  let scale = 1;
  for (let i = 0; i < want.length; i++) {
    const error = Math.abs(got[i]! - want[i]!);
    worst = Math.max(worst, error); // NaN stays
    scale = Math.max(scale, Math.abs(want[i]!));
  }
  return worst / scale;
}

/** 2-norm of the difference over the 2-norm of `want`; 0 where both are all zero. */
export function normError(got: Numbers, want: Numbers): number {
  if (got.length !== want.length) return Number.POSITIVE_INFINITY;
  let difference = 0;
  let size = 0;
  for (let i = 0; i < want.length; i++) {
    difference += (got[i]! - want[i]!) ** 2;
    size += want[i]! ** 2;
  }
  return difference === 0 ? 0 : Math.sqrt(difference / size);
}

export function sameBits(a: Numbers, b: Numbers): boolean {
  return Buffer.compare(bytesOf(a), bytesOf(b)) === 0;
}

/** Names and bounds of the blocks of a flat weight vector; M in two, what reaches layers and what reaches outputs, as masks. */
export function weightBlocks(
  spec: FieldSpec,
): { name: string; of: (weights: Float32Array) => Float32Array }[] {
  const layout = weightLayout(spec);
  const hidden = spec.layers * spec.width;
  const columns = (weights: Float32Array, from: number, to: number) =>
    Float32Array.from(
      Array.from({ length: totalChannels(spec) }, (_, c) => layout.m + c * layout.mColumns).flatMap((row) =>
        Array.from(weights.subarray(row + from, row + to)),
      ),
    );
  const range = (name: string, at: number, n: number) => ({
    name,
    of: (weights: Float32Array) => weights.subarray(at, at + n),
  });
  return [
    ...layout.w.map(({ at, rows }, l) => range(`W${l + 1}`, at, rows * spec.width)),
    ...layout.b.map((at, l) => range(`b${l + 1}`, at, spec.width)),
    range('Wo', layout.wo, spec.width * spec.outputs),
    range('bo', layout.bo, spec.outputs),
    { name: 'M to layers', of: (weights) => columns(weights, 0, hidden) },
    { name: 'M to outputs', of: (weights) => columns(weights, hidden, layout.mColumns) },
  ];
}

function bytesOf(a: Numbers): Buffer {
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength);
}
