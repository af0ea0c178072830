/** Work that takes longer than a request: asking for it, watching it, stopping it. */
import type { JobJson, JobRequest } from 'functa/client';
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { client } from '../service.ts';
import { Facts, Fault, Field, Page, Progress, Select, useLoaded, useTask } from '../ui.tsx';

const refreshMs = 4000;
/** Two jobs are not asked for sooner after one another. */
const betweenAsksMs = 1000;

export function JobsPage() {
  const [again, setAgain] = useState(0);
  const list = useLoaded((signal) => client.jobs.list({ signal }), [again]);
  const [chosen, setChosen] = useState<string>();
  useEffect(() => {
    // where answers take longer than this, asking again would stop each before it is there
    if (list.isBusy) return;
    const timer = setInterval(() => document.hidden || setAgain((n) => n + 1), refreshMs);
    return () => clearInterval(timer);
  }, [list.isBusy]);
  const jobs = list.value ?? [];
  const shown = jobs.find(({ id }) => id === chosen) ?? jobs[0];
  return (
    <Page
      title="Jobs"
      lead="Learning models and priors, and building functasets, in processes of their own: they outlive this page, and a restart of the service."
    >
      <Asking
        onAsked={(id) => {
          setChosen(id);
          setAgain((n) => n + 1);
        }}
      />
      <Progress task={list} doing="Reading" />
      {list.value !== undefined && jobs.length === 0 && <p class="empty">No job was asked for yet.</p>}
      {jobs.length > 0 && (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">Job</th>
                <th scope="col">State</th>
                <th scope="col">Done</th>
                <th scope="col">Asked for</th>
              </tr>
            </thead>
            <tbody>
              {jobs.map((job) => (
                <tr key={job.id} aria-selected={job.id === shown?.id}>
                  <td>
                    <button type="button" class="link" onClick={() => setChosen(job.id)}>
                      {job.kind} {job.id.slice(0, 8)}
                    </button>
                  </td>
                  <td>
                    <span class={`state ${job.state}`}>{job.state}</span>
                  </td>
                  <td>
                    {job.progress === null
                      ? ''
                      : `${job.progress.done} of ${job.progress.total} ${job.progress.unit}`}
                  </td>
                  <td>{new Date(job.madeAt).toLocaleString()}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {shown !== undefined && <OneJob key={shown.id} job={shown} onChange={() => setAgain((n) => n + 1)} />}
    </Page>
  );
}

/** Of each figure that a job tells, its values so far. */
type Curves = ReadonlyMap<string, { readonly at: number[]; readonly values: (number | null)[] }>;

function OneJob({ job, onChange }: { job: JobJson; onChange(): void }) {
  const [curves, setCurves] = useState<Curves>(new Map());
  const [lines, setLines] = useState<readonly string[]>([]);
  const [fault, setFault] = useState<unknown>();
  const stopping = useTask<void>();
  useEffect(() => {
    const leave = new AbortController();
    const found = new Map<string, { at: number[]; values: (number | null)[] }>();
    let due = false;
    const show = () => {
      due = false;
      setCurves(new Map(found));
    };
    void (async () => {
      for await (const event of client.jobs.events(job.id, { signal: leave.signal })) {
        if (event.type === 'note') setLines((old) => [...old.slice(-5), event.message]);
        if (event.type === 'end') onChange();
        if (event.type !== 'progress') continue;
        for (const [name, value] of Object.entries(event.figures)) {
          const curve = found.get(name) ?? { at: [], values: [] };
          found.set(name, curve);
          curve.at.push(event.done);
          curve.values.push(value);
        }
        if (!due) requestAnimationFrame(show);
        due = true;
      }
    })().catch((error: unknown) => leave.signal.aborted || setFault(error));
    return () => leave.abort();
  }, [job.id]);
  const told = [...curves].filter(([, { values }]) => values.some((value) => value !== null));
  const isAtWork = job.state === 'queued' || job.state === 'running';
  const isOver = !isAtWork && job.state !== 'paused';
  const doing = (what: () => Promise<unknown>) => () =>
    void stopping.run(async () => {
      await what();
      onChange();
    });
  return (
    <section class="job" aria-label={`Job ${job.id}`}>
      <h2>
        {job.kind} {job.id.slice(0, 8)}
      </h2>
      {job.progress !== null && (
        <progress aria-label="Done" value={job.progress.done} max={job.progress.total} />
      )}
      {job.result !== null && (
        <Facts
          of={Object.entries(job.result.figures)
            .slice(0, 8)
            .map(([name, value]) => [wordsOf(name), short(value)] as const)}
        />
      )}
      {job.fault !== null && <Fault error={new Error(job.fault.detail)} />}
      {fault !== undefined && <Fault error={fault} />}
      <div class="curves">
        {told.map(([name, curve]) => (
          <Curve key={name} name={name} at={curve.at} values={curve.values} />
        ))}
      </div>
      {lines.length > 0 && <pre>{lines.join('\n')}</pre>}
      <div class="row">
        {!isOver && (
          <button
            type="button"
            class="plain"
            onClick={doing(() => (isAtWork ? client.jobs.pause(job.id) : client.jobs.resume(job.id)))}
          >
            {isAtWork ? 'Pause' : 'Resume'}
          </button>
        )}
        <button type="button" class="plain" onClick={doing(() => client.jobs.remove(job.id))}>
          {isOver ? 'Forget it' : 'Cancel'}
        </button>
        {isOver && job.state !== 'done' && (
          <button
            type="button"
            class="plain"
            onClick={doing(() => client.jobs.add(job.request as JobRequest))}
          >
            Ask for it again
          </button>
        )}
      </div>
      <Progress task={stopping} doing="Telling it" />
    </section>
  );
}

function Curve({
  name,
  at,
  values,
}: {
  name: string;
  at: readonly number[];
  values: readonly (number | null)[];
}) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const style = getComputedStyle(element);
    const axis = {
      stroke: style.color,
      grid: { stroke: style.getPropertyValue('--line') },
      ticks: { show: false },
    };
    plot.current = new uPlot(
      {
        width: element.clientWidth,
        height: 160,
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false } },
        axes: [axis, { ...axis, size: 56 }],
        series: [
          {},
          {
            stroke: style.getPropertyValue('--accent'),
            width: 2,
            points: { show: values.length < 3, size: 7 },
          },
        ],
      },
      [[...at], [...values]],
      element,
    );
    const watch = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: 160 }),
    );
    watch.observe(element);
    return () => {
      watch.disconnect();
      plot.current?.destroy();
    };
  }, []);
  useEffect(() => plot.current?.setData([[...at], [...values]]), [at.length]);
  const last = values.at(-1);
  return (
    <figure>
      <figcaption>
        <b>{wordsOf(name)}</b>
        <span>{last == null ? '' : short(last)}</span>
      </figcaption>
      <div
        ref={box}
        role="img"
        aria-label={`${wordsOf(name)}, ${values.length} values, the last ${last ?? 'unknown'}`}
      />
    </figure>
  );
}

