/**
 * The one table of priors: what each kind is and can, and in which order they are preferred. Those with a number code symbols by
 * tables, are tensors of a model's file, and are read by prior/registry.ts. The others have files of their own beside the model's, and
 * are opened and trained by prior/generative/. Nothing else names a kind; test/layers.ts looks for it.
 */

/**
 * `code`: bytes; `sample`: new functions; `complete`: signals from a part of them; `score`: how unlikely a function is, in
 * bits.
 */
export type Ability = 'code' | 'sample' | 'complete' | 'score';

/** What a draw can ask for beside count, seed and quality. */
export type Wish = 'temperature' | 'label' | 'guidance' | 'steps';

export interface PriorDescriptor {
  readonly kind: string;
  /** In the second byte of a file that it coded (codec/FORMAT.md), for ever; absent: it codes nothing. */
  readonly number?: number;
  readonly can: readonly Ability[];
  readonly takes: readonly Wish[];
  /** Its tables follow the symbols before: symbols are worth choosing by what they cost it. */
  readonly contexts?: true;
  /** Passes of its network for each step of a sampler; absent: one pass, without steps. */
  readonly passesPerStep?: number;
  /** Of a sampler where none are asked, at most: what limits count. A file may say fewer. */
  readonly ownSteps?: number;
  /** A network of its own may draw in few steps what this one draws in many: a file called `distilledName` (docs/adr/0081). */
  readonly distils?: true;
}

/** What the file of such a network is called, and what its card says it is. */
export const distilledName = 'distilled';

/** How such a network draws. */
export interface DistilledSteps {
  readonly steps: number;
  /** Towards a label, where one is asked: what it learnt. */
  readonly guidance: number;
}

/** Best first: those that code, then the others. */
export const priorTable = [
  {
    kind: 'autoregressive',
    number: 2,
    can: ['code', 'sample', 'score'],
    takes: ['temperature'],
    contexts: true,
  },
  { kind: 'factorized', number: 1, can: ['code', 'sample', 'complete', 'score'], takes: ['temperature'] },
  { kind: 'histogram', number: 0, can: ['code', 'sample', 'score'], takes: ['temperature'] },
  {
    kind: 'diffusion',
    can: ['sample', 'complete'],
    takes: ['temperature', 'label', 'guidance', 'steps'],
    // Two a step (Heun), each with and without the label.
    passesPerStep: 4,
    ownSteps: 18,
    distils: true,
  },
  { kind: 'flow', can: ['sample', 'score'], takes: ['temperature'] },
  { kind: 'gaussian', can: ['sample', 'complete', 'score'], takes: [] },
] as const satisfies readonly PriorDescriptor[];

type Known = (typeof priorTable)[number];

/** Any kind. */
export type AnyPrior = Known['kind'];
/** A kind that codes. */
export type PriorKind = Extract<Known, { readonly number: number }>['kind'];
/** A kind with a file of its own. */
export type GenerativeKind = Exclude<AnyPrior, PriorKind>;
/** Kinds that have an ability. */
export type KindThat<A extends Ability> = Known extends infer D
  ? D extends { readonly kind: infer K; readonly can: readonly (infer C)[] }
    ? A extends C
      ? K
      : never
    : never
  : never;

/** Kinds that code, best first. */
export const codingKinds: readonly PriorKind[] = priorTable.flatMap((prior) =>
  'number' in prior ? [prior.kind] : [],
);

/** Kinds with files of their own, best first. */
export const generativeKinds: readonly GenerativeKind[] = priorTable.flatMap((prior) =>
  'number' in prior ? [] : [prior.kind],
);

/** Kinds that code in the order of their numbers, which are 0, 1, ... */
export const codingKindsByNumber: readonly PriorKind[] = priorTable
  .flatMap((prior) => ('number' in prior ? [prior] : []))
  .sort((a, b) => a.number - b.number)
  .map(({ kind }) => kind);

/** Undefined for what is the name of no prior. */
export function anyPrior(name: string): AnyPrior | undefined {
  return priorTable.find(({ kind }) => kind === name)?.kind;
}

export function priorDescriptor(kind: AnyPrior): PriorDescriptor {
  return priorTable.find((prior) => prior.kind === kind)!;
}

/** Kinds that have an ability, best first. */
export function kindsThat<A extends Ability>(ability: A): KindThat<A>[] {
  return priorTable.flatMap(({ kind, can }) =>
    (can as readonly Ability[]).includes(ability) ? [kind as KindThat<A>] : [],
  );
}

/** Kinds whose draws can be asked for this, best first. */
export function kindsThatTake(wish: Wish): AnyPrior[] {
  return priorTable.flatMap(({ kind, takes }) => ((takes as readonly Wish[]).includes(wish) ? [kind] : []));
}
