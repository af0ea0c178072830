/** Schemas of what is told of functasets and functions (told.ts). */
import { z } from '@hono/zod-openapi';
import { metadataSchema } from './schemas.ts';

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

export type FunctionJson = z.output<typeof functionSchema>;
