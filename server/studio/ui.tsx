/** Parts that pages are made of. */

import type { FunctaViewElement, Look, Opened } from 'functa/web';
import { sharedReader } from 'functa/web';
import { type ComponentChildren, cloneElement, type Ref, type VNode } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { client, hasKey, messageOf, needsKey, useKeyOfTab } from './service.ts';

declare module 'preact' {
  namespace JSX {
    interface IntrinsicElements {
      'functa-view': { ref?: Ref<FunctaViewElement>; raw?: boolean | undefined; alt?: string };
    }
  }
}

export function Page({
  title,
  lead,
  children,
}: {
  title: string;
  lead: string;
  children: ComponentChildren;
}) {
  return (
    <main id="content" tabIndex={-1}>
      <header class="lead">
        <h1>{title}</h1>
        <p>{lead}</p>
      </header>
      {children}
    </main>
  );
}

export interface Task<T> {
  readonly value: T | undefined;
  readonly error: unknown;
  readonly isBusy: boolean;
  readonly seconds: number;
  run(work: (signal: AbortSignal) => Promise<T>): Promise<void>;
  stop(): void;
}

/** Work with one result: the newest asked for counts, and what is replaced is stopped. */
export function useTask<T>(): Task<T> {
  const [state, setState] = useState<{ value?: T; error?: unknown; since?: number }>({});
  const [, tick] = useState(0);
  const abort = useRef<AbortController>(undefined);
  useEffect(() => () => abort.current?.abort(), []);
  useEffect(() => {
    if (state.since === undefined) return;
    const timer = setInterval(() => tick((n) => n + 1), 200);
    return () => clearInterval(timer);
  }, [state.since]);
  return {
    value: state.value,
    error: state.error,
    isBusy: state.since !== undefined,
    seconds: state.since === undefined ? 0 : (performance.now() - state.since) / 1000,
    async run(work) {
      abort.current?.abort();
      const mine = new AbortController();
      abort.current = mine;
      setState(({ value }) => ({ ...(value === undefined ? {} : { value }), since: performance.now() }));
      try {
        const value = await work(mine.signal);
        if (!mine.signal.aborted) setState({ value });
      } catch (error) {
        if (!mine.signal.aborted) setState({ error });
      }
    },
    stop() {
      abort.current?.abort();
      setState(({ value }) => (value === undefined ? {} : { value }));
    },
  };
}

/** What is told of work: that it runs, for how long, or why it failed. */
export function Progress({ task, doing }: { task: Task<unknown>; doing: string }) {
  if (task.error !== undefined) return <Fault error={task.error} />;
  if (!task.isBusy || task.seconds < 0.5) return null;
  return (
    <div class="progress" role="status">
      <span>
        {doing} · {task.seconds.toFixed(0)} s
      </span>
      <progress aria-label={doing} />
      <button type="button" class="plain" onClick={task.stop}>
        Stop
      </button>
    </div>
  );
}

export function Fault({ error }: { error: unknown }) {
  return (
    <div class="fault" role="alert">
      <p>{messageOf(error)}</p>
      {needsKey(error) && <KeyForm />}
    </div>
  );
}

function KeyForm() {
  const [key, setKey] = useState('');
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault();
        useKeyOfTab(key);
        location.reload();
      }}
    >
      <Field label="Key of the service">
        <input
          type="password"
          value={key}
          onInput={(event) => setKey(event.currentTarget.value)}
          autocomplete="off"
        />
      </Field>
      <button type="submit">Use it in this tab</button>
    </form>
  );
}

export function Field({
  label,
  hint,
  children,
}: {
  label: string;
  hint?: string | undefined;
  children: VNode<{ id?: string }> | readonly ComponentChildren[];
}) {
  const id = useId();
  const [control, ...rest] = [children].flat() as [VNode<{ id?: string }>, ...ComponentChildren[]];
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {cloneElement(control, { id })}
      {rest}
      {hint !== undefined && <small>{hint}</small>}
    </div>
  );
}

