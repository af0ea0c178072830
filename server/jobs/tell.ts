/** What a job says of itself, fit to be kept and to be told: no path of the disk, and no more events than a reader wants. */
import type { JobEvent } from '../../src/jobs/types.ts';
import type { JobEventBody } from './log.ts';

/** Events of progress are this far apart at least, and further the longer the work lasts: a day makes about 6,000. */
const leastMs = 500;
const share = 1 / 1000;

export interface TellOptions {
  readonly secret: readonly string[];
  readonly now: () => number;
}

/** Listens to a job, and passes on what is to be kept. */
export function teller(
  say: (event: JobEventBody) => void,
  { secret, now }: TellOptions,
): (event: JobEvent) => void {
  const begun = now();
  let last = Number.NEGATIVE_INFINITY;
  return (event) => {
    switch (event.type) {
      case 'start': {
        const { total, done, unit } = event;
        last = Number.NEGATIVE_INFINITY;
        return say({ type: 'start', total, done, unit });
      }
      case 'progress': {
        const at = now();
        const { done, total, figures } = event;
        if (done < total && at - last < Math.max(leastMs, (at - begun) * share)) return;
        last = at;
        return say({ type: 'progress', done, total, figures: finite(figures) });
      }
      case 'checkpoint':
        return say({ type: 'checkpoint', done: event.done });
      case 'note':
        return say({ type: 'note', message: withoutPaths(event.message, secret) });
      case 'end':
        // what is made of the work is the server's to say
        return;
      default:
        event satisfies never;
    }
  };
}

/** A text with the directories cut out of it, longest first. */
export function withoutPaths(text: string, secret: readonly string[]): string {
  const sorted = [...secret].sort((a, b) => b.length - a.length);
  return sorted.reduce((left, path) => left.replaceAll(`${path}/`, '').replaceAll(path, '.'), text);
}

/** JSON has no infinity: the PSNR of an exact copy is null. */
function finite(figures: Readonly<Record<string, number>>): Record<string, number | null> {
  return Object.fromEntries(
    Object.entries(figures).map(([name, value]) => [name, Number.isFinite(value) ? value : null]),
  );
}
