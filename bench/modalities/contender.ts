/** What the benches of sounds, fields, volumes and shapes have in common: coders, their settings, and a table at equal error. */
import type { Mesh } from '../../src/formats/mesh.ts';
import type { Session } from '../../src/session/types.ts';
import type { Signal } from '../../src/signal/signal.ts';

/** What a coder makes of a signal. */
export interface Coded {
  /** What is stored, less what `Contender.note` says is left out. */
  readonly bytes: number;
  /** [points, channels], as the signal. */
  readonly values: Float32Array;
  /** Of a coder of surfaces, in place of values: they are then those of the signal. */
  readonly mesh?: Mesh;
}

export interface Contender {
  readonly name: string;
  /** Program, version, and what is counted. */
  readonly note: string;
  /** From the fewest bytes to the most. */
  readonly settings: readonly number[];
  code(signal: Signal, setting: number): Promise<Coded>;
}

/** Figures of one signal at one setting. */
export type Figures = Readonly<Record<string, number>>;

export interface Point {
  readonly setting: number;
  /** Mean over signals. */
  readonly bytes: number;
  /** Means over signals. */
  readonly figures: Figures;
}

export interface Curve {
  readonly contender: Contender;
  readonly points: readonly Point[];
}

/** Peers keep no coordinates. */
const keep = 'none';

/** A model as a contender: whole files. */
export function modelOf(session: Session, effort: number, qualities: readonly number[]): Contender {
  const { model } = session;
  return {
    name: 'functa',
    note: `model ${model.card.name} ${model.id.slice(0, 12)}, effort ${effort}; whole files`,
    settings: qualities,
    async code(signal, quality) {
      const { bytes } = await session.encode(signal, { quality, effort, keep });
      const { values } = await session.decode(bytes);
      return { bytes: bytes.length, values };
    },
  };
}

/** The same with the signs of every value. */
export function signedOf(session: Session, effort: number, qualities: readonly number[]): Contender {
  return {
    name: 'functa, signs kept',
    note: `the same model and effort, every sample on its side of 0; whole files`,
    settings: qualities,
    async code(signal, quality) {
      const { bytes } = await session.encode(signal, { quality, effort, keepSigns: true, keep });
      const { values } = await session.decode(bytes);
      return { bytes: bytes.length, values };
    },
  };
}

/** The same with bounds on the error of every value, in percent of the range of a signal. */
export function boundedOf(session: Session, effort: number, percents: readonly number[]): Contender {
  return {
    name: 'functa bounded',
    note: `the same model with a bound on every value, percent of the range, effort ${effort}; whole files`,
    settings: percents,
    async code(signal, percent) {
      const { bytes } = await session.encode(signal, { maxError: `${percent}%`, effort, keep });
      const { values } = await session.decode(bytes);
      return { bytes: bytes.length, values };
    },
  };
}

/** All settings of a contender over the signals. */
export async function curveOf(
  contender: Contender,
  signals: readonly Signal[],
  measure: (signal: Signal, coded: Coded) => Figures | Promise<Figures>,
): Promise<Curve> {
  const points: Point[] = [];
  for (const setting of contender.settings) {
    const coded: { bytes: number; figures: Figures }[] = [];
    for (const signal of signals) {
      const one = await contender.code(signal, setting);
      coded.push({ bytes: one.bytes, figures: await measure(signal, one) });
    }
    const names = Object.keys(coded[0]!.figures);
    const figures = Object.fromEntries(
      names.map((name) => [name, meanOf(coded.map((one) => one.figures[name]!))]),
    );
    points.push({ setting, bytes: meanOf(coded.map(({ bytes }) => bytes)), figures });
  }
  return { contender, points };
}

/** Mean bytes at a value of a figure, on straight lines of ln(bytes) between points; undefined beyond the ends. */
export function bytesAt({ points }: Curve, figure: string, value: number): number | undefined {
  const known = points
    .map(({ bytes, figures }) => ({ x: figures[figure]!, y: Math.log(bytes) }))
    .filter(({ x }) => Number.isFinite(x))
    .sort((a, b) => a.x - b.x);
  for (const [i, { x, y }] of known.entries()) {
    const next = known[i + 1];
    if (x === value) return Math.exp(y);
    if (next !== undefined && x < value && value < next.x)
      return Math.exp(y + ((next.y - y) * (value - x)) / (next.x - x));
  }
  return undefined;
}

/** Markdown: every point of every curve. */
export function pointsTable(curves: readonly Curve[], rate: (bytes: number) => Figures): string {
  const columns = Object.keys(curves[0]!.points[0]!.figures);
  const rates = Object.keys(rate(1));
  const rows = curves.flatMap(({ contender, points }) =>
    points.map(({ setting, bytes, figures }) => [
      contender.name,
      String(setting),
      bytes.toFixed(0),
      ...rates.map((name) => rate(bytes)[name]!.toFixed(3)),
      ...columns.map((name) => digits(figures[name]!)),
    ]),
  );
  return table(['coder', 'setting', 'bytes', ...rates, ...columns], rows);
}

/** Markdown: bytes at equal values of a figure, and how the first contender's compare. */
export function equalTable(curves: readonly Curve[], figure: string, values: readonly number[]): string {
  const [own] = curves as [Curve];
  const rows = values.map((value) => {
    const ours = bytesAt(own, figure, value);
    return [
      digits(value),
      ...curves.map((curve) => {
        const theirs = bytesAt(curve, figure, value);
        if (theirs === undefined) return '-';
        if (curve === own || ours === undefined) return theirs.toFixed(0);
        return `${theirs.toFixed(0)} (ours ${percent(ours / theirs - 1)})`;
      }),
    ];
  });
  return table([`${figure} of`, ...curves.map(({ contender }) => contender.name)], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function digits(value: number): string {
  return Number.isFinite(value) ? value.toPrecision(4) : String(value);
}

function percent(share: number): string {
  return `${share > 0 ? '+' : ''}${(100 * share).toFixed(0)} %`;
}

function meanOf(all: readonly number[]): number {
  return all.reduce((sum, value) => sum + value, 0) / all.length;
}
