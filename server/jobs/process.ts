/** Starting and ending the process of a job. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isOver, processTag, tagPattern } from '../../src/disk/process.ts';
import { revive } from '../wire-error.ts';
import type { JobEventBody } from './log.ts';
import type { FromJob, JobSetup, ToJob } from './messages.ts';
import type { JobPlaces } from './record.ts';

export interface JobProcessEvents {
  event(event: JobEventBody): void;
  /** Once, after the last event: the outcome is written, or why there is none; `died`: nobody says why. */
  ended(how: { readonly kind: 'done' | 'died' } | { readonly kind: 'fault'; readonly error: Error }): void;
}

export interface JobProcess {
  /** Asks it to keep its state and end; ends it where it has not after so many milliseconds. */
  stop(patienceMs: number): Promise<void>;
  /** Ends it at once. */
  kill(): Promise<void>;
}

export type StartJob = (setup: JobSetup, events: JobProcessEvents) => JobProcess;

export const startJob: StartJob = (setup, events) => {
  const child = spawnJob();
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let how: Parameters<JobProcessEvents['ended']>[0] = { kind: 'died' };
  child.on('message', (message: FromJob) => {
    switch (message.kind) {
      case 'event':
        events.event(message.event);
        return;
      case 'done':
        how = { kind: 'done' };
        return;
      case 'fault':
        how = { kind: 'fault', error: revive(message.error) };
        return;
      default:
        message satisfies never;
    }
  });
  // a process that could not be started has no channel
  child.on('error', () => undefined);
  void closed.then(() => events.ended(how));
  const tell = (message: ToJob) => child.connected && child.send(message, () => undefined);
  tell({ kind: 'start', setup });
  const kill = async () => {
    child.kill('SIGKILL');
    await closed;
  };
  return {
    kill,
    async stop(patienceMs) {
      tell({ kind: 'stop' });
      const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
      await closed;
      clearTimeout(timer);
    },
  };
};

/**
 * Ends the process that an earlier server left on a job, where there still is one, and waits until it is gone: two on one directory
 * would write over each other.
 */
export async function endForgotten({ process: path }: JobPlaces, pollMs = 10): Promise<void> {
  const tag = await readFile(path, 'utf8').catch(() => '');
  const [place, pid] = tag.split('-');
  // one of another start of this machine is gone with it
  if (!tagPattern.test(tag) || !processTag().startsWith(`${place}-`)) return;
  while (!isOver(tag, 0)) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // it was faster, or is not ours to end
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** From dist a plain module; from the sources as thread.ts does it. What it prints goes nowhere: what it has to say, it says. */
function spawnJob(): ChildProcess {
  const compiled = process.env.FUNCTA_COMPILED;
  const here = fileURLToPath(new URL('.', import.meta.url));
  const fromSources = import.meta.url.endsWith('.ts') && compiled === undefined;
  const [options, file] = fromSources
    ? [['--import', import.meta.resolve('tsx')], join(here, 'child.ts')]
    : [[], compiled === undefined ? join(here, 'child.js') : join(compiled, 'server/jobs/child.js')];
  return spawn(process.execPath, [...options, file], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
  });
}
