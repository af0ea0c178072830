/** What jobs tell of their work, as progress. */
import type { JobEvent } from '../jobs/types.ts';
import type { Job } from './job.ts';

export interface Follower {
  onEvent(event: JobEvent): void;
  /** The last checkpoint that was written. */
  readonly checkpoint: { readonly path: string; readonly done: number } | undefined;
}

/** Runs `work` under a progress display fed by the events it emits. */
export function follow<T>(job: Job, label: string, work: (follower: Follower) => Promise<T>): Promise<T> {
  return job.progress(label, 'steps', (progress) => {
    let unit = 'steps';
    let checkpoint: Follower['checkpoint'];
    return work({
      get checkpoint() {
        return checkpoint;
      },
      onEvent(event) {
        switch (event.type) {
          case 'start':
            unit = event.unit;
            progress.update(event.done, event.total, '', unit);
            break;
          case 'progress':
            progress.update(event.done, event.total, figuresText(event.figures), unit);
            break;
          case 'checkpoint':
            checkpoint = { path: event.path, done: event.done };
            break;
          case 'note':
            job.note(`${event.job}: ${event.message}`);
            break;
          case 'end':
            break;
          default:
            event satisfies never;
        }
      },
    });
  });
}

/** Running figures in the order given: `psnr 25.31 dB, 0.524 bits/point`. */
export function figuresText(figures: Readonly<Record<string, number>>): string {
  return Object.entries(figures)
    .filter(([, value]) => Number.isFinite(value))
    .map(([name, value]) => {
      if (name.startsWith('psnrDb')) return `psnr ${value.toFixed(2)} dB`;
      if (name === 'bitsPerPoint') return `${value.toPrecision(3)} bits/point`;
      return `${name} ${value.toPrecision(4)}`;
    })
    .join(', ');
}
