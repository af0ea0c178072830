/** What a job can be asked to do: the body of `POST /v1/jobs`. */
import { z } from '@hono/zod-openapi';
import { splits } from '../../datasets/dataset.ts';
import { type AnyPrior, codingKinds, generativeKinds } from '../../prior/kinds.ts';
import { maxEffort } from '../../src/fit/effort.ts';
import { leastGrid, mostGrid } from '../../src/formats/format.ts';
import { keepings } from '../../src/session/keeping.ts';
import type { MaxError } from '../../src/session/max-error.ts';
import { mostTypeLength } from '../media.ts';
import { namePattern } from '../names.ts';
import { metadataSchema } from '../schemas.ts';
import { idPattern } from './ids.ts';

const text = (most: number) => z.string().min(1).max(most);
const name = text(64).regex(namePattern, 'is not a name: letters, digits, - and _, at most 64');

export const uploadId = z.string().regex(idPattern, 'is not the id of an upload');

const directoryData = z.strictObject({
  directory: name.openapi({ description: 'One that the operator allows.' }),
  path: z
    .string()
    .max(512)
    .optional()
    .openapi({ description: 'A directory in it, `a/b`; default: all of it.' }),
});
const uploadData = z.strictObject({
  upload: uploadId.openapi({
    description: 'From `POST /v1/uploads`: an archive of files (tar, tar.gz, ZIP), or one file.',
  }),
});
const datasetData = z.strictObject({
  dataset: text(64).openapi({ description: 'One that comes with the service.' }),
});
const functasetData = z.strictObject({ functaset: text(128) });

const data = z
  .union([uploadData, directoryData, datasetData, functasetData])
  .openapi({ description: 'Signals: of an upload, a directory, a data set or a functaset.' });
export type DataSpec = z.infer<typeof data>;

const part = {
  split: z
    .enum([...splits, 'all'])
    .optional()
    .openapi({ description: 'Default: all, and of what is learnt from, train.' }),
  limit: z.number().int().min(1).optional().openapi({ description: 'Only the first so many signals.' }),
};
const coding = {
  quality: z.number().int().min(1).max(100).optional(),
  maxError: z
    .union([z.number().positive(), z.string().regex(/^[0-9.]{1,16}(e[-+]?\d{1,3})?%$/i)])
    .transform((bound) => bound as MaxError)
    .optional()
    .openapi({
      oneOf: [{ type: 'number' }, { type: 'string' }],
      description:
        'In place of `quality`: no value of a signal is further off, in the unit of the values, or as a share of their range such as `1%`.',
    }),
  keep: z
    .enum(keepings)
    .optional()
    .openapi({ description: 'Of what signals say beside their values: see `/v1/models/{m}/encode`.' }),
  effort: z.number().int().min(1).max(maxEffort).optional(),
};
/** What is read of a file that holds more than one signal, or none on a grid. */
const parts = {
  variable: text(256)
    .optional()
    .openapi({ description: 'Of a file of several fields: see `/v1/models/{m}/encode`.' }),
  grid: z
    .number()
    .int()
    .min(leastGrid)
    .max(mostGrid)
    .optional()
    .openapi({ description: 'Samples a side of the grid that a surface is laid on.' }),
};
const model = text(128).openapi({ description: 'Name or id of a model.' });
const steps = z.number().int().min(1).optional();
const seed = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional();

const buildSpec = z
  .strictObject({
    kind: z.literal('build'),
    functaset: name.openapi({ description: 'What the functaset is called that is made.' }),
    model,
    data,
    ...part,
    ...coding,
    prior: text(64).optional(),
    strict: z
      .boolean()
      .optional()
      .openapi({ description: 'Fail at a signal that cannot be coded, instead of leaving it out.' }),
  })
  .openapi('BuildJob');

const addSpec = z
  .strictObject({
    kind: z.literal('add'),
    functaset: text(128).openapi({ description: 'The one that is there already.' }),
    data,
    ...part,
    ...coding,
    prior: text(64).optional(),
    strict: z
      .boolean()
      .optional()
      .openapi({ description: 'Fail at a signal that cannot be coded, instead of leaving it out.' }),
    replace: z.boolean().optional().openapi({ description: 'Over functions of the same ids.' }),
    type: text(mostTypeLength).optional().openapi({
      description:
        'Content type of an upload that is taken as `POST /v1/functasets/{s}/functions` takes a body, with the members below; without it, its files are signals.',
    }),
    id: text(255).optional(),
    label: z.string().max(255).optional(),
    metadata: metadataSchema.optional(),
    steps: z.enum(['chosen', 'asked']).optional(),
    as: z.enum(['signals', 'modulations']).optional(),
    size: text(64).optional(),
    ...parts,
  })
  .openapi('AddJob');

const learnSpec = z
  .strictObject({
    kind: z.literal('learn'),
    model: name
      .optional()
      .openapi({ description: 'What the model is called that is made; without, it is the result alone.' }),
    data,
    ...part,
    recipe: z
      .union([text(64), z.record(z.string(), z.unknown())])
      .openapi({ description: 'functa, coinpp, spatial or pyramid; the name of a preset; or a recipe.' }),
    latent: z.number().int().min(1).max(65536).optional(),
    cell: z.number().int().min(1).max(65536).optional(),
    overrides: z.record(z.string(), z.unknown()).optional(),
    from: model.optional().openapi({ description: 'A model to learn on from.' }),
    steps,
    seed,
    licence: text(256).optional(),
    notes: text(4096).optional(),
  })
  .openapi('LearnJob');

const priorSpec = z
  .strictObject({
    kind: z.literal('prior'),
    model,
    as: name.optional().openapi({
      description: 'What the model with the priors is called; default: it takes the place of the model.',
    }),
    data,
    ...part,
    kinds: z
      .array(z.enum([...codingKinds, ...generativeKinds] as [AnyPrior, ...AnyPrior[]]))
      .min(1)
      .max(16),
    replace: z.boolean().optional().openapi({ description: 'Replace priors of these kinds.' }),
    effort: coding.effort,
    steps,
    seed,
  })
  .openapi('PriorJob');

const encodeSpec = z
  .strictObject({
    kind: z.literal('encode'),
    model,
    data: uploadData,
    ...coding,
    psnr: z.number().positive().max(200).optional(),
    bytes: z.number().int().min(1).optional(),
    keepSigns: z
      .boolean()
      .optional()
      .openapi({ description: 'Every sample stays on its side of 0: see `/v1/models/{m}/encode`.' }),
    steps: z.enum(['chosen', 'asked']).optional(),
    type: text(128).optional().openapi({ description: 'Media type of the upload.' }),
    ...parts,
  })
  .openapi('EncodeJob');

export const jobSpec = z
  .discriminatedUnion('kind', [buildSpec, addSpec, learnSpec, priorSpec, encodeSpec])
  .openapi('JobRequest', {
    example: {
      kind: 'build',
      functaset: 'garments',
      model: 'fashion-mnist',
      data: { dataset: 'fixture-fashion' },
    },
  });

export type JobSpec = z.infer<typeof jobSpec>;
export type SpecOf<K extends JobSpec['kind']> = Extract<JobSpec, { kind: K }>;
/** As a client writes it. */
export type JobRequest = z.input<typeof jobSpec>;
