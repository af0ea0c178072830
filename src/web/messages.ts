/** What a page and the worker that reads for it say to each other. */

import type { SurfaceView } from '../field/surface.ts';

/** Bytes, or where they are to be had. */
export type Source = Uint8Array | string;

/** What is opened: a function of a file, or a mixture of functions that are open. */
export interface Opening {
  readonly file: Source;
  /** The model that coded it; a file that is a network of its own needs none. */
  readonly model?: Source | undefined;
  /** Of an archive: number or id. */
  readonly item?: number | string | undefined;
}

/** A rectangle of samples of the output. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What is drawn: `part` of the function laid out on `width` x `height` samples. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly part: Rectangle;
  /** Of three axes: which sample of the first. */
  readonly slice?: number | undefined;
  /** The field itself between samples, in place of the curve through them. */
  readonly raw?: boolean | undefined;
}

/** What is known of a function that was opened. */
export interface Opened {
  /** What it is called in further messages. */
  readonly key: number;
  readonly id: string;
  readonly shape: readonly number[];
  readonly channels: number;
  readonly axes: readonly {
    readonly name: string;
    readonly unit?: string | undefined;
    readonly step?: number | undefined;
  }[];
  readonly outputs: readonly {
    readonly name: string;
    readonly unit?: string | undefined;
    readonly low: number;
    readonly peak: number;
  }[];
  /** Whether its values are colours, three or one of 8 bits. */
  readonly isColour: boolean;
  /** Whether it is a signed distance, whose surface can be turned. */
  readonly isShape: boolean;
}

export interface Asks {
  open: { readonly ask: Opening; readonly answer: Opened };
  mix: {
    readonly ask: { readonly of: readonly number[]; readonly weights: readonly number[] };
    readonly answer: Opened;
  };
  draw: {
    readonly ask: Drawing & { readonly key: number };
    readonly answer: {
      readonly rgba: Uint8ClampedArray<ArrayBuffer>;
      readonly low: number;
      readonly high: number;
    };
  };
  turn: {
    readonly ask: SurfaceView & { readonly key: number };
    readonly answer: { readonly rgba: Uint8ClampedArray<ArrayBuffer> };
  };
  values: {
    readonly ask: { readonly key: number; readonly size?: string | undefined };
    readonly answer: Float32Array;
  };
  modulation: { readonly ask: { readonly key: number }; readonly answer: Float32Array };
  close: { readonly ask: { readonly key: number }; readonly answer: null };
}

export type Verb = keyof Asks;

export interface Question {
  readonly number: number;
  readonly verb: Verb;
  readonly ask: Asks[Verb]['ask'];
}

export type Answer =
  | { readonly number: number; readonly answer: Asks[Verb]['answer'] }
  | { readonly number: number; readonly fault: { readonly code: string; readonly message: string } };

/** Name of the worker, by which the module knows that it is one. */
export const workerName = 'functa-web';
