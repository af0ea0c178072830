/** Results of encoding with other facts than they came with. */
import type { Encoded } from './types.ts';

/** `encoded` with other facts; what it makes when asked is not made for this. */
export function withFacts(encoded: Encoded, facts: Partial<Encoded>): Encoded {
  const properties = Object.getOwnPropertyDescriptors(encoded);
  const own = Object.entries(facts).map(([name, value]) => [name, { value, enumerable: true }]);
  return Object.defineProperties({} as Encoded, { ...properties, ...Object.fromEntries(own) });
}
