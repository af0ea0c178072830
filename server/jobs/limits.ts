/** What jobs may ask for: a part of the table of limits. */
import type { LimitRow } from '../operations/limit-table.ts';

export const jobTable = {
  running: {
    unit: 'jobs',
    usual: 1,
    least: 0,
    what: 'at work at once, each in a process of its own',
    met: 'the next ones wait',
  },
  waiting: {
    unit: 'jobs',
    usual: 100,
    least: 1,
    what: 'of one namespace that wait or are at work',
    met: '429 `too-many-jobs`',
  },
  kept: {
    unit: 'jobs',
    usual: 1000,
    least: 1,
    what: 'of one namespace that are remembered',
    met: 'the oldest of those that are over makes room',
  },
  ageMs: {
    unit: 'ms',
    usual: 7 * 24 * 3600 * 1000,
    least: 1,
    what: 'for which a job that is over is remembered, with its result',
    met: 'it is removed',
  },
  steps: {
    unit: 'steps',
    usual: 100_000,
    least: 1,
    what: 'of the outer loop of one training',
    met: '413 `limit-job-steps`',
  },
  stepValues: {
    unit: 'values',
    usual: 2 ** 26,
    least: 1,
    what: 'at all points of all signals of one step of a training: what its memory goes with',
    met: '413 `limit-step-values`',
  },
  wallMs: {
    unit: 'ms',
    usual: 24 * 3600 * 1000,
    least: 1,
    what: 'that a job may work, counted anew after a restart of the server',
    met: 'it fails, `limit-job-ms`',
  },
  uploadBytes: {
    unit: 'bytes',
    usual: 2 ** 30,
    least: 1,
    what: 'of one upload',
    met: '413 `limit-body-bytes`',
  },
  uploadsBytes: {
    unit: 'bytes',
    usual: 2 ** 32,
    least: 1,
    what: 'of all uploads of one namespace',
    met: '413 `limit-uploads-bytes`',
  },
  sharedBytes: {
    unit: 'bytes',
    usual: 2 ** 28,
    least: 1,
    what: 'of one upload, result or model that goes through a database which several servers share',
    met: '413 `limit-shared-bytes`; a job fails with it',
  },
  uploadAgeMs: {
    unit: 'ms',
    usual: 24 * 3600 * 1000,
    least: 1,
    what: 'for which an upload is kept',
    met: 'it is removed',
  },
  archiveFiles: {
    unit: 'files',
    usual: 100_000,
    least: 1,
    what: 'in one archive',
    met: 'the job fails, `limit-archive-files`',
  },
  archiveGrowth: {
    unit: 'times',
    usual: 64,
    least: 1,
    what: 'bytes of the files of an archive over those of the upload',
    met: 'the job fails, `limit-archive-bytes`',
  },
  watchers: {
    unit: 'streams',
    usual: 64,
    least: 1,
    what: 'of events that one namespace reads at once',
    met: '429 `too-many-watchers`',
  },
  heartbeatMs: {
    unit: 'ms',
    usual: 15_000,
    least: 1,
    what: 'between two comments on an event stream where nothing happens',
    met: 'a comment is sent',
  },
} as const satisfies Readonly<Record<string, LimitRow>>;

export type JobLimits = Readonly<Record<keyof typeof jobTable, number>>;

export const defaultJobLimits = Object.fromEntries(
  Object.entries(jobTable).map(([name, { usual }]) => [name, usual]),
) as JobLimits;
