/** What the routes share. */

import type { ClassifierCard } from '../src/classify/index.ts';
import { NotFoundError } from '../src/core/errors.ts';
import type { Limits } from '../src/core/limits.ts';
import type { Model } from '../src/field/model.ts';
import type { Ability, Session } from '../src/pipeline/index.ts';
import type { Admission } from './admission.ts';
import type { Connections } from './connections.ts';
import type { FunctasetSource } from './functasets.ts';
import type { Pacer } from './pacer.ts';
import type { WorkPool } from './pool.ts';
import type { TrafficLimits } from './traffic.ts';

export interface ServedModel {
  readonly name: string;
  readonly model: Model;
  readonly fileBytes: number;
  /** In its file and beside it. */
  readonly priors: readonly { readonly name: string; readonly can: readonly Ability[] }[];
  /** Of the classifier beside its file. */
  readonly classifier: ClassifierCard | undefined;
  readonly session: Session;
}

export interface ServerContext {
  readonly models: readonly ServedModel[];
  readonly functasets: readonly FunctasetSource[];
  readonly admission: Admission;
  readonly traffic: TrafficLimits;
  readonly connections: Connections;
  readonly pacer: Pacer;
  readonly pool: WorkPool;
  readonly limits: Limits;
  readonly maxBodyBytes: number;
  readonly version: string;
  /** Why the server takes no requests: it is going down. */
  readonly state: { draining: boolean };
}

/** By name, by id, or by at least 8 digits of the id. Throws NotFoundError `unknown-model`. */
export function findModel(context: ServerContext, ref: string): ServedModel {
  const isPrefix = /^[0-9a-f]{8,64}$/.test(ref);
  const found = context.models.find(
    ({ name, model }) => name === ref || (isPrefix && model.id.startsWith(ref)),
  );
  if (found !== undefined) return found;
  const names = context.models.map(({ name }) => name).join(', ') || 'none';
  throw new NotFoundError('unknown-model', `no model is called ${ref.slice(0, 128)}; there are: ${names}`);
}
