/**
 * A worker: a thread with an engine, models and stores of its own. It computes one job at a time; a job whose next piece
 * nobody asks for rests, and another has the thread.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { abortedByFlag } from '../../src/core/abort.ts';
import { AbortedError } from '../../src/core/errors.ts';
import { useLatch } from '../../src/core/unbroken.ts';
import { engineNamed, openEngine } from '../../src/engine/index.ts';
import { flatten } from '../wire-error.ts';
import type { FromWorker, Made, ToWorker, WorkerSetup } from './messages.ts';
import { pieces } from './pieces.ts';
import { Shelf } from './shelf.ts';
import { verbs } from './verbs/index.ts';

/** Answers up to this size are sent in one message, with their length. */
const wholeBytes = 2 ** 18;
const pieceBytes = 2 ** 16;

interface Running {
  /** The next piece is asked for. */
  more(): void;
  stop(): void;
}

const port = parentPort!;
const { engine: choice, limits, latch } = workerData as WorkerSetup;
useLatch(latch);
const running = new Map<number, Running>();

const say = (message: FromWorker, bytes?: Uint8Array<ArrayBuffer>) =>
  port.postMessage(message, bytes === undefined ? [] : [bytes.buffer]);

type AnyVerb = (shelf: Shelf, input: unknown, signal: AbortSignal) => Promise<Made<unknown>>;

async function run(shelf: Shelf, { job, verb, input, flag }: ToWorker & { kind: 'job' }): Promise<void> {
  const abort = abortedByFlag(flag);
  const { signal } = abort;
  const own: Running = { more: () => undefined, stop: () => abort.abort() };
  running.set(job, own);
  try {
    const work = (verbs as Readonly<Record<string, unknown>>)[verb] as AnyVerb;
    const made = await work(shelf, input, signal);
    let begun = false;
    const sizes = made.live ? { first: 1, others: 1 } : { first: wholeBytes, others: pieceBytes };
    for await (const { bytes, last } of pieces(made.bytes ?? none(), sizes)) {
      if (signal.aborted) throw new AbortedError();
      const asked = last ? undefined : askedForMore(own, abort);
      if (begun) say({ kind: 'piece', job, bytes, last }, bytes);
      else say({ kind: 'answer', job, head: made.head, bytes, last }, bytes);
      begun = true;
      await asked;
    }
  } catch (error) {
    say({ kind: 'fault', job, error: flatten(signal.aborted ? new AbortedError() : error) });
  } finally {
    running.delete(job);
  }
}

function askedForMore(own: Running, abort: AbortController): Promise<void> {
  return new Promise((resolve, reject) => {
    own.more = resolve;
    own.stop = () => {
      abort.abort();
      reject(new AbortedError());
    };
  });
}

async function* none(): AsyncGenerator<Uint8Array> {}

try {
  const engine = await openEngine(engineNamed(choice), { blocking: true });
  const shelf = new Shelf(engine, limits);
  port.on('message', (message: ToWorker) => {
    switch (message.kind) {
      case 'job':
        void run(shelf, message);
        return;
      case 'more':
        running.get(message.job)?.more();
        return;
      case 'forget':
        void shelf.forget(message.path);
        return;
      case 'stop':
        running.get(message.job)?.stop();
        return;
      default:
        message satisfies never;
    }
  });
  say({ kind: 'ready', engine: engine.name });
} catch (error) {
  say({ kind: 'unready', error: flatten(error) });
}