export function Range({
  label,
  value,
  onChange,
  ...range
}: {
  label: string;
  value: number;
  onChange(value: number): void;
  min: number;
  max: number;
  step?: number;
}) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>
        {label} <output for={id}>{value}</output>
      </label>
      <input
        id={id}
        type="range"
        {...range}
        value={value}
        onInput={(event) => onChange(Number(event.currentTarget.value))}
      />
    </div>
  );
}

export function Select({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: string;
  options: readonly (readonly [value: string, text: string])[];
  onChange(value: string): void;
}) {
  return (
    <Field label={label}>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map(([own, text]) => (
          <option key={own} value={own}>
            {text}
          </option>
        ))}
      </select>
    </Field>
  );
}

/** Figures side by side. */
export function Facts({ of }: { of: readonly (readonly [name: string, value: string | number])[] }) {
  return (
    <dl class="facts">
      {of.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export function Figure({
  title,
  note,
  children,
}: {
  title: string;
  note?: string | undefined;
  children: ComponentChildren;
}) {
  return (
    <figure>
      <div class="frame">{children}</div>
      <figcaption>
        <b>{title}</b>
        {note !== undefined && <span>{note}</span>}
      </figcaption>
    </figure>
  );
}

/** A function that is open, shown by the element that any page can use. */
export function View({
  opened,
  alt,
  raw,
  look,
  onLook,
}: {
  opened: Opened;
  alt: string;
  raw?: boolean | undefined;
  look?: Look | undefined;
  onLook?: ((look: Look) => void) | undefined;
}) {
  const at = useRef<FunctaViewElement>(null);
  useEffect(() => at.current?.show(opened), [opened]);
  useEffect(() => {
    if (look !== undefined && at.current !== null) at.current.look = look;
  }, [look]);
  useEffect(() => {
    const element = at.current;
    const hear = (event: Event) => onLook?.((event as CustomEvent<Look>).detail);
    element?.addEventListener('functa-look', hear);
    return () => element?.removeEventListener('functa-look', hear);
  }, [onLook]);
  return <functa-view ref={at} alt={alt} raw={raw} />;
}

/** A function of a functaset, drawn by the service. */
export function Thumb({
  set,
  id,
  version,
  alt,
}: {
  set: string;
  id: string;
  version?: string | undefined;
  alt: string;
}) {
  const [src, setSrc] = useState<string>();
  useEffect(() => {
    if (!hasKey()) {
      setSrc(client.functionUrl(set, id, { width: 128, ...(version === undefined ? {} : { version }) }));
      return;
    }
    let url: string | undefined;
    let isGone = false;
    void client.function(set, id, { width: 128 }).then((bytes) => {
      if (isGone) return;
      url = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>]));
      setSrc(url);
    });
    return () => {
      isGone = true;
      if (url !== undefined) URL.revokeObjectURL(url);
    };
  }, [set, id, version]);
  return src === undefined ? (
    <span class="blank" />
  ) : (
    <img src={src} alt={alt} loading="lazy" width="128" height="128" />
  );
}

/** What is asked for once, when it is first shown or `of` changes. */
export function useLoaded<T>(work: (signal: AbortSignal) => Promise<T>, of: readonly unknown[]): Task<T> {
  const task = useTask<T>();
  useEffect(() => void task.run(work), of);
  return task;
}

/** Closes what was open when another takes its place. */
export function useClosing(opened: readonly Opened[]): void {
  useEffect(
    () => () => {
      for (const { key } of opened) void sharedReader().close(key);
    },
    [opened],
  );
}

export const bytesText = (bytes: number): string =>
  bytes < 1000
    ? `${bytes} bytes`
    : bytes < 1e6
      ? `${(bytes / 1000).toPrecision(3)} kB`
      : `${(bytes / 1e6).toPrecision(3)} MB`;

export const shapeText = (shape: readonly number[]): string =>
  shape.length === 2 ? `${shape[1]} × ${shape[0]}` : shape.join(' × ');
