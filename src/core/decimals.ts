/** Numbers of few digits. */

/** 10^k for k up to 15, exact. */
export const tens: readonly number[] = [
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
];

/** The decimal of the fewest digits below 1 that is as near to a value as `error`; the value itself where 15 of them do not do. */
export function shortestDecimal(value: number, error: number): number {
  for (const ten of tens) {
    const decimal = Math.round(value * ten) / ten;
    if (Math.abs(decimal - value) <= error) return decimal;
  }
  return value;
}
