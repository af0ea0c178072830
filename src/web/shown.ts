/** What the element shows a function as. */

/**
 * What is in the middle of a view, in samples of the function, and how many samples of the screen one of its own takes. Of a shape: how far it is
 * turned and raised, in radians, and how much nearer than at first it stands.
 */
export interface Look {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

export interface Shown {
  /** Called where drawing fails. */
  failed: (error: unknown) => void;
  readonly look: Look;
  /** Resolves when what is visible has been drawn sharply. */
  readonly drawn: Promise<void>;
  lookAt(look: Look): void;
  end(): void;
}
