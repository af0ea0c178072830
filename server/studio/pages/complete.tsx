/** A part of a picture is hidden, and a prior says what may stand there. */
import type { ModelSummary } from 'functa/client';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useModel } from '../model-picker.tsx';
import { type NpyArray, parseNpy } from '../npy.ts';
import { client } from '../service.ts';
import { Field, Figure, Page, Progress, Range, useTask } from '../ui.tsx';

const brush = 1.6;

export function CompletePage() {
  const { model, select, state } = useModel(
    ({ priors, shape }) => shape.length === 2 && priors.some(({ can }) => can.includes('complete')),
    'No model that is served here has a prior that completes.',
  );
  const [draws, setDraws] = useState(4);
  const [seed, setSeed] = useState(1);
  const [source, setSource] = useState<Source>();
  const [number, setNumber] = useState(0);
  const [own, setOwn] = useState<File>();
  const mask = useRef<HTMLCanvasElement>(null);
  const done = useTask<{ readonly array: NpyArray; readonly model: ModelSummary; readonly draws: number }>();
  const picking = useTask<void>();
  useEffect(() => {
    if (model === undefined) return;
    void picking.run(async (signal) => {
      if (own !== undefined) {
        setSource(await sourceOf(new Uint8Array(await own.arrayBuffer()), own.name));
        return;
      }
      const sets = await client.functasets({ signal });
      const set = sets.find((one) => one.model === model.name);
      if (set === undefined) {
        // a draw is as good to hide a part of as any
        const bytes = await client.sample(
          model.name,
          { count: 1, seed: number + 1 },
          { signal, format: 'png' },
        );
        setSource(await sourceOf(bytes, `a draw of ${model.name}`));
        return;
      }
      let at = 0;
      for await (const { id } of client.functions(set.name, { signal, limit: 100 })) {
        if (at++ < number) continue;
        const bytes = await client.function(set.name, id, { signal, format: 'png' });
        setSource(await sourceOf(bytes, `${set.name}, ${id}`));
        return;
      }
      throw new Error(`functaset ${set.name} has no picture ${number}; take a lower number`);
    });
  }, [model?.name, number, own]);
  const complete = () => {
    if (model === undefined || source === undefined || mask.current === null) return;
    const painted = mask.current;
    void done.run(async (signal) => {
      const known = await maskOf(painted);
      const request = { signal: base64(source.bytes), mask: base64(known), draws, seed };
      return {
        array: parseNpy(await client.complete(model.name, request, { signal, format: 'npy' })),
        model,
        draws,
      };
    });
  };
  return (
    <Page
      title="Complete"
      lead="Paint over what is to be hidden; the prior completes the function, and draws what else could stand there."
    >
      <section class="controls" aria-label="What is completed">
        {select}
        <Field label="Number of the picture">
          <input
            type="number"
            min="0"
            max="99"
            value={number}
            onInput={(event) => {
              setOwn(undefined);
              setNumber(Math.max(0, Number(event.currentTarget.value) | 0));
            }}
          />
        </Field>
        <Field label="Or one of your own">
          <input
            type="file"
            accept="image/png,image/jpeg,image/webp,image/avif"
            onChange={(event) => setOwn(event.currentTarget.files?.[0])}
          />
        </Field>
        <Range label="Draws" min={1} max={8} value={draws} onChange={setDraws} />
        <Field label="Seed">
          <input
            type="number"
            min="0"
            max="999999"
            value={seed}
            onInput={(event) => setSeed(Math.max(0, Number(event.currentTarget.value) | 0))}
          />
        </Field>
      </section>
      {state}
      <Progress task={picking} doing="Fetching" />
      {source !== undefined && model !== undefined && (
        <section class="beside two">
          <Painting
            key={`${model.name} ${source.title}`}
            source={source.bytes}
            title={source.title}
            shape={source.shape}
            mask={mask}
          />
          <div class="column">
            <p class="note">Drag over the picture. With the keyboard: arrows move the brush, space paints.</p>
            <div class="row">
              <button type="button" onClick={complete}>
                Complete it
              </button>
              <button type="button" class="plain" onClick={() => hide(mask.current, 'half')}>
                Hide the lower half
              </button>
              <button type="button" class="plain" onClick={() => hide(mask.current, 'none')}>
                Show all
              </button>
            </div>
            <Progress task={done} doing="Completing" />
          </div>
        </section>
      )}
      {done.value !== undefined && <Outcome {...done.value} />}
    </Page>
  );
}

interface Source {
  readonly bytes: Uint8Array;
  readonly title: string;
  /** Rows and columns. */
  readonly shape: readonly [number, number];
}

/** Throws where it is no picture. */
async function sourceOf(bytes: Uint8Array, title: string): Promise<Source> {
  try {
    const bitmap = await createImageBitmap(new Blob([bytes as Uint8Array<ArrayBuffer>]));
    const { width, height } = bitmap;
    bitmap.close();
    return { bytes, title, shape: [height, width] };
  } catch {
    throw new Error(`${title} is no picture that is shown here`);
  }
}

