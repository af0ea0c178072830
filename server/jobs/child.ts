/**
 * The process of one job. It keeps its state in the directory of the job, so that it may be killed at any moment; it ends by itself when
 * the server is gone.
 */
import { writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import { AbortedError, BugError } from '../../src/core/errors.ts';
import { processTag } from '../../src/disk/process.ts';
import { replaceWhole } from '../../src/disk/whole.ts';
import { engineNamed, openEngine } from '../../src/engine/index.ts';
import { flatten } from '../wire-error.ts';
import { workOf } from './kinds/index.ts';
import type { FromJob, JobSetup, ToJob } from './messages.ts';
import { readOutcome, writeOutcome } from './outcome.ts';
import { placesOf, readRecord } from './record.ts';
import { teller, withoutPaths } from './tell.ts';

const abort = new AbortController();

function say(message: FromJob): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) process.exit(1);
    process.send(message, undefined, undefined, () => resolve());
  });
}

/** Behind everything that serves: for the processor, and as the first to go where memory is short. */
function stepBack(): void {
  try {
    setPriority(constants.priority.PRIORITY_LOW);
    writeFileSync('/proc/self/oom_score_adj', '1000');
  } catch {
    // other systems have neither, and a job is as good without
  }
}

async function work({ jobs, id, engine: choice, limits, jobLimits, secret }: JobSetup): Promise<void> {
  const places = placesOf(jobs, id);
  const tag = processTag();
  replaceWhole(places.process, (fresh) => writeFileSync(fresh, tag));
  const record = readRecord(places);
  if (record === undefined) throw new BugError('a job without a record was started');
  await mkdir(places.work, { recursive: true });
  if ((await readOutcome(places)) !== undefined) return;
  const engine = await openEngine(engineNamed(choice));
  try {
    const onEvent = teller((event) => void say({ kind: 'event', event }), {
      secret,
      now: () => performance.now(),
    });
    const { spec, inputs } = record;
    const common = { inputs, places, engine, limits, jobLimits, signal: abort.signal, onEvent };
    await writeOutcome(places, await workOf(spec, common));
  } finally {
    await engine.close();
  }
}

async function run(setup: JobSetup): Promise<void> {
  try {
    await work(setup);
    await say({ kind: 'done' });
  } catch (error) {
    const { stack: _, ...plain } = flatten(abort.signal.aborted ? new AbortedError() : error);
    await say({ kind: 'fault', error: { ...plain, message: withoutPaths(plain.message, setup.secret) } });
  }
  process.exit(0);
}

process.on('disconnect', () => process.exit(1));
process.on('message', (message: ToJob) => {
  switch (message.kind) {
    case 'start':
      stepBack();
      void run(message.setup);
      return;
    case 'stop':
      abort.abort(new AbortedError());
      return;
    default:
      message satisfies never;
  }
});
