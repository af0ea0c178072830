/** Taking a job in. */
import { createHash } from 'node:crypto';
import type { InNamespace, ServerContext } from '../context.ts';
import { inputsOf } from './inputs.ts';
import type { JobRecord } from './record.ts';
import { jobsOf } from './room.ts';
import type { JobSpec } from './specs.ts';

/** Takes a job in; asked again with the same key, it is the same one. Throws as `inputsOf` and `Jobs.add`. */
export async function addJob(
  context: ServerContext,
  spec: JobSpec,
  access: InNamespace,
  key?: string,
): Promise<JobRecord> {
  const room = jobsOf(context);
  const { namespace } = access;
  const digest = createHash('sha256').update(JSON.stringify(spec)).digest('hex');
  const { data } = spec;
  return room.jobs.add({
    namespace,
    spec,
    idempotency: key === undefined ? undefined : { key, digest },
    inputs: () => inputsOf({ ...context, allowed: room.allowed }, spec, access, room.limits),
    prepare: async (places) => {
      if ('upload' in data) await room.uploads.take(namespace, data.upload, places.upload);
    },
  });
}
