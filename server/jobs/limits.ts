/** What jobs may ask for. */

export interface JobLimits {
  /** Jobs at work at once, each in a process of its own. */
  readonly running: number;
  /** Jobs of one namespace that wait or are at work. */
  readonly waiting: number;
  /** Jobs of one namespace that are remembered; the oldest of those that are over make room. */
  readonly kept: number;
  /** Milliseconds for which a job that is over is remembered, with its result. */
  readonly ageMs: number;
  /** Outer steps of one training. */
  readonly steps: number;
  /** Values at all points of all signals of one step of a training: what its memory goes with. */
  readonly stepValues: number;
  /** Milliseconds that a job may work, counted anew after a restart of the server. */
  readonly wallMs: number;
  /** Bytes of one upload. */
  readonly uploadBytes: number;
  /** Bytes of all uploads of one namespace. */
  readonly uploadsBytes: number;
  /** Milliseconds for which an upload is kept. */
  readonly uploadAgeMs: number;
  /** Files in one archive, and bytes of them unpacked over the bytes of the upload. */
  readonly archiveFiles: number;
  readonly archiveGrowth: number;
  /** Event streams that one namespace reads at once. */
  readonly watchers: number;
  /** Milliseconds between two comments on an event stream where nothing happens. */
  readonly heartbeatMs: number;
}

export const defaultJobLimits: JobLimits = {
  running: 1,
  waiting: 100,
  kept: 1000,
  ageMs: 7 * 24 * 3600 * 1000,
  steps: 100_000,
  stepValues: 2 ** 26,
  wallMs: 24 * 3600 * 1000,
  uploadBytes: 2 ** 30,
  uploadsBytes: 2 ** 32,
  uploadAgeMs: 24 * 3600 * 1000,
  archiveFiles: 100_000,
  archiveGrowth: 64,
  watchers: 64,
  heartbeatMs: 15_000,
};
