/** Jobs: asking for them, following them, and having what they made. */
import type { JobRequest } from '../jobs/specs.ts';
import type { JobJson } from '../jobs/view.ts';
import type { UploadJson } from '../routes/uploads.ts';
import { serverEvents } from './sse.ts';
import { bytesOf, type Call, jsonBody, Transport } from './transport.ts';

export type { JobJson, JobRequest, UploadJson };

/** A job whose data is the file that comes with it. */
export type JobRequestOfFile = JobRequest extends infer R ? Omit<R, 'data'> : never;

/** What a job tells, in order of `id`; `end` is the last one. */
export type JobEvent = { readonly id: number; readonly at: string } & (
  | { readonly type: 'state'; readonly state: 'queued' | 'running' | 'paused' }
  | { readonly type: 'start'; readonly total: number; readonly done: number; readonly unit: string }
  | {
      readonly type: 'progress';
      readonly done: number;
      readonly total: number;
      readonly figures: Readonly<Record<string, number | null>>;
    }
  | { readonly type: 'checkpoint'; readonly done: number }
  | { readonly type: 'note'; readonly message: string }
  | {
      readonly type: 'end';
      readonly state: 'done' | 'failed' | 'cancelled';
      readonly result?: JobJson['result'];
      readonly fault?: JobJson['fault'];
    }
);

/** A job that failed or was cancelled. */
export class JobError extends Error {
  readonly job: JobJson;
  constructor(job: JobJson) {
    super(job.fault === null ? `job ${job.id} was ${job.state}` : `${job.fault.code}: ${job.fault.detail}`);
    this.name = 'JobError';
    this.job = job;
  }
}

/** Every method throws ProblemError when the server answers with a problem, and what `fetch` throws. */
export class JobCalls extends Transport {
  /**
   * Asks for a job. A key that names the request (by chance, unless one is given) makes it safe to be sent again.
   *
   * @example
   * const { id } = await client.jobs.add({ kind: 'build', functaset: 'garments', model: 'tiny', data: { dataset: 'fixture-fashion' } });
   */
  add(
    request: JobRequest,
    options: Call & { readonly idempotencyKey?: string | undefined } = {},
  ): Promise<JobJson> {
    const { idempotencyKey = freshKey() } = options;
    const { headers, ...init } = jsonBody('POST', request);
    const keyed = { ...(headers as Record<string, string>), 'idempotency-key': idempotencyKey };
    return this.json('/v1/jobs', {}, options, { ...init, headers: keyed });
  }

  /**
   * Asks for a job together with the file that it is about: an archive of files, or one file. The job names no data.
   *
   * @example
   * const { id } = await client.jobs.addWithFile({ kind: 'encode', model: 'tiny' }, picture);
   * await client.jobs.wait(id);
   */
  addWithFile(
    request: JobRequestOfFile,
    file: Uint8Array | Blob,
    { idempotencyKey = freshKey(), ...call }: Call & { readonly idempotencyKey?: string | undefined } = {},
  ): Promise<JobJson> {
    const body = new FormData();
    body.append('job', JSON.stringify(request));
    body.append('file', file instanceof Blob ? file : new Blob([file as Uint8Array<ArrayBuffer>]), 'file');
    const headers = { 'idempotency-key': idempotencyKey };
    return this.json('/v1/jobs', {}, call, { method: 'POST', body, headers });
  }

  /**
   * All jobs, newest first.
   *
   * @example
   * const running = (await client.jobs.list()).filter(({ state }) => state === 'running');
   */
  async list(call: Call = {}): Promise<JobJson[]> {
    return (await this.json<{ jobs: JobJson[] }>('/v1/jobs', {}, call)).jobs;
  }

  /**
   * One job as it is now.
   *
   * @example
   * const { state, progress } = await client.jobs.get(job.id);
   */
  get(id: string, call: Call = {}): Promise<JobJson> {
    return this.json(pathOf(id), {}, call);
  }

  /**
   * Cancels a job that waits or is at work; forgets one that is over.
   *
   * @example
   * const asked = await client.jobs.add({ kind: 'learn', recipe: 'fashion-mnist', steps: 100, data: { dataset: 'fixture-fashion' } });
   * const { state } = await client.jobs.remove(asked.id); // 'cancelled'
   */
  remove(id: string, call: Call = {}): Promise<JobJson> {
    return this.json(pathOf(id), {}, call, { method: 'DELETE' });
  }

