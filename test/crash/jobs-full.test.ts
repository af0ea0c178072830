/** Jobs on a disk that fills up, or may not be written: what is told of them, and what is left. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { defaultJobLimits } from '../../server/jobs/limits.ts';
import type { EventLine } from '../../server/jobs/log.ts';
import { Jobs } from '../../server/jobs/manager.ts';
import type { JobProcessEvents } from '../../server/jobs/process.ts';
import type { JobSpec } from '../../server/jobs/specs.ts';
import { Uploads } from '../../server/jobs/uploads.ts';
import { EnvironmentError } from '../../src/core/errors.ts';
import { defaultLimits } from '../../src/core/limits.ts';
import { hasSmallDisks, smallDisk } from '../small-disk.ts';

const spec: JobSpec = { kind: 'learn', data: { dataset: 'x' }, recipe: 'functa' };
const namespace = 'default';

/** Jobs below a directory, whose work does what the test says. */
async function openJobs(directory: string) {
  const begun: { readonly id: string; readonly events: JobProcessEvents; readonly killed: () => boolean }[] =
    [];
  const jobs = await Jobs.open({
    directory: join(directory, 'jobs'),
    limits: { ...defaultJobLimits, running: 1 },
    workLimits: defaultLimits,
    engine: undefined,
    secret: [directory],
    start: ({ id }, events) => {
      let isDead = false;
      const kill = async () => {
        if (isDead) return;
        isDead = true;
        events.ended({ kind: 'died' });
      };
      begun.push({ id, events, killed: () => isDead });
      return { kill, stop: kill };
    },
    takeUpload: async () => undefined,
    publish: async () => ({ figures: {} }),
    now: () => new Date(1e12),
  });
  const add = () => jobs.add({ namespace, spec, inputs: () => ({}) });
  const stateOf = async (id: string) => (await jobs.get(namespace, id)).record.state;
  /** All that a reader is told until the end. */
  const told = (id: string, after = 0) =>
    new Promise<EventLine[]>((resolve) => {
      const lines: EventLine[] = [];
      const stop = jobs.watch(namespace, id, after, (line) => {
        lines.push(line);
        if (line.type === 'end') resolve(lines);
      });
      void stop;
    });
  const started = (id: string) =>
    vi.waitFor(() => {
      const found = begun.find((one) => one.id === id);
      if (found === undefined) throw new Error('not yet');
      return found;
    });
  return { jobs, add, stateOf, told, started, begun };
}

const progress = (done: number) =>
  ({ type: 'progress', done, total: 9999, figures: { loss: done / 7, psnrDb: 30 - 1 / done } }) as const;
const faultOf = (line: EventLine | undefined) =>
  (JSON.parse(line!.text) as { readonly fault?: { readonly code: string } }).fault?.code;

test.skipIf(!hasSmallDisks)(
  'a job whose disk fills up fails, says so to who reads, and leaves its place to the next',
  async () => {
    const disk = smallDisk('1m');
    const { jobs, add, stateOf, told, started } = await openJobs(disk.directory);
    const { id } = await add();
    const { events, killed } = await started(id);
    const end = told(id);
    disk.fill(0);
    // until a line falls over the end of the last page that its file has
    for (let i = 1; i <= 100; i++) events.event(progress(i));
    const lines = await end;
    expect(lines.map((line) => line.id)).toEqual(lines.map((_, i) => i + 1));
    expect(faultOf(lines.at(-1))).toBe('disk-full');
    expect(killed()).toBe(true);
    expect((await jobs.get(namespace, id)).record).toMatchObject({
      state: 'failed',
      fault: { code: 'disk-full', detail: expect.not.stringContaining(disk.directory) },
    });
    expect(await jobs.lastEvent(namespace, id)).toBe(lines.at(-1)!.id);
    // who comes later is told the same
    expect(await told(id)).toEqual(lines);
    const kept = readFileSync(join(disk.directory, 'jobs', id, 'events.jsonl'), 'utf8');
    expect(kept.endsWith('\n')).toBe(true);
    for (const line of kept.trimEnd().split('\n')) expect(() => JSON.parse(line)).not.toThrow();

    disk.free();
    const next = await add();
    (await started(next.id)).events.ended({ kind: 'fault', error: new EnvironmentError('disk-full', 'x') });
    expect(faultOf((await told(next.id)).at(-1))).toBe('disk-full');
    await jobs.close();
    // what could be written of them stands; what could not is tried again
    const again = await openJobs(disk.directory);
    expect(await again.stateOf(next.id)).toBe('failed');
    expect(await stateOf(id)).toBe('failed');
    await again.started(id);
    await again.jobs.remove(namespace, id);
    const whole = await again.told(id);
    expect(whole.map((line) => line.id)).toEqual(whole.map((_, i) => i + 1));
    await again.jobs.close();
  },
);

test.skipIf(!hasSmallDisks)(
  'what waits when the disk is full fails, and what is asked for then is refused; there is room again, and it is done',
  async () => {
    const disk = smallDisk('1m');
    const { jobs, add, stateOf, told, started, begun } = await openJobs(disk.directory);
    const [first, second] = [await add(), await add()];
    const { events } = await started(first.id);
    disk.fill(0);
    await expect(add()).rejects.toMatchObject({ code: 'disk-full', kind: 'environment' });
    const uploads = new Uploads({
      directory: join(disk.directory, 'uploads'),
      limits: { uploadsBytes: 2 ** 20, uploadAgeMs: 1000 },
      now: () => new Date(),
    });
    async function* bytes() {
      yield new Uint8Array(2 ** 14);
    }
    await expect(uploads.keep(namespace, bytes())).rejects.toMatchObject({ code: 'disk-full' });
    expect(readdirSync(join(disk.directory, 'uploads', namespace))).toEqual([]);
    events.ended({ kind: 'fault', error: new EnvironmentError('disk-full', 'no room') });
    for (const { id } of [first, second]) {
      expect(faultOf((await told(id)).at(-1))).toBe('disk-full');
      expect(await stateOf(id)).toBe('failed');
    }
    expect(begun.map(({ id }) => id)).toEqual([first.id]);
    expect(readdirSync(join(disk.directory, 'jobs')).sort()).toEqual([first.id, second.id].sort());
    disk.free();
    const { id } = await add();
    await started(id);
    // a job that is cancelled gives its room back before that is written
    disk.fill(0);
    const cancelled = await jobs.remove(namespace, id).catch((error: { code: string }) => error.code);
    expect(['disk-full', 'cancelled']).toContain(typeof cancelled === 'string' ? cancelled : cancelled.state);
    disk.free();
    await started((await add()).id);
    await jobs.close();
  },
);

test.skipIf(!hasSmallDisks)(
  'on a disk that may not be written, jobs are told of and none is taken in',
  async () => {
    const disk = smallDisk('1m');
    const { jobs, add, stateOf, told, started } = await openJobs(disk.directory);
    const { id } = await add();
    (await started(id)).events.ended({ kind: 'fault', error: new EnvironmentError('disk-full', 'no room') });
    const lines = await told(id);
    disk.remount('ro');
    const denied = { code: expect.stringMatching(/^(cannot-write|no-permission)$/), kind: 'environment' };
    await expect(add()).rejects.toMatchObject(denied);
    await expect(jobs.remove(namespace, id)).rejects.toMatchObject(denied);
    expect(await stateOf(id)).toBe('failed');
    expect(await told(id)).toEqual(lines);
    disk.remount('rw');
    await jobs.remove(namespace, id);
    expect(readdirSync(join(disk.directory, 'jobs'))).toEqual([]);
    await jobs.close();
  },
);
