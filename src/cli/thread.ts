/**
 * Runs a command in a thread of its own. This thread owns the terminal: it writes, reads and hears signals, which a thread that
 * computes cannot. The first SIGINT or SIGTERM asks the command to stop; a command that does not come to its end in time is
 * ended, and its temporary files go with it. The second signal ends at once.
 */
import { fstatSync, rmSync, writeSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { getHeapStatistics } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { AbortedError } from '../core/errors.ts';
import { newLatch, takeLatch } from '../core/unbroken.ts';
import { complain } from './complain.ts';
import { exitCodeOf, exitCodes, toFunctaError } from './exit.ts';
import { type Asked, faultOf, type ThreadData, type Told } from './wire.ts';

/** Time in which a command ends after an interruption, in milliseconds, before it is ended. */
const graceMs = 150;
/** The same for commands that put away what they have, as far as they have not heard yet; once they have, they may finish. */
const patientMs = 10_000;
/** A native call cannot be ended: it is left behind. */
const terminateMs = 100;
/** Calls of a store or a graph are waited for: to be cut off, they would abort the process. */
const latchMs = 2000;
/** Commands that keep a state to go on from, or change a store; the words of each. */
const patient = [
  ['learn'],
  ['build'],
  ['prior', 'train'],
  ['classify', 'train'],
  ['data', 'fetch'],
  ...['put', 'delete', 'unpack', 'compact', 'upgrade'].map((verb) => ['store', verb]),
];

/** Runs one command line to its end and gives its exit code. */
export function runInThread(argv: readonly string[]): Promise<number> {
  const { stdin, stdout, stderr } = process;
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const terminal = { isTTY: stderr.isTTY, columns: stderr.columns };
  const latch = newLatch();
  const worker = startWorker({ argv, stop, latch, terminal });
  const ask = (asked: Asked) => worker.postMessage(asked);
  const temporary = new Set<string>();
  const isPatient = patient.some((words) => words.every((word) => argv.includes(word)));
  const json = argv.includes('--json');
  for (const stream of [stdin, stdout, stderr]) stream.on('error', () => {});

  return new Promise((resolve) => {
    let ended = false;
    let deadline: NodeJS.Timeout | undefined;
    const end = (code: number) => {
      ended = true;
      clearTimeout(deadline);
      resolve(code);
    };
    const endNow = async (say: boolean) => {
      if (ended) return;
      ended = true;
      await within(takeLatch(latch), latchMs);
      await within(worker.terminate(), terminateMs);
      for (const path of temporary) rmSync(path, { recursive: true, force: true });
      if (say) await complain(new AbortedError('interrupted'), process, json);
      end(exitCodes.interrupted);
    };
    const onSignal = () => {
      if (Atomics.exchange(stop, 0, 1) !== 0) return void endNow(false);
      ask({ type: 'abort' });
      deadline = setTimeout(() => void endNow(true), isPatient ? patientMs : graceMs);
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
    const source = stdinPieces(stdin);

    worker.on('message', async (told: Told) => {
      if (ended) return;
      switch (told.type) {
        case 'write': {
          const fault = await writeAll(told.stream === 'stdout' ? stdout : stderr, told.piece);
          ask({ type: 'written', stream: told.stream, id: told.id, fault: fault && faultOf(fault) });
          return;
        }
        case 'read':
          try {
            const { value, done } = await source.next();
            ask({ type: 'piece', piece: done ? null : value });
          } catch (error) {
            ask({ type: 'piece', piece: null, fault: faultOf(error as NodeJS.ErrnoException) });
          }
          return;
        case 'file':
          if (told.there) temporary.add(told.path);
          else temporary.delete(told.path);
          return;
        case 'heard':
          if (isPatient) clearTimeout(deadline);
          return;
        case 'exit':
          end(told.code);
          return;
        default:
          told satisfies never;
      }
    });
    worker.on('error', async (thrown) => {
      if (ended) return;
      const error = toFunctaError(thrown);
      for (const path of temporary) rmSync(path, { recursive: true, force: true });
      await complain(error, process, json);
      end(exitCodeOf(error));
    });
  });
}

async function within(work: Promise<unknown>, ms: number): Promise<void> {
  await Promise.race([work, new Promise((done) => setTimeout(done, ms))]);
}

/** From dist a plain module; from the sources, TypeScript through tsx. As much memory as this thread may have. */
function startWorker(workerData: ThreadData): Worker {
  const options = {
    workerData,
    argv: [...workerData.argv],
    resourceLimits: {
      maxOldGenerationSizeMb: Math.ceil(getHeapStatistics().heap_size_limit / 2 ** 20),
      // Most of what is made is arrays outside of it: a usual one, three times 16 MB, was 24 MB of any command's peak and saved no time.
      maxYoungGenerationSizeMb: 12,
    },
  };
  if (!import.meta.url.endsWith('.ts'))
    return new Worker(new URL('./command-thread.js', import.meta.url), options);
  const url = JSON.stringify(new URL('./command-thread.ts', import.meta.url).href);
  // resolved from here: the worker would look for it from where the command is run
  const tsx = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const source = `import(${tsx}).then(({ register }) => (register(), import(${url})))`;
  return new Worker(source, { ...options, eval: true });
}

/** Begun when a piece is wanted first: a command that reads nothing leaves the terminal's input alone. */
async function* stdinPieces(stdin: NodeJS.ReadStream): AsyncGenerator<Uint8Array> {
  for await (const piece of stdin) yield typeof piece === 'string' ? Buffer.from(piece) : piece;
}

/**
 * All of a piece, or why not. Into a file it is written here and to its end: Node's stream of a file takes a write that a full
 * disk cut short for a whole one.
 */
async function writeAll(
  stream: Writable & { readonly fd: number },
  piece: Uint8Array,
): Promise<NodeJS.ErrnoException | undefined> {
  try {
    if (!fstatSync(stream.fd).isFile()) {
      await new Promise<void>((resolve, reject) => {
        stream.write(piece, (error) => (error ? reject(error) : resolve()));
      });
      return undefined;
    }
    for (let at = 0; at < piece.length; ) at += writeSync(stream.fd, piece, at);
    return undefined;
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
}
