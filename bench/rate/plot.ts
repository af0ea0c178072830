/** Rate against distortion as a picture: SVG by Observable Plot in a document of linkedom's, PNG of it by sharp. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import sharp from 'sharp';
import { type Range, rateAt } from './bd.ts';
import type { Curve, Form, Point } from './curve.ts';

export interface PlotOptions {
  readonly title: string;
  readonly subtitle: string;
  readonly range: Range;
}

const width = 1080;
const height = 720;
/** Room for the names at the ends of the curves. */
const marginRight = 190;
const marginDb = 1;

interface Mark extends Point {
  readonly name: string;
}

/** Ours is drawn boldest and above the others. */
export function plotSvg(curves: readonly Curve[], { title, subtitle, range }: PlotOptions): string {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const [low, high] = [range.fromDb - marginDb, range.toDb + marginDb];
  const drawn = curves.flatMap((curve) => {
    const part = partWithin(curve, low, high);
    return part === undefined ? [] : [{ curve, ...part }];
  });
  const colours = coloursOf(drawn.map(({ curve }) => curve));
  const ends = spread(
    drawn.map(({ end }) => end),
    (high - low) / 34,
  );
  const rates = drawn.flatMap(({ dots, end }) => [...dots, end].map(({ bitsPerPixel }) => bitsPerPixel));
  const domain = [Math.min(...rates) / 1.05, Math.max(...rates) * 1.05];
  const svg = Plot.plot({
    document: document as never,
    width,
    height,
    marginRight,
    marginLeft: 60,
    marginTop: 60,
    marginBottom: 45,
    style: { background: 'white', fontFamily: 'DejaVu Sans, Verdana, sans-serif', fontSize: '12px' },
    x: {
      type: 'log',
      domain,
      label: 'bits per pixel (log scale)',
      labelOffset: 38,
      grid: true,
      ticks: 10,
      tickFormat: '~g',
    },
    y: {
      label: 'mean PSNR, dB',
      labelAnchor: 'center',
      domain: [low, high],
      ticks: Math.round(high - low),
      grid: true,
    },
    marks: [
      Plot.frame({ stroke: '#bbb' }),
      ...drawn.toReversed().flatMap(({ curve, line, dots }) => {
        const stroke = colours.get(curve.name)!;
        const ours = curve.name === 'functa';
        const dash = dashes[curve.form];
        return [
          Plot.line(line, {
            clip: true,
            x: 'bitsPerPixel',
            y: 'psnrDb',
            stroke,
            strokeWidth: ours ? 4 : 1.4,
            ...(dash && { strokeDasharray: dash }),
          }),
          Plot.dot(dots, { x: 'bitsPerPixel', y: 'psnrDb', fill: stroke, r: ours ? 4.5 : 2 }),
        ];
      }),
      ...ends.map(({ mark, at }) =>
        Plot.text([mark], {
          x: 'bitsPerPixel',
          y: () => at,
          text: 'name',
          dx: 9,
          textAnchor: 'start',
          fill: colours.get(mark.name)!,
          stroke: 'white',
          strokeWidth: 4,
          fontWeight: mark.name === 'functa' ? 'bold' : 'normal',
        }),
      ),
      Plot.text([title], { frameAnchor: 'top-left', dy: -44, fontSize: 16, fontWeight: 'bold' }),
      Plot.text([subtitle], { frameAnchor: 'top-left', dy: -24, fill: '#555' }),
    ],
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `${svg.outerHTML}\n`;
}

export async function plotPng(svg: string): Promise<Uint8Array> {
  return sharp(Buffer.from(svg), { density: 144 })
    .flatten({ background: 'white' })
    .png({ palette: true })
    .toBuffer();
}

/** The points in sight, those with one more at each end, and where the curve leaves the frame or stops. */
function partWithin({ name, points }: Curve, low: number, high: number) {
  const sorted = points.map((point): Mark => ({ ...point, name })).sort((a, b) => a.psnrDb - b.psnrDb);
  const inside = ({ psnrDb }: Mark) => psnrDb >= low && psnrDb <= high;
  const [first, last] = [sorted.findIndex(inside), sorted.findLastIndex(inside)];
  if (first < 0) return undefined;
  const dots = sorted.slice(first, last + 1);
  const line = sorted.slice(Math.max(0, first - 1), last + 2);
  const rate = rateAt(points, high);
  const end: Mark = rate === null ? dots.at(-1)! : { ...dots.at(-1)!, psnrDb: high, bitsPerPixel: rate };
  return { dots, line, end };
}

const palette = [
  '#1f77b4',
  '#2ca02c',
  '#9467bd',
  '#8c564b',
  '#e377c2',
  '#17becf',
  '#bcbd22',
  '#ff7f0e',
  '#386cb0',
  '#1b9e77',
  '#7570b3',
  '#a6761d',
];

/** Published curves are dashed, payloads dotted. */
const dashes: Readonly<Partial<Record<Form, string>>> = { published: '7 4', payload: '2 3' };

/** Ours is red; a format has one colour, whatever is counted of it. */
function coloursOf(curves: readonly Curve[]): Map<string, string> {
  const families = new Map<string, string>();
  return new Map(
    curves.map(({ name, kind }) => {
      if (name.startsWith('functa')) return [name, name === 'functa' ? '#d62728' : '#e88b8b'];
      const family = kind === 'peer' ? name.replace(/, payload$/, '') : name;
      const colour = families.get(family) ?? palette[families.size % palette.length]!;
      families.set(family, colour);
      return [name, colour];
    }),
  );
}

/** Heights for the names, so that those near each other do not overlap. */
function spread(marks: readonly Mark[], leastDb: number): { mark: Mark; at: number }[] {
  const placed: { mark: Mark; at: number }[] = [];
  for (const mark of [...marks].sort((a, b) => b.psnrDb - a.psnrDb)) {
    let at = mark.psnrDb;
    const meets = () =>
      placed.some(
        (other) =>
          Math.abs(other.at - at) < leastDb &&
          Math.abs(Math.log(other.mark.bitsPerPixel / mark.bitsPerPixel)) < 0.7,
      );
    while (meets()) at -= leastDb / 4;
    placed.push({ mark, at });
  }
  return placed;
}