function Outcome({ array, model, draws }: { array: NpyArray; model: ModelSummary; draws: number }) {
  const titles = [
    'Completed',
    ...Array.from({ length: draws }, (_, i) => `Draw ${i + 1}`),
    'Mean of draws',
    'Deviation',
  ];
  return (
    <section class="results" aria-label="Completions">
      {titles.slice(0, array.shape[0]).map((title, i) => (
        <Figure key={title} title={title}>
          <Cell array={array} at={i} model={model} title={title} />
        </Figure>
      ))}
    </section>
  );
}

function Cell({
  array,
  at,
  model,
  title,
}: {
  array: NpyArray;
  at: number;
  model: ModelSummary;
  title: string;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [, height = 1, width = 1] = array.shape;
  useEffect(() => {
    const channels = model.outputs.length;
    const { low, peak } = model.outputs[0]!;
    const rgba = new Uint8ClampedArray(4 * width * height);
    const grown = title === 'Deviation' ? 4 : 1;
    for (let i = 0; i < width * height; i++) {
      for (let c = 0; c < 3; c++) {
        const value = array.values[(at * width * height + i) * channels + Math.min(c, channels - 1)]!;
        rgba[4 * i + c] = (grown * 255 * (value - (grown === 1 ? low : 0))) / peak;
      }
      rgba[4 * i + 3] = 255;
    }
    canvas.current?.getContext('2d')?.putImageData(new ImageData(rgba, width, height), 0, 0);
  }, [array, at]);
  return <canvas ref={canvas} class="pixels" width={width} height={height} role="img" aria-label={title} />;
}

function Painting({
  source,
  title,
  shape,
  mask,
}: {
  source: Uint8Array;
  title: string;
  shape: Source['shape'];
  mask: { current: HTMLCanvasElement | null };
}) {
  const [height, width] = shape;
  const [url, setUrl] = useState<string>();
  const [cursor, setCursor] = useState<readonly [number, number]>([width / 2, height / 2]);
  const isDown = useRef(false);
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([source as Uint8Array<ArrayBuffer>]));
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [source]);
  const dab = (x: number, y: number) => {
    const context = mask.current?.getContext('2d');
    if (context == null) return;
    context.fillStyle = '#d2603a';
    for (let row = Math.max(0, Math.floor(y - brush)); row < Math.min(height, y + brush); row++)
      for (let column = Math.max(0, Math.floor(x - brush)); column < Math.min(width, x + brush); column++)
        if (Math.hypot(column + 0.5 - x, row + 0.5 - y) <= brush) context.fillRect(column, row, 1, 1);
  };
  const at = (event: PointerEvent & { readonly currentTarget: HTMLElement }) => {
    const box = event.currentTarget.getBoundingClientRect();
    return [
      ((event.clientX - box.left) * width) / box.width,
      ((event.clientY - box.top) * height) / box.height,
    ] as const;
  };
  return (
    <Figure title="Hide a part" note={title}>
      <div class="painting">
        {url !== undefined && <img class="pixels" src={url} alt={title} />}
        <canvas
          ref={mask}
          class="pixels"
          width={width}
          height={height}
          tabIndex={0}
          role="img"
          aria-label={`Brush over ${title}: arrows move it, space paints`}
          onPointerDown={(event) => {
            event.currentTarget.setPointerCapture(event.pointerId);
            isDown.current = true;
            dab(...at(event));
          }}
          onPointerMove={(event) => isDown.current && dab(...at(event))}
          onPointerUp={() => {
            isDown.current = false;
          }}
          onKeyDown={(event) => {
            const moves: Readonly<Record<string, readonly [number, number]>> = {
              ArrowLeft: [-1, 0],
              ArrowRight: [1, 0],
              ArrowUp: [0, -1],
              ArrowDown: [0, 1],
            };
            const move = moves[event.key];
            if (move !== undefined)
              setCursor(([x, y]) => [
                Math.min(width, Math.max(0, x + move[0])),
                Math.min(height, Math.max(0, y + move[1])),
              ]);
            else if (event.key === ' ') dab(...cursor);
            else return;
            event.preventDefault();
          }}
        />
        <span
          class="brush"
          style={{ left: `${(100 * cursor[0]) / width}%`, top: `${(100 * cursor[1]) / height}%` }}
        />
      </div>
    </Figure>
  );
}

function hide(canvas: HTMLCanvasElement | null, what: 'half' | 'none'): void {
  const context = canvas?.getContext('2d');
  if (canvas === null || context == null) return;
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  context.fillStyle = '#d2603a';
  if (what === 'half') context.fillRect(0, Math.ceil(height / 2), width, height);
}

/** White is known, black is hidden. Throws where nothing is hidden. */
async function maskOf(painted: HTMLCanvasElement): Promise<Uint8Array> {
  const { width, height } = painted;
  const { data } = painted.getContext('2d')!.getImageData(0, 0, width, height);
  const known = new ImageData(width, height);
  let hidden = 0;
  for (let i = 0; i < width * height; i++) {
    const isHidden = data[4 * i + 3]! > 0;
    hidden += Number(isHidden);
    known.data.set(isHidden ? [0, 0, 0, 255] : [255, 255, 255, 255], 4 * i);
  }
  if (hidden === 0) throw new Error('nothing is hidden yet; paint over a part of the picture');
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext('2d')!.putImageData(known, 0, 0);
  return new Uint8Array(await (await canvas.convertToBlob({ type: 'image/png' })).arrayBuffer());
}

function base64(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
