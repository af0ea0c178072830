/** What the routes share. */
import { modelDigestOf } from '../codec/index.ts';
import { ConflictError, NotFoundError } from '../src/core/errors.ts';
import type { Limits } from '../src/core/limits.ts';
import { isCodedBy } from '../src/models/find.ts';
import type { Access } from './access/access.ts';
import type { Gate } from './access/guard.ts';
import type { Answers } from './answers.ts';
import type { Catalogue, Owned, ServedFunctaset, ServedModel } from './catalogue.ts';
import type { Home } from './home.ts';
import { HttpFault } from './http-fault.ts';
import type { JobRoom } from './jobs/room.ts';
import type { ServiceLimit } from './operations/limit-table.ts';
import type { Shards } from './shards/shards.ts';
import type { Admission } from './traffic/admission.ts';
import type { Connections } from './traffic/connections.ts';
import type { Pacer } from './traffic/pacer.ts';
import type { TrafficLimits } from './traffic/traffic.ts';
import type { Pool } from './work/pool.ts';
import type { Together } from './work/together.ts';
import type { Writer } from './writer/writer.ts';

/** Names that are told when one is not there. */
const toldNames = 20;

export interface ServerContext {
  readonly catalogue: Catalogue;
  readonly admission: Admission;
  readonly traffic: TrafficLimits;
  readonly connections: Connections;
  readonly pacer: Pacer;
  readonly pool: Pool;
  readonly together: Together;
  readonly writer: Writer;
  /** What was answered before. */
  readonly answers: Answers;
  /** Name of the engine of the workers. */
  readonly engine: string;
  readonly limits: Limits;
  readonly maxBodyBytes: number;
  /** Undefined: the server keeps nothing it is given. */
  readonly home: Home | undefined;
  /** Snapshots that are kept of one functaset. */
  readonly maxSnapshots: number;
  /** The value that a limit has here. */
  readonly limitValue: (limit: ServiceLimit) => number;
  /** Who may ask for what. */
  readonly gate: Gate;
  /** What jobs need; undefined where there is no home. */
  readonly room: JobRoom | undefined;
  /** Those whose servers hold the parts of the functasets of a database; undefined: all is answered here. */
  readonly shards: Shards | undefined;
  readonly version: string;
  /** Why the server takes no requests: it is going down. */
  readonly state: { draining: boolean };
}

/** Who asks: what it made comes first, and what others made is not there. */
export type InNamespace = Pick<Access, 'namespace'>;

/** Of those served, the ones that somebody sees, its own first. */
export function seenBy<T extends Owned>(served: readonly T[], { namespace }: InNamespace): T[] {
  const own = served.filter((one) => one.namespace === namespace);
  return [...own, ...served.filter((one) => one.namespace === undefined)];
}

/** By name, by id, or by at least 8 digits of the id. Throws NotFoundError `unknown-model`. */
export function findModel({ catalogue }: ServerContext, ref: string, asker: InNamespace): ServedModel {
  const models = seenBy(catalogue.models, asker);
  const isPrefix = /^[0-9a-f]{8,64}$/.test(ref);
  const found = models.find(({ name, id }) => name === ref || (isPrefix && id.startsWith(ref)));
  if (found !== undefined) return found;
  const names = models.map(({ name }) => name).join(', ') || 'none';
  throw new NotFoundError('unknown-model', `no model is called ${ref.slice(0, 128)}; there are: ${names}`);
}

/**
 * The served model that a `.functa` file belongs to, by the digest it carries; undefined where the file brings a network of its own. Throws
 * NotFoundError `model-not-here`, BadStreamError.
 */
export function modelOfFile(
  { catalogue }: ServerContext,
  bytes: Uint8Array,
  asker: InNamespace,
): ServedModel | undefined {
  const models = seenBy(catalogue.models, asker);
  const digest = modelDigestOf(bytes);
  if (digest === undefined) return undefined;
  const found = codingOf(models.filter(isCodedBy(digest)));
  if (found !== undefined) return found;
  const names = models.map(({ name }) => name).join(', ') || 'none';
  throw new NotFoundError(
    'model-not-here',
    `the file was coded by model ${digest}, which is none of those served here (${names})`,
  );
}

/** Throws NotFoundError `unknown-functaset`. */
export function findFunctaset(
  { catalogue }: ServerContext,
  name: string,
  asker: InNamespace,
): ServedFunctaset {
  const functasets = seenBy(catalogue.functasets, asker);
  const found = functasets.find((served) => served.name === name);
  if (found !== undefined) return found;
  const names = functasets.slice(0, toldNames).map((served) => served.name);
  if (functasets.length > toldNames) names.push('...');
  throw new NotFoundError(
    'unknown-functaset',
    `no functaset is called ${name}; there are: ${names.join(', ') || 'none'}`,
  );
}

/** One that a request may write to. Throws as `findFunctaset`, and HttpFault 403 `scope-needed`. */
export function findWritable(context: ServerContext, name: string, access: Access): ServedFunctaset {
  const found = findFunctaset(context, name, access);
  if (found.namespace !== undefined || access.scope === 'admin') return found;
  throw new HttpFault(
    403,
    'scope-needed',
    `functaset ${name} is served to all by the operator; to write to it takes a key of scope admin`,
  );
}

/** The served model of the network of a functaset, of the functaset's namespace or of the operator. */
export function modelOfNetwork(
  { catalogue: { models } }: ServerContext,
  { networkId, namespace }: Pick<ServedFunctaset, 'networkId' | 'namespace'>,
): ServedModel | undefined {
  const usable =
    namespace === undefined
      ? models.filter((model) => model.namespace === undefined)
      : seenBy(models, { namespace });
  return codingOf(usable.filter((model) => model.networkId === networkId));
}

/** Of models of one network the first that has priors: one that was learnt anew has none yet, and codes and decodes nothing. */
function codingOf(models: readonly ServedModel[]): ServedModel | undefined {
  return models.find(({ perSymbol }) => Object.keys(perSymbol).length > 0) ?? models[0];
}

/** Throws ConflictError `functaset-model` when the model of a functaset is not served here. */
export function modelOf(context: ServerContext, served: ServedFunctaset): ServedModel {
  const { name, networkId } = served;
  const model = modelOfNetwork(context, served);
  if (model !== undefined) return model;
  throw new ConflictError(
    'functaset-model',
    `functaset ${name} belongs to network ${networkId.slice(0, 16)}, which is not served here; add its model`,
  );
}
