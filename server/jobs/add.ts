/** Taking a job in. */
import type { Access } from '../access/access.ts';
import type { ServerContext } from '../context.ts';
import { inputsOf } from './inputs.ts';
import type { JobRecord } from './record.ts';
import { jobsOf } from './room.ts';
import type { JobSpec } from './specs.ts';

/** Takes a job in; asked again with the same key, it is the same one. Throws as `inputsOf` and `Jobs.add`. */
export async function addJob(
  context: ServerContext,
  spec: JobSpec,
  access: Access,
  idempotency?: JobRecord['idempotency'],
): Promise<JobRecord> {
  const room = jobsOf(context);
  return room.jobs.add({
    namespace: access.namespace,
    spec,
    idempotency,
    inputs: () => inputsOf({ ...context, allowed: room.allowed }, spec, access, room.limits),
  });
}
