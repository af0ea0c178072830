/** Asking a service for jobs over plain HTTP, and what it tells of them. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';

export interface Job {
  readonly id: string;
  readonly code?: string;
}

export interface Told {
  readonly id: number;
  readonly type: string;
  readonly data: Record<string, unknown>;
}

export type Ask = (path: string, init?: RequestInit) => Promise<Response>;

/** What tests do with the service that `ask` asks. */
export function askingJobs(ask: Ask) {
  async function add(job: unknown, headers: Record<string, string> = {}) {
    const response = await ask('/v1/jobs', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(job),
    });
    return { status: response.status, json: (await response.json()) as Job };
  }

  async function eventsOf(id: string, after = 0): Promise<Told[]> {
    const response = await ask(`/v1/jobs/${id}/events`, { headers: { 'last-event-id': String(after) } });
    const text = await response.text();
    return text
      .split('\n\n')
      .filter((part) => part.startsWith('id:'))
      .map((part) => {
        const [, n, type, data] = /^id: (\d+)\nevent: (\w+)\ndata: (.*)$/.exec(part)!;
        return { id: Number(n), type: type!, data: JSON.parse(data!) };
      });
  }

  /** Waits for the last event; the job as it is then. */
  async function over(id: string) {
    expect((await eventsOf(id)).at(-1)?.type).toBe('end');
    return (await (await ask(`/v1/jobs/${id}`)).json()) as Job & {
      readonly state: string;
      readonly result: { readonly modelId: string; readonly figures: Record<string, number> } | null;
      readonly fault: { readonly code: string; readonly detail: string } | null;
    };
  }

  async function upload(bytes: Uint8Array): Promise<string> {
    const response = await ask('/v1/uploads', {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: bytes as Uint8Array<ArrayBuffer>,
    });
    expect(response.status).toBe(201);
    const { id, bytes: length, sha256 } = (await response.json()) as Record<string, string | number>;
    expect([length, sha256]).toEqual([bytes.length, createHash('sha256').update(bytes).digest('hex')]);
    return id as string;
  }

  return { add, eventsOf, over, upload };
}

/** CPU seconds of a process so far; of those that this one started and that are over, where none is named. */
export function cpuSeconds(pid?: string): number {
  const text = readFileSync(`/proc/${pid ?? 'self'}/stat`, 'utf8');
  const fields = text
    .slice(text.lastIndexOf(') ') + 2)
    .split(' ')
    .map(Number);
  const [user, system] = pid === undefined ? [13, 14] : [11, 12];
  return (fields[user]! + fields[system]!) / 100;
}
