/** What is told of functasets and functions in JSON. */
import type { FunctionSummary } from '../src/functaset/index.ts';
import { factsOf } from '../src/query/index.ts';
import type { FunctionJson } from './told-schemas.ts';
import type { FunctasetSummary } from './work/verbs/functasets.ts';

/** A function's facts, and which state of it they are of. */
export interface VersionedSummary extends FunctionSummary {
  readonly version: string;
}

/** `functaset`: its name. */
export function functionJson(functaset: string, { version, ...summary }: VersionedSummary) {
  const self = `/v1/functasets/${encodeURIComponent(functaset)}/functions/${encodeURIComponent(summary.id)}`;
  const metadata = (summary.metadata ?? {}) as FunctionJson['metadata'];
  return { ...factsOf(summary), shape: [...summary.shape], metadata, version, links: { self } };
}

/** `model`: the served one of its network. */
export function functasetJson(
  { name }: { readonly name: string },
  { functions, shape, networkId }: FunctasetSummary,
  model: string | undefined,
) {
  const self = `/v1/functasets/${encodeURIComponent(name)}`;
  const links = { self, functions: `${self}/functions` };
  return { name, functions, shape: [...shape], networkId, model: model ?? null, links };
}
