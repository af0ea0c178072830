/** The worker's side: models that were fetched, functions that are open, and what is drawn of them. */
import { BadInputError, FunctaError, NotFoundError } from '../core/errors.ts';
import { sampleTypeOf } from '../field/outputs.ts';
import { isSignedDistance, surfaceOf } from '../field/surface.ts';
import { type Func, type Model, openReader, type Reader, readModel } from '../web.ts';
import type { Answer, Asks, Drawing, Opened, Question, Source, Verb } from './messages.ts';
import { painted, shaded } from './paint.ts';

/** Samples along the longest axis that a surface is drawn from: finer ones are not told apart on a screen. */
const surfaceSamples = 64;
/** Models that are kept: one is half a megabyte. */
const mostModels = 8;

type Verbs = { readonly [V in Verb]: (ask: Asks[V]['ask']) => Promise<Asks[V]['answer']> };

/** Answers questions, one after the other. */
export function answerQuestions(scope: {
  onmessage: ((event: { data: Question }) => void) | null;
  postMessage(answer: Answer | 'ready', transfer?: ArrayBuffer[]): void;
}): void {
  const verbs = readingVerbs();
  let last: Promise<unknown> = Promise.resolve();
  scope.onmessage = ({ data: { number, verb, ask } }) => {
    last = last.then(async () => {
      try {
        const answer = await (verbs[verb] as (ask: unknown) => Promise<Asks[Verb]['answer']>)(ask);
        scope.postMessage({ number, answer }, transferred(answer));
      } catch (error) {
        const code = error instanceof FunctaError ? error.code : 'bug';
        scope.postMessage({ number, fault: { code, message: (error as Error).message } });
      }
    });
  };
  scope.postMessage('ready');
}

function transferred(answer: unknown): ArrayBuffer[] {
  const rgba = (answer as { rgba?: Uint8ClampedArray<ArrayBuffer> } | null)?.rgba;
  return rgba === undefined ? [] : [rgba.buffer];
}

function readingVerbs(): Verbs {
  const open = new Map<number, Held>();
  const models = new Map<string, Promise<Model>>();
  const given: { readonly bytes: Uint8Array; readonly model: Model }[] = [];
  let next = 1;

  const keep = (func: Func, reader: Reader): Opened => {
    const held: Held = { func, reader };
    open.set(next, held);
    return described(next++, held);
  };
  const held = (key: number): Held => {
    const found = open.get(key);
    if (found === undefined) throw new NotFoundError('item', `no function ${key} is open here`);
    return found;
  };
  /** Reading a model takes longer than comparing its bytes, and its priors have memories of their own. */
  const modelOfBytes = (bytes: Uint8Array): Model => {
    const known = given.find((one) => isSame(one.bytes, bytes));
    if (known !== undefined) return known.model;
    const model = readModel(bytes);
    given.push({ bytes, model });
    if (given.length > mostModels) given.shift();
    return model;
  };
  const modelOf = (source: Source): Promise<Model> => {
    if (typeof source !== 'string') return Promise.resolve(modelOfBytes(source));
    const known = models.get(source);
    if (known !== undefined) return known;
    const found = bytesOf(source).then((bytes) => readModel(bytes));
    // What could not be had is asked for again.
    found.catch(() => models.delete(source));
    models.set(source, found);
    for (const [oldest] of models) if (models.size > mostModels) models.delete(oldest);
    return found;
  };

  return {
    async open({ file, model, item }) {
      const reader = await openReader({ model: model === undefined ? undefined : await modelOf(model) });
      const which = typeof item === 'string' ? { id: item } : { item };
      return keep(await reader.open(await bytesOf(file), which), reader);
    },
    async mix({ of, weights }) {
      const all = of.map(held);
      const [{ func, reader }] = all as [Held, ...Held[]];
      const modulation = new Float32Array(func.modulation.length);
      all.forEach(({ func: { modulation: own } }, i) => {
        for (let j = 0; j < modulation.length; j++) modulation[j]! += weights[i]! * (own[j] ?? 0);
      });
      const { shape, quality } = func;
      return keep(reader.func({ modulation, shape, quality, id: 'mixture' }), reader);
    },
    async draw({ key, ...drawing }) {
      return drawn(held(key).func, drawing);
    },
    async turn({ key, ...view }) {
      const one = held(key);
      one.surface ??= surfaceToTurn(one.func);
      return { rgba: shaded((await one.surface)(view)) };
    },
    async values({ key, size }) {
      return (await held(key).func.decode({ size })).values;
    },
    async modulation({ key }) {
      return held(key).func.modulation.slice();
    },
    async close({ key }) {
      open.delete(key);
      return null;
    },
  };
}

interface Held {
  readonly func: Func;
  readonly reader: Reader;
  surface?: ReturnType<typeof surfaceToTurn>;
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

async function bytesOf(source: Source): Promise<Uint8Array> {
  if (typeof source !== 'string') return source;
  const response = await fetch(source);
  if (!response.ok) throw new NotFoundError('no-such-path', `${source}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

function described(key: number, { func }: Held): Opened {
  const { id, shape, channels, model } = func;
  const { axes, outputs } = model.card;
  return {
    ...{ key, id, shape, channels },
    axes: axes.map(({ name, unit, step }) => ({ name, unit, step })),
    outputs: outputs.map(({ name, unit, low, peak }) => ({ name, unit, low, peak })),
    isColour: sampleTypeOf(outputs) === 'uint8' && (channels === 1 || channels === 3),
    isShape: shape.length === 3 && isSignedDistance(outputs, axes),
  };
}

async function surfaceToTurn(func: Func) {
  const { shape } = func;
  if (shape.length !== 3)
    throw new BadInputError('bad-size', `a function of ${shape.length} axes has no surface`);
  const factor = Math.max(1, Math.floor(surfaceSamples / Math.max(...shape)));
  const { values } = await func.decode({ size: `${factor}x` });
  return surfaceOf(shape.map((n) => factor * n) as [number, number, number], values);
}

async function drawn(func: Func, { width, height, part, slice, raw }: Drawing) {
  const { shape, model } = func;
  const two = { y: [part.y, part.height], x: [part.x, part.width] } as const;
  const of = (first: number, y: number, x: number) => (shape.length === 3 ? [first, y, x] : [y, x]);
  if (shape.length < 2 || shape.length > 3)
    throw new BadInputError('bad-size', `a function of ${shape.length} axes cannot be drawn on a canvas`);
  const decoded = await func.decode({
    size: { shape: of(shape[0]!, height, width) },
    region: { start: of(slice ?? 0, two.y[0], two.x[0]), count: of(1, two.y[1], two.x[1]) },
    raw,
  });
  return painted(decoded.values, model.card.outputs, part);
}
