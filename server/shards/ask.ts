/** A query to the functaset of a database whose parts other servers hold. */
import { sep } from 'node:path';
import type { QueryRequest } from '../../src/query/index.ts';
import { type Asker, untilDeadline } from '../asker.ts';
import { functasetRef, type ServedFunctaset } from '../catalogue.ts';
import type { ServerContext } from '../context.ts';
import type { jsonType, linesType } from '../media.ts';
import { bytesReply } from '../reply.ts';
import { ask } from '../work/ask.ts';
import type { ModelRef } from '../work/shelf.ts';

/** Whether a functaset stands in a directory: what the operator serves beside a database is in no shard. */
export function isInside(path: string, directory: string | undefined): boolean {
  return directory !== undefined && path.startsWith(`${directory}${sep}`);
}

/**
 * The answer of the shards; undefined where there is nothing in the functaset to ask about. Throws as the query does here, and HttpFault 503
 * `shards-missing`.
 */
export async function askShards(
  context: ServerContext,
  served: ServedFunctaset,
  {
    request,
    model,
    as,
    asker,
  }: {
    readonly request: QueryRequest;
    readonly model: ModelRef;
    readonly as: typeof jsonType | typeof linesType;
    readonly asker: Asker;
  },
): Promise<Response | undefined> {
  const input = { model, functaset: functasetRef(served), request };
  // an own prior takes long to make
  const kind = request.kind === 'unlikely' ? 'large' : 'small';
  const { head: prepared } = await ask(context, 'prepareParts', input, { class: kind, ...asker });
  if (prepared.functions === 0) return undefined;
  const { name: functaset, namespace } = served;
  const { bytes, missing } = await untilDeadline(asker, (signal) =>
    context.shards!.ask({ functaset, namespace, request, prepared, as }, signal),
  );
  return bytesReply(bytes, {
    'content-type': as,
    ...(missing.length === 0 ? {} : { 'functa-shards-missing': missing.join(', ') }),
  });
}