/** `bitsPerPoint` as words. */
function wordsOf(name: string): string {
  const words = name
    .replace(/([a-z])([A-Z])/g, (_, a: string, b: string) => `${a} ${b.toLowerCase()}`)
    .replace('psnr db', 'PSNR, dB')
    .trim();
  return words[0]!.toUpperCase() + words.slice(1);
}

const short = (value: number | null): string =>
  value === null ? 'unknown' : String(Number(value.toPrecision(4)));

function Asking({ onAsked }: { onAsked(id: string): void }) {
  const models = useLoaded((signal) => client.models({ signal }), []);
  const sets = useLoaded((signal) => client.functasets({ signal }), []);
  const [kind, setKind] = useState<'learn' | 'prior' | 'build'>('learn');
  const [data, setData] = useState('fixture-fashion');
  const [name, setName] = useState('');
  const [model, setModel] = useState('');
  const [steps, setSteps] = useState(200);
  const task = useTask<void>();
  /** When the last was asked for: the second click of two asks for nothing. */
  const last = useRef(Number.NEGATIVE_INFINITY);
  const of =
    model || models.value?.find((one) => one.name === 'fashion-mnist')?.name || models.value?.[0]?.name || '';
  const request = (): JobRequest => {
    const from = data.startsWith('set:') ? { functaset: data.slice(4) } : { dataset: data };
    if (kind === 'build') return { kind, functaset: name || 'built', model: of, data: from };
    if (kind === 'prior')
      return { kind, model: of, as: name || 'with-priors', data: from, kinds: ['histogram'], steps };
    return { kind, recipe: of, data: from, steps, ...(name === '' ? {} : { model: name }) };
  };
  return (
    <form
      class="controls"
      aria-label="A new job"
      onSubmit={(event) => {
        event.preventDefault();
        if (performance.now() - last.current < betweenAsksMs) return;
        last.current = performance.now();
        void task.run(async () => onAsked((await client.jobs.add(request())).id));
      }}
    >
      <Select
        label="What"
        value={kind}
        onChange={(value) => setKind(value as typeof kind)}
        options={[
          ['learn', 'learn a model'],
          ['prior', 'learn a prior'],
          ['build', 'build a functaset'],
        ]}
      />
      <Select
        label={kind === 'learn' ? 'Recipe of' : 'Model'}
        value={of}
        onChange={setModel}
        options={(models.value ?? []).map((one) => [one.name, one.name] as const)}
      />
      <Field label="From" hint="a data set, or set:NAME for a functaset">
        <input list="sources" value={data} onInput={(event) => setData(event.currentTarget.value)} />
        <datalist id="sources">
          <option value="fixture-fashion" />
          {(sets.value ?? []).map((set) => (
            <option key={set.name} value={`set:${set.name}`} />
          ))}
        </datalist>
      </Field>
      <Field label="Called">
        <input value={name} placeholder="a name" onInput={(event) => setName(event.currentTarget.value)} />
      </Field>
      {kind !== 'build' && (
        <Field label="Steps">
          <input
            type="number"
            min="1"
            max="100000"
            value={steps}
            onInput={(event) => setSteps(Number(event.currentTarget.value))}
          />
        </Field>
      )}
      <button type="submit">Start</button>
      <Progress task={task} doing="Asking" />
    </form>
  );
}
