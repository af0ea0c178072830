/** Which priors a model carries, and reading them. */
import { NotFoundError } from '../src/core/errors.ts';
import type { Tensor } from '../src/core/tensor.ts';
import type { FieldSpec } from '../src/field/spec.ts';
import { readAutoregressive } from './autoregressive.ts';
import { readFactorized } from './factorized.ts';
import { readHistogram } from './histogram.ts';
import { codingKinds, type PriorKind, priorDescriptor } from './kinds.ts';
import type { EntropyPrior } from './prior.ts';

/** What of a model priors are read from. */
export interface PriorSource {
  readonly network: { readonly spec: FieldSpec };
  readonly tensors: ReadonlyMap<string, Tensor>;
}

interface Member {
  /** A tensor that is there if and only if the prior is. */
  readonly mark: string;
  readonly read: (model: PriorSource) => EntropyPrior;
}

const members: Readonly<Record<PriorKind, Member>> = {
  autoregressive: {
    mark: 'prior.autoregressive.position',
    read: ({ tensors, network }) => readAutoregressive(tensors, network.spec),
  },
  factorized: {
    mark: 'prior.factorized.qualities',
    read: ({ tensors, network }) => readFactorized(tensors, network.spec),
  },
  histogram: { mark: 'prior.histogram.qualities', read: ({ tensors }) => readHistogram(tensors) },
};

const read = new WeakMap<ReadonlyMap<string, Tensor>, Map<PriorKind, EntropyPrior>>();

/** Kinds of the priors in a model, best first. */
export function priorKinds(model: PriorSource): PriorKind[] {
  return codingKinds.filter((kind) => model.tensors.has(members[kind].mark));
}

/** The kind in a model whose tables follow the symbols before; undefined: it has none. */
export function contextKind(model: PriorSource): PriorKind | undefined {
  return priorKinds(model).find((kind) => priorDescriptor(kind).contexts);
}

/**
 * A model's prior of this kind, or its best one. Read and checked once for each map of tensors, which must not change
 * afterwards. Throws NotFoundError `prior`, and BadInputError when its tensors are not what they should be.
 */
export function readPrior(
  model: PriorSource,
  kind: PriorKind | undefined = priorKinds(model)[0],
): EntropyPrior {
  if (kind === undefined || !model.tensors.has(members[kind].mark)) {
    const there = priorKinds(model).join(', ') || 'none';
    const wanted = kind === undefined ? 'prior' : `${kind} prior`;
    throw new NotFoundError(
      'prior',
      `the model has no ${wanted} (it has: ${there}); train one, or choose another`,
    );
  }
  let priors = read.get(model.tensors);
  if (priors === undefined) {
    priors = new Map();
    read.set(model.tensors, priors);
  }
  let prior = priors.get(kind);
  if (prior === undefined) {
    prior = members[kind].read(model);
    priors.set(kind, prior);
  }
  return prior;
}
