/** Generative priors of a model: their files stand beside the model's own. */
import { readFile, stat } from 'node:fs/promises';
import type { OpenedGenerative } from '../../prior/generative/index.ts';
import {
  type AnyPrior,
  distilledName,
  type GenerativeKind,
  generativeKinds,
  priorDescriptor,
} from '../../prior/kinds.ts';
import { EnvironmentError, NotFoundError } from '../core/errors.ts';
import { checkLimit, defaultLimits } from '../core/limits.ts';
import type { Model } from '../field/model.ts';
import { findBeside, pathBeside } from './beside.ts';
import { priorsOf } from './priors.ts';

/** Where the file of a prior of the model at `modelPath` is written. */
export function generativePath(modelPath: string, kind: GenerativeKind): string {
  return pathBeside(modelPath, kind);
}

/** Where the network that draws in few steps is written. */
export function distilledPath(modelPath: string): string {
  return pathBeside(modelPath, distilledName);
}

/** Kinds of which a file of this model's network stands beside it. */
export async function generativeOf(model: Model): Promise<GenerativeKind[]> {
  const found = await Promise.all(generativeKinds.map((kind) => findBeside(model, kind)));
  return generativeKinds.filter((_, i) => found[i]?.own);
}

/** All that a model can draw from: what is in its file, best first, then what stands beside it. */
export async function samplersOf(model: Model): Promise<AnyPrior[]> {
  return [...priorsOf(model), ...(await generativeOf(model))];
}

/** Multiply-adds of one pass of a generative prior's network for each number of a modulation, about. */
export const networkPerNumber = 2 ** 14;

type AnyOpened = OpenedGenerative[GenerativeKind];

const opened = new WeakMap<Model, Map<GenerativeKind, Promise<AnyOpened>>>();

/**
 * The prior of this kind that belongs to a model; opened once for each model. Throws NotFoundError `prior` with those that
 * are there, ConflictError `prior-network` when the file belongs to another network, BadStreamError when it is damaged,
 * EnvironmentError `tfjs-absent`.
 */
export async function openGenerative<K extends GenerativeKind>(
  model: Model,
  kind: K,
): Promise<OpenedGenerative[K]> {
  const known = opened.get(model) ?? new Map<GenerativeKind, Promise<AnyOpened>>();
  opened.set(model, known);
  let prior = known.get(kind);
  if (prior === undefined) {
    prior = open(model, kind);
    known.set(kind, prior);
    prior.catch(() => known.delete(kind));
  }
  return (await prior) as OpenedGenerative[K];
}

async function open(model: Model, kind: GenerativeKind): Promise<AnyOpened> {
  const { networkId, card } = model;
  // one of another network, or a damaged one, says so itself when it is opened
  const found = await findBeside(model, kind);
  if (found === undefined) {
    const there = (await samplersOf(model)).join(', ') || 'none';
    throw new NotFoundError(
      'prior',
      `model ${card.name} has no ${kind} prior; there are: ${there}; to make one: functa prior train --kinds ${kind}`,
    );
  }
  const bytes = await bytesOf(found.path);
  // Loaded here: they bring TensorFlow.js, which files are coded without.
  const { generativePriors } = await import('../../prior/generative/index.ts');
  return generativePriors[kind].open(bytes, { networkId, distilled: await distilledOf(model, kind) });
}

/** A damaged one says so itself when it is drawn from; one of another network is another model's. */
async function distilledOf(model: Model, kind: GenerativeKind): Promise<Uint8Array | undefined> {
  if (!priorDescriptor(kind).distils) return undefined;
  const found = await findBeside(model, distilledName);
  return found === undefined || found.own === false ? undefined : bytesOf(found.path);
}

async function bytesOf(file: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(file);
    checkLimit('file-bytes', size, defaultLimits.maxFileBytes, `${file} is larger than a prior may be`);
    return await readFile(file);
  } catch (cause) {
    if (cause instanceof Error && 'syscall' in cause) {
      throw new EnvironmentError('prior-unreadable', `${file} cannot be read: ${cause.message}`, { cause });
    }
    throw cause;
  }
}
