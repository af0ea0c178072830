/** What jobs do, by kind: from a record to an outcome. Each goes on where a process that died left it. */
import type { JobEvent } from '../../../src/jobs/types.ts';
import type { DataContext } from '../data.ts';
import type { Outcome } from '../outcome.ts';
import type { JobSpec, SpecOf } from '../specs.ts';
import { add } from './add.ts';
import { build } from './build.ts';
import { encode } from './encode.ts';
import { learn } from './learn.ts';
import { prior } from './prior.ts';

export interface WorkContext extends DataContext {
  readonly onEvent: (event: JobEvent) => void;
}

export type JobWork<K extends JobSpec['kind']> = (spec: SpecOf<K>, context: WorkContext) => Promise<Outcome>;

const works: { readonly [K in JobSpec['kind']]: JobWork<K> } = { build, add, learn, prior, encode };

export function workOf<K extends JobSpec['kind']>(spec: SpecOf<K>, context: WorkContext): Promise<Outcome> {
  return (works[spec.kind] as JobWork<K>)(spec, context);
}
