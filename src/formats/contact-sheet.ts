import { aSignal, check, listOf, optionsOf } from '../core/check.ts';
import { BadInputError } from '../core/errors.ts';
import { checkLimit, defaultLimits, type Limits } from '../core/limits.ts';
import { look } from '../core/look.ts';
import { checkSignal, type Signal } from '../signal/signal.ts';

export interface ContactSheetOptions {
  /** Pictures in a row; default: about as many as rows. */
  readonly columns?: number;
  /** Samples between pictures and around them; default 2. */
  readonly gap?: number;
  /** Value between pictures, 0 black to 1 white; default 1. */
  readonly background?: number;
  /** Every sample becomes a square of this many; default 1. */
  readonly scale?: number;
  readonly limits?: Limits;
}

/**
 * Pictures side by side in one, row by row, each at the upper left of its cell; cells are as large as the largest.
 * Grey and colour may be mixed (the sheet is RGB then), and RGBA among them makes the sheet RGBA.
 * Throws BadInputError `sheet-empty`, `not-an-image` or `bad-option`; LimitError `limit-samples`.
 *
 * @example
 * const sheet = contactSheet(signals.slice(0, 4));
 */
export function contactSheet(pictures: readonly Signal[], options: ContactSheetOptions = {}): Signal {
  check('contactSheet', listOf(aSignal, 'signals')(pictures, 'pictures'), optionsOf()(options, 'options'));
  if (pictures.length === 0)
    throw new BadInputError('sheet-empty', 'a contact sheet needs at least one picture');
  for (const picture of pictures) {
    look();
    checkPicture(picture);
  }
  const { gap = 2, background = 1, scale = 1, limits = defaultLimits } = options;
  const asked = options.columns ?? Math.ceil(Math.sqrt(pictures.length));
  if (!(Number.isInteger(asked) && asked >= 1 && Number.isInteger(gap) && gap >= 0)) {
    throw new BadInputError('bad-option', `columns ${asked} and gap ${gap}: whole numbers from 1 and from 0`);
  }
  if (!(Number.isInteger(scale) && scale >= 1)) {
    throw new BadInputError('bad-option', `scale ${scale}: a whole number from 1`);
  }
  const columns = Math.min(pictures.length, asked);
  const channels = sheetChannels(pictures);
  const cell = [0, 1].map((axis) => Math.max(...pictures.map(({ shape }) => shape[axis]!)) * scale);
  const rows = Math.ceil(pictures.length / columns);
  const height = gap + rows * (cell[0]! + gap);
  const width = gap + columns * (cell[1]! + gap);
  checkLimit('samples', height * width, limits.maxSamples, 'ask for fewer or smaller pictures');
  const values = new Float32Array(height * width * channels);
  for (let from = 0; from < values.length; from += valuesPerLook) {
    look();
    values.fill(background, from, from + valuesPerLook);
  }
  if (channels === 4) for (let p = 3; p < values.length; p += 4) values[p] = 1;
  pictures.forEach((picture, k) => {
    const top = gap + Math.floor(k / columns) * (cell[0]! + gap);
    const left = gap + (k % columns) * (cell[1]! + gap);
    paste(picture, { values, width, channels }, top, left, scale);
  });
  return { id: 'contact-sheet', shape: [height, width], channels, values };
}

/** Rows, and values that are written for the first time, between two looks at whether to stop: memory that is new takes long. */
const rowsPerLook = 16;
const valuesPerLook = 2 ** 20;

function paste(
  picture: Signal,
  sheet: { values: Float32Array; width: number; channels: number },
  top: number,
  left: number,
  scale: number,
): void {
  const [height, width] = picture.shape as [number, number];
  const alike = scale === 1 && picture.channels === sheet.channels;
  for (let y = 0; y < height * scale; y++) {
    if (y % rowsPerLook === 0) look();
    if (alike) {
      const row = picture.values.subarray(y * width * sheet.channels, (y + 1) * width * sheet.channels);
      sheet.values.set(row, ((top + y) * sheet.width + left) * sheet.channels);
      continue;
    }
    for (let x = 0; x < width * scale; x++) {
      const from = (Math.floor(y / scale) * width + Math.floor(x / scale)) * picture.channels;
      const to = ((top + y) * sheet.width + left + x) * sheet.channels;
      for (let c = 0; c < sheet.channels; c++) {
        sheet.values[to + c] = channelOf(picture, from, c);
      }
    }
  }
}

/** Channel `c` of the point at `from`, as the sheet's: grey spreads over colours, what has no alpha is opaque. */
function channelOf(picture: Signal, from: number, c: number): number {
  if (c === 3 && picture.channels < 4) return 1;
  return picture.values[from + (picture.channels === 1 ? 0 : c)]!;
}

function sheetChannels(pictures: readonly Signal[]): number {
  return Math.max(...pictures.map(({ channels }) => channels));
}

function checkPicture(picture: Signal): void {
  checkSignal(picture);
  if (picture.shape.length !== 2 || ![1, 3, 4].includes(picture.channels)) {
    const is = `shape [${picture.shape}] with ${picture.channels} channels`;
    throw new BadInputError('not-an-image', `${picture.id}: ${is} is no picture`);
  }
}