  /**
   * Stops a job so that `resume` lets it go on later from where it last kept its state. Answers 409 `job-over` for one that is over.
   *
   * @example
   * const later = await client.jobs.add({ kind: 'build', functaset: 'later', model: 'tiny', data: { dataset: 'fixture-fashion' } });
   * const { state } = await client.jobs.pause(later.id); // 'paused'
   */
  pause(id: string, call: Call = {}): Promise<JobJson> {
    return this.json(`${pathOf(id)}/pause`, {}, call, { method: 'POST' });
  }

  /**
   * Lets a job that is paused go on.
   *
   * @example
   * for (const job of await client.jobs.list()) if (job.state === 'paused') await client.jobs.resume(job.id);
   */
  resume(id: string, call: Call = {}): Promise<JobJson> {
    return this.json(`${pathOf(id)}/resume`, {}, call, { method: 'POST' });
  }

  /**
   * What happens to a job, after the event of number `after`, until its last one. Where the connection breaks off or the server is started again, it
   * goes on after the last event that was read.
   *
   * @example
   * for await (const event of client.jobs.events(job.id)) {
   *   if (event.type === 'progress') console.log(event.done, event.total, event.figures);
   * }
   */
  async *events(
    id: string,
    { after = 0, signal }: Call & { readonly after?: number | undefined } = {},
  ): AsyncGenerator<JobEvent> {
    let last = after;
    for (let tried = 0; tried <= this.retries; tried++) {
      try {
        const headers = { accept: 'text/event-stream', 'last-event-id': String(last) };
        const response = await this.call(`${pathOf(id)}/events`, {}, { signal }, { headers });
        if (response.body === null || response.status === 204) return;
        for await (const { data } of serverEvents(response.body)) {
          const event = JSON.parse(data) as JobEvent;
          last = event.id;
          tried = 0;
          yield event;
          if (event.type === 'end') return;
        }
      } catch (error) {
        if (signal?.aborted || isAnswer(error) || tried === this.retries) throw error;
      }
      await this.rest(tried, signal);
    }
    throw new Error(`the events of job ${id} broke off again and again after number ${last}`);
  }

  /**
   * Waits for the end of a job. Throws JobError where it failed or was cancelled.
   *
   * @example
   * const { result } = await client.jobs.wait(job.id);
   */
  async wait(
    id: string,
    { onEvent, ...call }: Call & { readonly onEvent?: ((event: JobEvent) => void) | undefined } = {},
  ): Promise<JobJson> {
    for await (const event of this.events(id, call)) onEvent?.(event);
    const job = await this.get(id, call);
    if (job.state !== 'done') throw new JobError(job);
    return job;
  }

  /**
   * The file that a job made: a `.functa` file of an encode, a model that was learnt without a name.
   *
   * @example
   * const upload = await client.jobs.upload(picture);
   * const asked = await client.jobs.add({ kind: 'encode', model: 'tiny', data: { upload: upload.id } });
   * await client.jobs.wait(asked.id);
   * const file = await client.jobs.result(asked.id);
   */
  async result(id: string, call: Call = {}): Promise<Uint8Array> {
    const headers = { accept: 'application/octet-stream' };
    return bytesOf(await this.call(`${pathOf(id)}/result`, {}, call, { headers }));
  }

  /**
   * Sends bytes for a job: a tar archive of files, or one file of a signal. They are kept for a day.
   *
   * @example
   * const { id, sha256 } = await client.jobs.upload(picture);
   */
  upload(bytes: Uint8Array | Blob, call: Call = {}): Promise<UploadJson> {
    const headers = { 'content-type': 'application/octet-stream' };
    return this.json('/v1/uploads', {}, call, {
      method: 'POST',
      body: bytes as NonNullable<RequestInit['body']>,
      headers,
    });
  }
}

/** 128 bits in hex; `randomUUID` is not there on pages that came without TLS. */
function freshKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
}

function pathOf(id: string): string {
  return `/v1/jobs/${encodeURIComponent(id)}`;
}

/** What the server said; sent again, it would say the same. */
function isAnswer(error: unknown): boolean {
  return error instanceof Error && 'problem' in error;
}
