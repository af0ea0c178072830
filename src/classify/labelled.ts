/** The labelled functions of a functaset in memory: what a classifier learns from, and what it is judged by. */
import { BadInputError, NotFoundError } from '../core/errors.ts';
import { labelText } from '../core/label.ts';
import { checkLimit } from '../core/limits.ts';
import type { Model } from '../field/model.ts';
import { modulationLength } from '../field/spec.ts';
import type { Functaset, Label } from '../functaset/index.ts';
import { openFunctasetOf } from '../pipeline/store.ts';
import { type AdaptOptions, adaptAnew, isRounded } from './adapted.ts';
import type { Examples } from './learn.ts';
import type { ModulationMaps } from './maps.ts';

export interface Labelled {
  /** [count, m], of the model's own shape. */
  readonly modulations: Float32Array;
  /** [count]: index in `labels`. */
  readonly classes: Uint16Array;
  /** Numbers ascending, then texts. */
  readonly labels: readonly Label[];
  /** Which of them were decoded from bytes. */
  readonly rounded: readonly number[];
}

/** Bytes of modulations that are held at once. */
const mostBytes = 2 ** 32;

/**
 * Reads the functions that have a label, the first `limit` of them. With `labels` given, classes are counted by them.
 * Throws BadInputError `no-labels` or `other-shape`, NotFoundError `unknown-label`, LimitError `limit-bytes`.
 */
export function readLabelled(
  model: Model,
  store: Functaset,
  options: { readonly labels?: readonly Label[] | undefined; readonly limit?: number | undefined } = {},
): Labelled {
  const { shape, spec } = model.card;
  const length = modulationLength(spec, shape);
  const most = Math.min(options.limit ?? store.count, store.count);
  checkLimit('bytes', 4 * most * length, mostBytes, 'give a limit on the functions that are read');
  const all = new Float32Array(most * length);
  const found: Label[] = [];
  const rounded: number[] = [];
  store.scan(({ id, label, shape: own, modulation, coded }) => {
    if (label === undefined) return;
    if (own.join() !== shape.join()) {
      throw new BadInputError(
        'other-shape',
        `function ${id} is of shape [${own}]: a classifier reads functions of [${shape}] alone`,
      );
    }
    all.set(modulation, found.length * length);
    if (isRounded(model, { modulation, coded })) rounded.push(found.length);
    found.push(label);
    return found.length < most;
  });
  if (found.length === 0) {
    throw new BadInputError(
      'no-labels',
      `no function of ${store.path} has a label; build it from a data set that has them`,
    );
  }
  const labels = options.labels ?? sorted(new Map(found.map((label) => [labelText(label), label])));
  const indices = new Map(labels.map((label, i) => [labelText(label), i]));
  const classes = Uint16Array.from(found, (label) => {
    const index = indices.get(labelText(label));
    if (index !== undefined) return index;
    throw new NotFoundError(
      'unknown-label',
      `${store.path} has the label ${label}, which the classifier does not know; it knows ${labels.join(', ')}`,
    );
  });
  return { modulations: all.subarray(0, found.length * length), classes, labels, rounded };
}

/**
 * The same of the functaset at `path`, with functions that were decoded from bytes adapted anew. Throws what opening it throws
 * too, AbortedError.
 */
export async function readLabelledAt(
  path: string,
  { model, engine, signal, ...options }: AdaptOptions & Parameters<typeof readLabelled>[2],
): Promise<Labelled> {
  const store = await openFunctasetOf(model, path, { readOnly: true });
  try {
    const read = readLabelled(model, store, options);
    const length = read.modulations.length / read.classes.length;
    const own = read.rounded.map((i) => read.modulations.subarray(i * length, (i + 1) * length));
    for (const [k, anew] of (await adaptAnew(own, { model, engine, signal })).entries()) own[k]!.set(anew);
    return read;
  } finally {
    await store.close();
  }
}

/** Views [count, m] of functions, and their classes, as a probe reads them. */
export function examplesOf(
  maps: ModulationMaps,
  views: readonly Float32Array[],
  classes: Uint16Array,
): Examples {
  const length = views[0]!.length / classes.length;
  return {
    count: classes.length,
    views: views.length,
    classOf: (i) => classes[i]!,
    fill: (i, view, target) => maps.fill(views[view]!.subarray(i * length, (i + 1) * length), target),
  };
}

function sorted(byText: ReadonlyMap<string, Label>): Label[] {
  const labels = [...byText.values()];
  const numbers = labels.filter((label) => typeof label === 'number').sort((a, b) => a - b);
  const texts = labels.filter((label) => typeof label === 'string').sort();
  return [...numbers, ...texts];
}
