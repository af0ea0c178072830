/**
 * Arithmetic on functions: paths between them, means, differences, weighted sums. A result is a modulation, and so a function
 * again, of the network that the terms are of: the caller brings them to one. Modulation zero is the base network itself, so a difference shows what sets one function apart around that.
 */
import { aNumber, anObject, aTerm, check, listOf, numbers } from '../core/check.ts';
import { BadInputError, ConflictError } from '../core/errors.ts';
import { checkLimit } from '../core/limits.ts';
import type { Model } from '../field/model.ts';
import { type Said, saidBy } from '../session/description.ts';
import type { Func } from '../session/func.ts';

/** A function, by its modulation [m] of the network at `quality`, and the shape of its signal. */
export interface Term {
  readonly modulation: Float32Array;
  readonly shape: readonly number[];
  readonly quality: number;
  /** Where its samples stand, as a section of axes says it, where that is not as the model says. What is made of terms that say the same says it, too. */
  readonly places?: Uint8Array | undefined;
  /** What is said of its signal, as the section of a file says it; likewise. */
  readonly about?: Uint8Array | undefined;
  /** A function of a session says both by its rows. */
  readonly rows?: Func['rows'] | undefined;
  /** Where it is known: terms of different networks have nothing in common. */
  readonly model?: Model | undefined;
}

/**
 * The space in which a path runs; modulations by default. `curve` says how: along the straight line, whose points are evenly
 * spaced in any metric that is the same everywhere, or along the sphere, for latent spaces of normal densities.
 */
export interface PathSpace {
  readonly curve: 'linear' | 'spherical';
  toSpace(term: Term): Float32Array;
  fromSpace(point: Float32Array, shape: readonly number[]): Float32Array;
}

const modulations: PathSpace = {
  curve: 'linear',
  toSpace: ({ modulation }) => modulation,
  fromSpace: (point) => point,
};

/** Functions of one path, or terms of one sum, at most. */
export const mostTerms = 65_536;

/**
 * `steps` functions from one to another, both ends included: the ends are the functions themselves. Throws BadInputError
 * `path-steps` or `other-shape`, LimitError `limit-terms`.
 *
 * @example
 * const between = pathBetween(fn, other, 5).map((term) => session.func(term));
 */
export function pathBetween(from: Term, to: Term, steps: number, space: PathSpace = modulations): Term[] {
  check(
    'pathBetween',
    aTerm(from, 'from'),
    aTerm(to, 'to'),
    aNumber(steps, 'steps'),
    anObject(space, 'space'),
  );
  checkAlike([from, to]);
  if (!Number.isInteger(steps) || steps < 2) {
    throw new BadInputError('path-steps', `a path has at least 2 functions, not ${steps}`);
  }
  checkLimit('terms', steps, mostTerms, 'ask for a path of fewer functions');
  const [a, b] = [space.toSpace(from), space.toSpace(to)];
  const weights = space.curve === 'linear' ? straight : along(a, b);
  const { shape, quality, ...said } = alikeOf([from, to]);
  return Array.from({ length: steps }, (_, i) => {
    if (i === 0) return { modulation: from.modulation.slice(), shape, quality, ...said };
    if (i === steps - 1) return { modulation: to.modulation.slice(), shape, quality, ...said };
    const [wa, wb] = weights(i / (steps - 1));
    const point = a.map((x, k) => wa * x + wb * b[k]!);
    return { modulation: space.fromSpace(point, shape), shape, quality, ...said };
  });
}

/**
 * Sum of weight times modulation. Throws BadInputError `no-terms`, `weights` or `other-shape`, LimitError `limit-terms`.
 *
 * @example
 * const sum = session.func(weightedSum([fn, other], [0.7, 0.3]));
 */
export function weightedSum(terms: readonly Term[], weights: readonly number[]): Term {
  check('weightedSum', listOf(aTerm, 'functions')(terms, 'terms'), numbers(weights, 'weights'));
  checkAlike(terms);
  if (weights.length !== terms.length || weights.some((w) => !Number.isFinite(w))) {
    throw new BadInputError(
      'weights',
      `${terms.length} functions take as many finite weights, not ${weights.length}`,
    );
  }
  const sums = new Float64Array(terms[0]!.modulation.length);
  terms.forEach(({ modulation }, t) => {
    const weight = weights[t]!;
    for (let i = 0; i < sums.length; i++) sums[i]! += weight * modulation[i]!;
  });
  return { modulation: Float32Array.from(sums), ...alikeOf(terms) };
}

/** What a result has of its terms. */
function alikeOf(terms: readonly Term[]): Omit<Term, 'modulation' | 'model' | 'rows'> {
  const { shape, quality } = terms[0]!;
  const all = terms.map(saidBy);
  const common = (name: keyof Said) => {
    const own = all[0]![name];
    const isSame = own !== undefined && all.every((said) => String(said[name]) === String(own));
    return isSame ? { [name]: own } : {};
  };
  return { shape, quality, ...common('places'), ...common('about') };
}

/**
 * The mean of functions, weighted if weights are given: their sum may be anything above zero.
 *
 * @example
 * const mean = session.func(meanOf([fn, other]));
 */
export function meanOf(terms: readonly Term[], given?: readonly number[]): Term {
  check('meanOf', listOf(aTerm, 'functions')(terms, 'terms'));
  const weights = given ?? terms.map(() => 1);
  check('meanOf', numbers(weights, 'weights'));
  const total = weights.reduce((sum, w) => sum + w, 0);
  if (terms.length > 0 && !(total > 0 && weights.every((w) => w >= 0))) {
    throw new BadInputError('weights', 'a mean takes weights from 0, one of them above it');
  }
  return weightedSum(
    terms,
    weights.map((w) => w / total),
  );
}

/**
 * One less the other.
 *
 * @example
 * const difference = differenceOf(fn, other);
 */
export function differenceOf(a: Term, b: Term): Term {
  check('differenceOf', aTerm(a, 'a'), aTerm(b, 'b'));
  return weightedSum([a, b], [1, -1]);
}

function straight(t: number): readonly [number, number] {
  return [1 - t, t];
}

/** Weights of spherical interpolation (K. Shoemake, SIGGRAPH 1985), of the line where the ends point the same way. */
function along(a: Float32Array, b: Float32Array): (t: number) => readonly [number, number] {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, v, i) => sum + v * y[i]!, 0);
  const cosine = dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  const angle = Math.acos(Math.min(1, Math.max(-1, cosine)));
  const sine = Math.sin(angle);
  if (!(sine > 1e-6)) return straight;
  return (t) => [Math.sin((1 - t) * angle) / sine, Math.sin(t * angle) / sine];
}

function checkAlike(terms: readonly Term[]): void {
  const [first] = terms;
  if (first === undefined) throw new BadInputError('no-terms', 'at least one function is needed');
  checkLimit('terms', terms.length, mostTerms, 'combine fewer functions');
  const { model } = first;
  for (const { shape, modulation, model: other } of terms) {
    if (model !== undefined && other !== undefined && model.networkId !== other.networkId) {
      throw new ConflictError(
        'other-model',
        `functions of networks ${model.networkId.slice(0, 16)} and ${other.networkId.slice(0, 16)} have nothing in common; combine functions of one model`,
      );
    }
    if (shape.join() !== first.shape.join() || modulation.length !== first.modulation.length) {
      throw new BadInputError(
        'other-shape',
        `functions of [${first.shape}] and [${shape}] have no common grid; combine functions of one shape`,
      );
    }
  }
}
