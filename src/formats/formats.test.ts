import { describe, expect, it } from 'vitest';
import { kinds } from '../../test/kinds.ts';
import { outputsOfKind } from '../field/kinds.ts';
import { signalRows } from '../signal/rows.ts';
import { toSampleValues } from '../signal/values.ts';
import {
  formatOfFile,
  formatOfName,
  signalFormats,
  togetherText,
  writtenFormats,
  writtenFormatsFor,
} from './formats.ts';
import { readSignalAs } from './read.ts';

describe('the registry of formats', () => {
  it('tells each format by its name, its media type and its suffixes alone', () => {
    const told = signalFormats.flatMap(({ name, mediaType, suffixes }) => [name, mediaType, ...suffixes]);
    expect(new Set(told).size).toBe(told.length);
    for (const format of signalFormats)
      for (const suffix of format.suffixes) expect(formatOfName(`a.b${suffix.toUpperCase()}`)).toBe(format);
  });

  it('tells bytes of no format by no name, unless a format has no beginning of its own', () => {
    const bytes = new TextEncoder().encode('neither here nor there');
    for (const { mediaType, suffixes, headless = false } of signalFormats)
      for (const told of [mediaType, `a${suffixes[0]}`])
        expect(formatOfFile(bytes, told) !== undefined).toBe(headless);
  });

  it('says how several signals are held, in the words of the formats', () => {
    for (const { together, suffixes } of writtenFormats)
      expect(togetherText()).toMatch(new RegExp(`\\${suffixes[0]}[^;]*: ${together}`));
  });
});

/** The kinds of test/kinds.ts, and heights in metres as 8-bit samples. */
const height = {
  name: 'height',
  unit: 'm',
  offset: 0,
  scale: 1,
  low: -200,
  peak: 5100,
  sample: 'uint8' as const,
};
const all = [
  ...Object.values(kinds).map(({ name, outputs, axes, signal }) => ({
    name,
    outputs,
    axes,
    signal: signal(7),
  })),
  {
    name: 'height map',
    outputs: [height],
    axes: kinds.picture.axes,
    signal: {
      id: 'h',
      shape: [6, 6],
      channels: 1,
      values: Float32Array.from({ length: 36 }, (_, i) => -200 + 20 * (i * 7)),
    },
  },
];

describe.each(all)('a $name', ({ outputs, axes, signal }) => {
  const kind = { axes: axes.length, outputs, along: axes };
  const holding = writtenFormatsFor(kind).filter((format) => format.fits(kind));
  it.each(holding.map((format) => [format.name, format] as const))(
    'comes back from %s as it was written',
    async (name, format) => {
      const values = format.raw
        ? signal.values
        : toSampleValues({ outputs } as never, signal.values.slice(), false);
      const pieces: Uint8Array[] = [];
      for await (const piece of format.write(signalRows({ ...signal, axes, values }), outputs))
        pieces.push(piece);
      const bytes = new Uint8Array(Buffer.concat(pieces));
      expect(formatOfFile(bytes, `a${format.suffixes[0]}`)?.name).toBe(name);
      const read = await readSignalAs(bytes, {
        ...{ id: 'x', outputs, axes: axes.length, told: `a${format.suffixes[0]}` },
      });
      expect(read).toMatchObject({ shape: signal.shape, channels: signal.channels });
      read.values.forEach((v, i) => {
        if (Number.isNaN(values[i])) expect(v).toBeNaN();
        else expect(Math.abs(v - values[i]!)).toBeLessThan(1e-6 * outputs[0]!.peak);
      });
    },
  );

  it('is written in the formats that fit it, and in one at least', () => {
    expect(holding.length).toBeGreaterThan(0);
    expect(holding).toEqual(writtenFormats.filter((format) => format.fits(kind)));
    expect(writtenFormatsFor(kind).slice(0, holding.length)).toEqual(holding);
  });
});

it('a kind of colours has as many channels as pictures have, or is no picture', () => {
  const two = outputsOfKind('rgb', { offset: 0, scale: 1 }).slice(0, 2);
  const kind = { axes: 2, outputs: two };
  const holding = writtenFormatsFor(kind).filter(({ fits }) => fits(kind));
  expect(holding.map(({ raw }) => raw)).toEqual([true]);
});
