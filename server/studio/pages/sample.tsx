/** New signals from a prior, and the way between two of them. */
import { inspect, type Opened, sharedReader } from 'functa/web';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useModel } from '../model-picker.tsx';
import { client, openFunction } from '../service.ts';
import { Field, Figure, Page, Progress, Range, Select, useClosing, useTask, View } from '../ui.tsx';

const size = 256;

export function SamplePage() {
  const { model, select, state } = useModel(
    ({ abilities, shape }) => abilities.sampledBy.length > 0 && shape.length === 2,
    'No model that is served here has a prior that draws.',
  );
  const [prior, setPrior] = useState('');
  const [seed, setSeed] = useState(1);
  const [count, setCount] = useState(12);
  const [temperature, setTemperature] = useState(1);
  const [label, setLabel] = useState('');
  const [steps, setSteps] = useState('');
  const [guidance, setGuidance] = useState('');
  const [picks, setPicks] = useState<readonly number[]>([]);
  // those that are made to draw come first
  const priors = (model?.priors ?? [])
    .filter(({ can }) => can.includes('sample'))
    .sort((a, b) => Number(a.can.includes('code')) - Number(b.can.includes('code')));
  const by = priors.find((one) => one.name === prior) ?? priors[0];
  const takes = by?.takes ?? [];
  // a classifier says which classes there are; a prior that has none beside it refuses a class by their names
  const labels = model?.classifier?.labels ?? [];
  const of = labels.find((one) => String(one) === label) ?? (label === '' ? undefined : label);
  const task = useTask<readonly Opened[]>();
  const [wall, setWall] = useState<readonly Opened[]>([]);
  useEffect(() => setWall(task.value ?? []), [task.value]);
  useClosing(wall);
  const draw = (to: typeof of) => {
    if (model === undefined) return;
    setPicks([]);
    void task.run(async (signal) => {
      const request = {
        count,
        seed,
        prior: by?.name,
        ...(takes.includes('temperature') ? { temperature } : {}),
        ...(takes.includes('steps') && steps !== '' ? { steps: Number(steps) } : {}),
        ...(takes.includes('guidance') && guidance !== '' ? { guidance: Number(guidance) } : {}),
        ...(takes.includes('label') && to !== undefined ? { label: to } : {}),
      };
      const archive = await client.sample(model.name, request, { signal, format: 'functa' });
      const items = Array.from({ length: inspect(archive).count }, (_, i) => i);
      return Promise.all(items.map((item) => openFunction(archive, model.name, item)));
    });
  };
  // a page of draws begins with some, and a model has classes of its own
  useEffect(() => {
    setLabel('');
    draw(undefined);
  }, [model?.name]);
  const toggle = (i: number) =>
    setPicks((old) => (old.includes(i) ? old.filter((one) => one !== i) : [...old.slice(-1), i]));
  const [a, b] = picks.map((i) => wall[i]);
  return (
    <Page
      title="Sample"
      lead="Draws from a prior are functions like any other. Choose two to walk from one to the other."
    >
      <form
        class="controls"
        aria-label="What is drawn"
        onSubmit={(event) => {
          event.preventDefault();
          draw(of);
        }}
      >
        {select}
        <Select
          label="Prior"
          value={by?.name ?? ''}
          onChange={setPrior}
          options={priors.map((one) => [one.name, one.name] as const)}
        />
        {takes.includes('label') && labels.length === 0 && (
          <Field label="Class">
            <input value={label} placeholder="any" onInput={(event) => setLabel(event.currentTarget.value)} />
          </Field>
        )}
        {takes.includes('label') && labels.length > 0 && (
          <Select
            label="Class"
            value={label}
            onChange={setLabel}
            options={[['', 'any'], ...labels.map((one) => [String(one), String(one)] as const)]}
          />
        )}
        {takes.includes('temperature') && (
          <Range
            label="Temperature"
            min={0}
            max={1.5}
            step={0.05}
            value={temperature}
            onChange={setTemperature}
          />
        )}
        {takes.includes('steps') && (
          <CardNumber label="Steps" min="1" max="1000" step="1" value={steps} onChange={setSteps} />
        )}
        {takes.includes('guidance') && (
          <CardNumber label="Guidance" min="0" max="20" step="any" value={guidance} onChange={setGuidance} />
        )}
        <Range label="How many" min={2} max={36} value={count} onChange={setCount} />
        <Field label="Seed">
          <input
            type="number"
            min="0"
            max="999999"
            value={seed}
            onInput={(event) => setSeed(Math.max(0, Number(event.currentTarget.value) | 0))}
          />
        </Field>
        <button type="submit">Draw</button>
      </form>
      {state}
      <Progress task={task} doing="Drawing" />
      {a !== undefined && b !== undefined && <Between key={`${a.key} ${b.key}`} a={a} b={b} />}
      {model !== undefined && wall.length === 0 && !task.isBusy && task.error === undefined && (
        <p class="empty">Nothing is drawn yet.</p>
      )}
      <ul class="wall">
        {wall.map((opened, i) => (
          <li key={opened.key}>
            <button
              type="button"
              aria-pressed={picks.includes(i)}
              aria-label={`Choose draw ${i + 1}`}
              onClick={() => toggle(i)}
            >
              <Still opened={opened} />
            </button>
          </li>
        ))}
      </ul>
    </Page>
  );
}

