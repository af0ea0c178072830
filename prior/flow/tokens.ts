/** Where the numbers that a flow whitens together go among tokens; slots that none of them falls on are left out. */
import type { ModulationLayout } from '../../src/field/layout.ts';
import { tokenLayout } from '../train/tokens.ts';

export interface FlowTokens {
  readonly tokens: number;
  readonly slots: number;
  /** Of each number in `together`: its place in [tokens, slots]. */
  readonly places: Int32Array;
  /** [tokens * slots]: 1 where there is one. */
  readonly used: Uint8Array;
}

export function flowTokens(layout: ModulationLayout, together: Int32Array): FlowTokens {
  const { tokens, slots: all, places: from } = tokenLayout(layout);
  const kept = [...new Set(Array.from(together, (d) => from[d]! % all))].sort((a, b) => a - b);
  const slotOf = new Map(kept.map((slot, i) => [slot, i]));
  const slots = Math.max(1, kept.length);
  const places = Int32Array.from(together, (d) => {
    const place = from[d]!;
    return Math.floor(place / all) * slots + slotOf.get(place % all)!;
  });
  const used = new Uint8Array(tokens * slots);
  for (const place of places) used[place] = 1;
  return { tokens, slots, places, used };
}
