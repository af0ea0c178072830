/** What the rows of the benchmark say, against what they should. */

export interface Row {
  /** A key of `works`, `residual-mlp` or `transformer`. */
  readonly work: string;
  readonly engine: string;
  readonly threads: number;
  readonly n: number;
  readonly medianMs: number;
  /** Least and most, in milliseconds. */
  readonly spread: readonly [number, number];
  /** Of the operations that flops.ts counts, of the best FMA rate measured in turn; null for peers, which execute others. */
  readonly shareOfPeak: number | null;
  readonly maxRssMb: number;
}

export interface Target {
  readonly what: string;
  readonly wanted: string;
  readonly got: string;
  /** Null: not measured. */
  readonly met: boolean | null;
}

/** Every figure that is asked for, of rows measured in one run with `threads` threads. */
export function targetsOf(rows: readonly Row[], threads: number, points: number): Target[] {
  const row = (work: string, engine: string, at?: number) =>
    rows.find((r) => r.work === work && r.engine === engine && (at === undefined || r.threads === at));
  const native = (work: string) => row(work, 'native', threads);
  const share = (work: string) => native(work)?.shareOfPeak ?? undefined;
  const over = (slow: Row | undefined, fast: Row | undefined) =>
    slow && fast && slow.medianMs / fast.medianMs;
  const wasm = row('decode', 'wasm');
  const wasmSpeed = wasm && points / wasm.medianMs / 1000;
  const rss = (work: string) => native(work)?.maxRssMb;
  const functa = row('residual-mlp', 'tfjs-functa');
  return [
    atLeast('global meta step, native: share of peak', 0.7, share('meta-global'), percent),
    atLeast(
      'global meta step, native over PyTorch',
      6,
      over(row('meta-global', 'pytorch'), native('meta-global')),
      times,
    ),
    atLeast(
      'global meta step, wasm over PyTorch',
      2,
      over(row('meta-global', 'pytorch'), row('meta-global', 'wasm')),
      times,
    ),
    atMost('global meta step, native: memory', 150, rss('meta-global'), megabytes),
    atLeast('pyramid meta step, native: share of peak', 0.5, share('meta-pyramid'), percent),
    atLeast(
      'pyramid meta step, native over PyTorch',
      8,
      over(row('meta-pyramid', 'pytorch'), native('meta-pyramid')),
      times,
    ),
    atMost('encode, native', 2, native('encode')?.medianMs, milliseconds),
    atLeast('decode, native: share of peak', 0.6, share('decode'), percent),
    atLeast('decode, wasm', 2, wasmSpeed, megapixels),
    atMost(
      'decode: memory for 4 times the points',
      1.1,
      ratio(rss('decode-large'), rss('decode')),
      (x) => `${x.toFixed(2)} x`,
    ),
    ...['meta-global', 'meta-pyramid', 'decode'].map((work) =>
      atLeast(
        `${work}, native: ${threads} threads over 1`,
        0.9 * threads,
        over(row(work, 'native', 1), native(work)),
        times,
      ),
    ),
    atLeast('residual MLP, functa over tfjs-wasm', 15, over(row('residual-mlp', 'tfjs-wasm'), functa), times),
    atMost('residual MLP, functa: time of PyTorch', 1.5, over(functa, row('residual-mlp', 'pytorch')), times),
    atMost(
      'transformer, native: time of PyTorch',
      1,
      over(native('transformer'), row('transformer', 'pytorch')),
      times,
    ),
  ];
}

/** The rows as a table. `titles` and `flops` by work. */
export function tableOf(
  rows: readonly Row[],
  titles: Readonly<Record<string, string>>,
  gigaflops: Readonly<Record<string, number>>,
): string[] {
  const cells = rows.map((row) => {
    const rate = gigaflops[row.work];
    return [
      titles[row.work] ?? row.work,
      row.engine,
      String(row.threads),
      `${precise(row.medianMs)}`,
      `${precise(row.spread[0])} .. ${precise(row.spread[1])}`,
      String(row.n),
      rate === undefined || row.shareOfPeak === null ? '-' : ((rate * 1000) / row.medianMs).toFixed(0),
      row.shareOfPeak === null ? '-' : percent(row.shareOfPeak),
      row.maxRssMb.toFixed(0),
    ];
  });
  return aligned([
    ['work', 'engine', 'threads', 'median ms', 'spread ms', 'n', 'GFLOP/s', 'of peak', 'max MB'],
    ...cells,
  ]);
}

export function targetLines(targets: readonly Target[]): string[] {
  const verdict = ({ met }: Target) => (met === null ? 'not measured' : met ? 'met' : 'short');
  return aligned([
    ['what it must show', 'wanted', 'got', ''],
    ...targets.map((target) => [target.what, target.wanted, target.got, verdict(target)]),
  ]);
}

type Text = (x: number) => string;

function atLeast(what: string, bound: number, got: number | undefined, text: Text): Target {
  return { what, wanted: `>= ${text(bound)}`, ...judged(got, text, (x) => x >= bound) };
}

function atMost(what: string, bound: number, got: number | undefined, text: Text): Target {
  return { what, wanted: `<= ${text(bound)}`, ...judged(got, text, (x) => x <= bound) };
}

function judged(got: number | undefined, text: Text, met: (x: number) => boolean) {
  return got === undefined ? { got: '-', met: null } : { got: text(got), met: met(got) };
}

function ratio(a: number | undefined, b: number | undefined): number | undefined {
  return a !== undefined && b !== undefined ? a / b : undefined;
}

function percent(x: number): string {
  return `${(100 * x).toFixed(0)} %`;
}

function times(x: number): string {
  return `${x.toFixed(x < 10 ? 2 : 0)} x`;
}

function milliseconds(x: number): string {
  return `${precise(x)} ms`;
}

function megabytes(x: number): string {
  return `${x.toFixed(0)} MB`;
}

function megapixels(x: number): string {
  return `${x.toFixed(1)} Mpixel/s`;
}

function precise(x: number): string {
  return x >= 100 ? x.toFixed(0) : x.toPrecision(3);
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd(),
  );
}