/** A function drawn once. */
function Still({ opened }: { opened: Opened }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => void paint(canvas.current, opened.key, 160), [opened]);
  return <canvas ref={canvas} width="160" height="160" />;
}

async function paint(canvas: HTMLCanvasElement | null, key: number, side: number): Promise<void> {
  const part = { x: 0, y: 0, width: side, height: side };
  const { rgba } = await sharedReader().draw(key, { width: side, height: side, part });
  canvas?.getContext('2d')?.putImageData(new ImageData(rgba, side, side), 0, 0);
}

function Between({ a, b }: { a: Opened; b: Opened }) {
  const [at, setAt] = useState(0.5);
  const [rate, setRate] = useState<number>();
  const [isPlaying, setPlaying] = useState(false);
  const canvas = useRef<HTMLCanvasElement>(null);
  const frame = async (t: number) => {
    const { key } = await sharedReader().mix([a.key, b.key], [1 - t, t]);
    await paint(canvas.current, key, size);
    void sharedReader().close(key);
  };
  useEffect(() => {
    if (!isPlaying) void frame(at);
  }, [at, a, b, isPlaying]);
  useEffect(() => {
    if (!isPlaying) return;
    let isOver = false;
    void (async () => {
      const began = performance.now();
      for (let frames = 1; !isOver; frames++) {
        const t = (1 - Math.cos((performance.now() - began) / 1200)) / 2;
        await frame(t);
        if (frames % 15 === 0) {
          setRate((1000 * frames) / (performance.now() - began));
          setAt(Number(t.toFixed(2)));
        }
        // a page that is not looked at does not work
        await new Promise((next) => requestAnimationFrame(next));
      }
    })();
    return () => {
      isOver = true;
    };
  }, [isPlaying, a, b]);
  return (
    <section class="between" aria-label="From one to the other">
      <Figure title="One">
        <View opened={a} alt="the first" />
      </Figure>
      <Figure title="Between" note={rate === undefined ? undefined : `${rate.toFixed(0)} frames a second`}>
        <canvas
          ref={canvas}
          width={size}
          height={size}
          role="img"
          aria-label={`${Math.round(100 * at)} % of the way`}
        />
      </Figure>
      <Figure title="Other">
        <View opened={b} alt="the second" />
      </Figure>
      <div class="row wide">
        <Range
          label="Way"
          min={0}
          max={1}
          step={0.01}
          value={at}
          onChange={(value) => {
            setPlaying(false);
            setAt(value);
          }}
        />
        <button type="button" onClick={() => setPlaying(!isPlaying)}>
          {isPlaying ? 'Stop the film' : 'Play the film'}
        </button>
      </div>
    </section>
  );
}

/** A number as it was typed; left empty it is what the card of the prior says. */
function CardNumber({
  label,
  value,
  onChange,
  ...range
}: {
  label: string;
  value: string;
  onChange(value: string): void;
  min: string;
  max: string;
  step: string;
}) {
  return (
    <Field label={label}>
      <input
        type="number"
        placeholder="as its card says"
        {...range}
        value={value}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
    </Field>
  );
}
