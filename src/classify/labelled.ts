/** The labelled functions of a functaset in memory: what a classifier learns from, and what it is judged by. */
import { BadInputError, NotFoundError } from '../core/errors.ts';
import { labelText } from '../core/label.ts';
import { checkLimit } from '../core/limits.ts';
import { modulationLength } from '../field/spec.ts';
import type { Functaset, Label } from '../functaset/index.ts';
import { openStored } from '../session/functions.ts';
import { openFunctasetOf } from '../session/store.ts';
import { type AdaptedOptions, asAdapted } from './adapted.ts';
import type { Examples } from './learn.ts';
import type { ModulationMaps } from './maps.ts';

export interface Labelled {
  /** [count, m], of the model's own shape. */
  readonly modulations: Float32Array;
  /** [count]: index in `labels`. */
  readonly classes: Uint16Array;
  /** Numbers ascending, then texts. */
  readonly labels: readonly Label[];
}

/** Bytes of modulations that are held at once. */
const mostBytes = 2 ** 32;

export interface ReadLabelledOptions extends AdaptedOptions {
  readonly labels?: readonly Label[] | undefined;
  readonly limit?: number | undefined;
}

/**
 * Reads the functions that have a label, the first `limit` of them, as adapting finds them. With `labels` given, classes are counted
 * by them. Throws BadInputError `no-labels` or `other-shape`, NotFoundError `unknown-label`, LimitError `limit-bytes`, AbortedError.
 */
export async function readLabelled(
  store: Functaset,
  { model, engine, signal, ...options }: ReadLabelledOptions,
): Promise<Labelled> {
  const { shape, spec } = model.card;
  const length = modulationLength(spec, shape);
  const most = Math.min(options.limit ?? store.count, store.count);
  checkLimit('bytes', 4 * most * length, mostBytes, 'give a limit on the functions that are read');
  const all = new Float32Array(most * length);
  const found: Label[] = [];
  for await (const page of openStored({ model, engine }, store, { signal })) {
    const own = page.filter(({ label }) => label !== undefined).slice(0, most - found.length);
    const other = own.find((fn) => fn.shape.join() !== shape.join());
    if (other !== undefined) {
      throw new BadInputError(
        'other-shape',
        `function ${other.id} is of shape [${other.shape}]: a classifier reads functions of [${shape}] alone; build a store of signals that are cut to that`,
      );
    }
    const adapted = await asAdapted(own, { model, engine, signal });
    for (const [i, modulation] of adapted.entries()) {
      all.set(modulation, found.length * length);
      found.push(own[i]!.label!);
    }
    if (found.length === most) break;
  }
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
  return { modulations: all.subarray(0, found.length * length), classes, labels };
}

/** The same of the functaset at `path`. Throws what opening it throws too. */
export async function readLabelledAt(path: string, options: ReadLabelledOptions): Promise<Labelled> {
  const store = await openFunctasetOf(options.model, path, { readOnly: true });
  try {
    return await readLabelled(store, options);
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
