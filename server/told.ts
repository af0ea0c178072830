/** What is told of functasets and functions in JSON. */
import { z } from '@hono/zod-openapi';
import type { FunctionSummary } from '../src/functaset/index.ts';
import { factsOf } from '../src/query/index.ts';
import { metadataSchema } from './schemas.ts';
import type { FunctasetSummary } from './work/verbs/functasets.ts';

export const functasetSummary = z
  .object({
    name: z.string(),
    functions: z.number().int(),
    shape: z.array(z.number().int()),
    networkId: z.string(),
    model: z.string().nullable().openapi({ description: 'The served model of this network.' }),
    links: z.object({ self: z.string(), functions: z.string() }),
  })
  .openapi('FunctasetSummary');

export const functionSchema = z
  .object({
    id: z.string(),
    label: z.union([z.string(), z.number()]).nullable(),
    shape: z.array(z.number().int()),
    psnrDb: z.number().nullable().openapi({
      description: 'Null: decoded without any loss, or put without the signal that it is of.',
    }),
    bits: z.number(),
    bitsPerPoint: z.number(),
    codedBytes: z.number().int(),
    metadata: metadataSchema,
    version: z
      .string()
      .openapi({ description: 'Another when anything of it is; what entity tags begin with.' }),
    links: z.object({ self: z.string() }),
  })
  .openapi('Function');

/** A function's facts, and which state of it they are of. */
export interface VersionedSummary extends FunctionSummary {
  readonly version: string;
}

/** `functaset`: its name. */
export function functionJson(functaset: string, { version, ...summary }: VersionedSummary) {
  const self = `/v1/functasets/${encodeURIComponent(functaset)}/functions/${encodeURIComponent(summary.id)}`;
  const metadata = (summary.metadata ?? {}) as z.output<typeof metadataSchema>;
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
