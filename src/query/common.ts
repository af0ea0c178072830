/** Where the fields of a set stand and what they are called, where all of its functions say the same. */
import type { ModelCard } from '../field/card.ts';
import type { Axis, NamedOutput } from '../field/outputs.ts';
import { axesAt } from '../session/description.ts';
import type { OpenFunction } from '../session/functions.ts';
import { axesOfGrid } from '../signal/axes.ts';

/** What an answer says of its fields; absent: what the card of the model does. */
export interface CommonSaid {
  readonly axes?: readonly Axis[] | undefined;
  readonly outputs?: readonly NamedOutput[] | undefined;
}

export class Common {
  readonly #card: ModelCard;
  readonly #shape: readonly number[];
  #places: string | undefined;
  #first: Pick<OpenFunction, 'places' | 'ranges'> | undefined;
  #names: string | undefined;

  /** `shape`: of the functions whose places count; of one of another shape they are others. */
  constructor(card: ModelCard, shape: readonly number[]) {
    this.#card = card;
    this.#shape = shape;
  }

  take(fn: OpenFunction): void {
    const isAlike = fn.shape.join() === this.#shape.join();
    const places = isAlike && fn.places !== undefined ? String(fn.places) : '';
    const names = namesOf(fn);
    this.#places = this.#first === undefined || this.#places === places ? places : '';
    this.#names = this.#first === undefined || this.#names === names ? names : '';
    this.#first ??= fn;
  }

  /** Of fields of `size` points over all of the signal. */
  said(size: readonly number[]): CommonSaid {
    const shape = this.#shape;
    const step = shape.map((n, axis) => n / size[axis]!);
    const grid = { start: step.map((s) => s / 2), step, count: size };
    return {
      ...(this.#places
        ? { axes: axesOfGrid(axesAt(this.#card, shape, this.#first!.places), shape, grid) }
        : {}),
      ...(this.#names ? { outputs: JSON.parse(this.#names) as NamedOutput[] } : {}),
    };
  }
}

/** Of the answers of parts of a set: what all of them say. */
export function commonOfParts(heads: readonly CommonSaid[]): CommonSaid {
  const [first] = heads;
  const isSame = (name: keyof CommonSaid) =>
    heads.every((head) => JSON.stringify(head[name]) === JSON.stringify(first?.[name]));
  return {
    axes: isSame('axes') ? first?.axes : undefined,
    outputs: isSame('outputs') ? first?.outputs : undefined,
  };
}

/** JSON of names and units of a function that was taken over ranges of its own; empty of others. */
function namesOf({ ranges = [] }: OpenFunction): string {
  const named = ranges.flatMap(({ name, unit }) => (name === undefined ? [] : [{ name, unit }]));
  return named.length === 0 || named.length < ranges.length ? '' : JSON.stringify(named);
}
