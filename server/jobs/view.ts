/** Jobs as JSON. */
import { z } from '@hono/zod-openapi';
import type { JobProgress, ToldJob } from './book.ts';
import { isOver, type JobRecord, type JobResult, jobStates } from './record.ts';
import { jobSpec } from './specs.ts';

export const jobParams = z.object({
  j: z
    .string()
    .max(64)
    .openapi({ param: { name: 'j', in: 'path' }, description: 'Id of a job.' }),
});

const figures = z.record(z.string(), z.number().nullable());

export const jobSchema = z
  .object({
    id: z.string(),
    kind: z.string(),
    state: z.enum(jobStates),
    request: jobSpec,
    madeAt: z.string(),
    startedAt: z.string().nullable(),
    endedAt: z.string().nullable(),
    progress: z
      .object({ done: z.number(), total: z.number(), unit: z.string(), figures })
      .nullable()
      .openapi({ description: 'Of a job that is not over, what it said last.' }),
    result: z
      .object({
        functaset: z.string().optional(),
        model: z.string().optional(),
        modelId: z.string().optional().openapi({ description: 'SHA-256 of the file of the model.' }),
        fileBytes: z.number().optional(),
        mediaType: z.string().optional(),
        figures,
      })
      .nullable()
      .openapi({ description: 'Of a job that is done.' }),
    fault: z
      .object({ code: z.string(), detail: z.string() })
      .nullable()
      .openapi({ description: 'Of a job that failed.' }),
    links: z.object({ self: z.string(), events: z.string(), result: z.string().nullable() }),
  })
  .openapi('Job');

export type JobJson = z.infer<typeof jobSchema>;

export const jobList = z.object({ jobs: z.array(jobSchema) });

export function jobView(record: JobRecord, progress: JobProgress | undefined): JobJson {
  const { id, state, spec, madeAt, startedAt = null, endedAt = null, result, fault = null } = record;
  const self = `/v1/jobs/${id}`;
  return {
    id,
    kind: spec.kind,
    state,
    request: spec,
    madeAt,
    startedAt,
    endedAt,
    progress: isOver(state) ? null : (progress ?? null),
    result: result === undefined ? null : { ...result, figures: { ...result.figures } },
    fault: fault === null ? null : { ...fault },
    links: {
      self,
      events: `${self}/events`,
      result: result === undefined ? null : (madeBy(result) ?? `${self}/result`),
    },
  } as JobJson;
}

/** A job with how far it is. */
export function viewOf({ record, progress }: ToldJob): JobJson {
  return jobView(record, progress);
}

/** Where what a job made stands; undefined: it is a file of the job's own. */
export function madeBy({ functaset, model }: JobResult): string | undefined {
  if (functaset !== undefined) return `/v1/functasets/${encodeURIComponent(functaset)}`;
  return model === undefined ? undefined : `/v1/models/${encodeURIComponent(model)}`;
}
