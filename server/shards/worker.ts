/** The thread that asks shards: it waits for their answers, reads them and puts them together, which may take long for large ones. */
import { parentPort, workerData } from 'node:worker_threads';
import { AbortedError } from '../../src/core/errors.ts';
import { mergeParts, type Row } from '../../src/query/index.ts';
import { jsonType } from '../media.ts';
import { flatten } from '../wire-error.ts';
import { fanOut, ShardDoor } from './fan-out.ts';
import type { FromShards, ShardsAnswer, ShardsQuestion, ShardsSetup, ToShards } from './messages.ts';

const port = parentPort!;
const { urls, key, withinMs } = workerData as ShardsSetup;
const doors = urls.map((url) => new ShardDoor(url, { key, retries: 0 }));
const running = new Map<number, AbortController>();

async function answered(question: ShardsQuestion, signal: AbortSignal): Promise<ShardsAnswer> {
  const { prepared, as } = question;
  const isByBits = prepared.why !== undefined && question.request.kind === 'unlikely';
  const request = isByBits ? { ...question.request, prior: 'stored' } : question.request;
  const asking = fanOut(doors, question, { withinMs, signal });
  const { items, next, damaged, ...found } = await mergeParts(request as typeof question.request, asking.ask);
  const missing = [...asking.missing].sort(([a], [b]) => a - b);
  const head = {
    ...found,
    ...(isByBits ? { why: prepared.why } : {}),
    shards: { count: doors.length, missing: missing.map(([, one]) => one) },
  };
  const end = { next, ...(damaged === undefined ? {} : { damaged }) };
  const text =
    as === jsonType
      ? JSON.stringify({ ...head, items, ...end })
      : [head, ...(items as readonly Row[]), end].map((row) => `${JSON.stringify(row)}\n`).join('');
  return { bytes: new TextEncoder().encode(text), missing: missing.map(([index]) => index + 1) };
}

port.on('message', (message: ToShards) => {
  const { job } = message;
  if (message.kind === 'close') {
    for (const one of running.values()) one.abort();
    return port.close();
  }
  if (message.kind === 'stop') return running.get(job)?.abort();
  const abort = new AbortController();
  running.set(job, abort);
  const say = (answer: FromShards, moved: ArrayBuffer[] = []) => port.postMessage(answer, moved);
  answered(message.question, abort.signal)
    .then(
      (done) => say({ job, done }, [done.bytes.buffer]),
      (error) => say({ job, error: flatten(abort.signal.aborted ? new AbortedError() : error) }),
    )
    .finally(() => running.delete(job));
});
