/** What functasets hold: page by page, by label, by how unlikely, or as a map; each function with what is near it. */
import type { Filter, FunctasetDetailJson, FunctionJson } from 'functa/client';
import type { Opened } from 'functa/web';
import { useEffect, useRef, useState } from 'preact/hooks';
import { MapOfFunctions } from '../map.tsx';
import { carried, client, openFunction } from '../service.ts';
import {
  bytesText,
  Facts,
  Field,
  Figure,
  Page,
  Progress,
  Select,
  Thumb,
  useLoaded,
  useTask,
  View,
} from '../ui.tsx';

const pageSize = 60;
const neighbours = 8;
const mostUnlikely = 240;
/** Milliseconds after the last key, before what was typed is asked for. */
const settleMs = 250;
type Item = Pick<FunctionJson, 'id'> & Partial<FunctionJson> & { readonly bitsNow?: number };
type Order = 'all' | 'unlikely' | 'map';

export function FunctasetsPage() {
  const [again, setAgain] = useState(0);
  const sets = useLoaded((signal) => client.functasets({ signal }), [again]);
  const [name, setName] = useState('');
  const own = name || sets.value?.[0]?.name || '';
  const about = useLoaded<FunctasetDetailJson | undefined>(
    async (signal) => (own === '' ? undefined : client.functaset(own, { signal })),
    [own, again],
  );
  const [label, setLabel] = useState('');
  const [within, setWithin] = useState<Within>(everything);
  const [order, setOrder] = useState<Order>('all');
  const [chosen, setChosen] = useState<string>();
  useEffect(() => {
    setLabel('');
    setWithin(everything);
    setChosen(undefined);
  }, [own]);
  const filter = useSettled(filterOf(about.value, label, within));
  const changed = () => setAgain((n) => n + 1);
  const { value: detail } = about;
  return (
    <Page
      title="Functasets"
      lead="Stores of functions: each is a few hundred numbers, and everything is asked of those."
    >
      <section class="controls" aria-label="What is shown">
        <Select
          label="Functaset"
          value={own}
          onChange={setName}
          options={(sets.value ?? []).map((set) => [set.name, `${set.name} (${set.functions})`] as const)}
        />
        <Select
          label="Label"
          value={label}
          onChange={setLabel}
          options={[
            ['', 'all'],
            ...(detail?.labels ?? []).map(
              ({ label: of, functions }) => [String(of), `${of} (${functions})`] as const,
            ),
          ]}
        />
        <Select
          label="Order"
          value={order}
          onChange={(value) => setOrder(value as Order)}
          options={[
            ['all', 'by id'],
            ['unlikely', 'least likely first'],
            ['map', 'as a map'],
          ]}
        />
      </section>
      {order !== 'map' && <Narrowing within={within} onChange={setWithin} />}
      <Progress task={sets} doing="Reading" />
      <Progress task={about} doing="Counting" />
      {sets.value?.length === 0 && <p class="empty">No functaset is here yet. Make one below.</p>}
      {detail !== undefined && (
        <Facts
          of={[
            ['Functions', detail.functions],
            ['Coded', bytesText(detail.codedBytes)],
            ['Mean bits', detail.meanBits?.toFixed(0) ?? 'unknown'],
            ['Mean PSNR', detail.meanPsnrDb === null ? 'unknown' : `${detail.meanPsnrDb.toFixed(2)} dB`],
            ['Model', detail.model ?? 'not served'],
          ]}
        />
      )}
      {chosen !== undefined && detail !== undefined && (
        <Chosen
          set={own}
          model={detail.model ?? undefined}
          id={chosen}
          onPick={setChosen}
          onGone={() => {
            setChosen(undefined);
            changed();
          }}
        />
      )}
      {own !== '' && detail !== undefined && order === 'map' && (
        <MapOfFunctions set={own} count={detail.functions} chosen={chosen} onPick={setChosen} />
      )}
      {own !== '' && detail !== undefined && order !== 'map' && (
        <Wall
          key={`${own} ${JSON.stringify(filter)} ${order} ${again}`}
          set={own}
          filter={filter}
          order={order}
          chosen={chosen}
          onPick={setChosen}
        />
      )}
      <Making
        set={own}
        onMade={(made) => {
          setName(made);
          changed();
        }}
        onAdded={changed}
      />
    </Page>
  );
}

/** Between what the functions that are shown lie; empty: anywhere. */
interface Within {
  readonly idPrefix: string;
  readonly bits: string;
  readonly psnrDb: string;
}

const everything: Within = { idPrefix: '', bits: '', psnrDb: '' };

function Narrowing({ within, onChange }: { within: Within; onChange(within: Within): void }) {
  const number = { type: 'number', min: '0', step: 'any', inputmode: 'decimal' } as const;
  const hear = (name: keyof Within) => (event: { readonly currentTarget: HTMLInputElement }) =>
    onChange({ ...within, [name]: event.currentTarget.value });
  return (
    <section class="controls" aria-label="Narrowed to">
      <Field label="Id begins with">
        <input value={within.idPrefix} placeholder="any" onInput={hear('idPrefix')} />
      </Field>
      <Field label="Bits at most">
        <input {...number} value={within.bits} placeholder="any" onInput={hear('bits')} />
      </Field>
      <Field label="PSNR at least, dB">
        <input {...number} value={within.psnrDb} placeholder="any" onInput={hear('psnrDb')} />
      </Field>
    </section>
  );
}

/** Undefined where all functions are meant. */
function filterOf(
  detail: FunctasetDetailJson | undefined,
  label: string,
  { idPrefix, bits, psnrDb }: Within,
): Filter | undefined {
  const of = detail?.labels.find((one) => String(one.label) === label)?.label;
  const filter: Filter = {
    ...(of === undefined ? {} : { labels: [of] }),
    ...(idPrefix === '' ? {} : { idPrefix }),
    ...(bits === '' ? {} : { bits: { max: Number(bits) } }),
    ...(psnrDb === '' ? {} : { psnrDb: { min: Number(psnrDb) } }),
  };
  return Object.keys(filter).length === 0 ? undefined : filter;
}

/** The same, once nobody has changed it for a moment. */
function useSettled<T>(value: T): T {
  const text = JSON.stringify(value);
  const [settled, setSettled] = useState({ text, value });
  useEffect(() => {
    const timer = setTimeout(() => setSettled({ text, value }), settleMs);
    return () => clearTimeout(timer);
  }, [text]);
  return settled.value;
}

function Wall({
  set,
  filter,
  order,
  chosen,
  onPick,
}: {
  set: string;
  filter: Filter | undefined;
  order: Order;
  chosen: string | undefined;
  onPick(id: string): void;
}) {
  const [items, setItems] = useState<readonly Item[]>([]);
  const [isOver, setOver] = useState(false);
  const source = useRef<AsyncIterator<Item>>(undefined);
  const task = useTask<void>();
  const more = () =>
    task.run(async () => {
      source.current ??= (order === 'unlikely' ? unlikely(set, filter) : inOrder(set, filter))[
        Symbol.asyncIterator
      ]();
      const found: Item[] = [];
      while (found.length < pageSize) {
        const { value, done } = await source.current.next();
        if (done) {
          setOver(true);
          break;
        }
        found.push(value);
      }
      setItems((before) => [...before, ...found]);
    });
  useEffect(() => void more(), []);
  return (
    <section aria-label="Functions">
      <Progress task={task} doing={order === 'unlikely' ? 'Learning what is likely here' : 'Reading'} />
      <Thumbs set={set} items={items} chosen={chosen} onPick={onPick} />
      {isOver && items.length === 0 && (
        <p class="empty">
          {filter === undefined ? 'Nothing is in it yet.' : 'No function is so narrow; widen it.'}
        </p>
      )}
      {!isOver && !task.isBusy && task.error === undefined && (
        <button type="button" class="plain" onClick={more}>
          More
        </button>
      )}
    </section>
  );
}

function Thumbs({
  set,
  items,
  chosen,
  onPick,
}: {
  set: string;
  items: readonly Item[];
  chosen?: string | undefined;
  onPick(id: string): void;
}) {
  return (
    <ul class="thumbs">
      {items.map(({ id, label, version, bitsNow }) => (
        <li key={id}>
          <button
            type="button"
            aria-pressed={id === chosen}
            onClick={() => onPick(id)}
            title={bitsNow === undefined ? id : `${id}: ${bitsNow.toFixed(0)} bits`}
          >
            <Thumb
              set={set}
              id={id}
              version={version}
              alt={label == null ? `function ${id}` : `function ${id}, ${label}`}
            />
          </button>
        </li>
      ))}
    </ul>
  );
}

function inOrder(set: string, filter: Filter | undefined): AsyncIterable<Item> {
  return client.functions(set, { limit: pageSize, filter });
}

async function* unlikely(set: string, filter: Filter | undefined): AsyncIterable<Item> {
  const narrowed = filter === undefined ? {} : { filter };
  const { items } = await client.query(set, { kind: 'unlikely', k: mostUnlikely, ...narrowed });
  for (const { id, bits } of items)
    yield { id: String(id), ...(typeof bits === 'number' ? { bitsNow: bits } : {}) };
}

function Chosen({
  set,
  model,
  id,
  onPick,
  onGone,
}: {
  set: string;
  model: string | undefined;
  id: string;
  onPick(id: string): void;
  onGone(): void;
}) {
  const task = useLoaded<{
    readonly opened: Opened;
    readonly facts: FunctionJson;
    readonly file: Uint8Array;
  }>(
    async (signal) => {
      const [facts, file] = await Promise.all([
        client.functionInfo(set, id, { signal }),
        client.function(set, id, { signal, format: 'functa' }),
      ]);
      carried.function = { file, model, title: `${set}, ${id}` };
      return { opened: await openFunction(file, model), facts, file };
    },
    [set, id],
  );
  const near = useLoaded<readonly Item[]>(
    async (signal) =>
      (await client.query(set, { kind: 'near', id, k: neighbours }, { signal })).items.map((item) => ({
        id: String(item.id),
      })),
    [set, id],
  );
  const going = useTask<void>();
  const { value } = task;
  return (
    <section class="chosen" aria-label={`Function ${id}`}>
      <Progress task={task} doing="Reading" />
      {value !== undefined && value.facts.id === id && (
        <>
          <Figure title={id} note={value.facts.label === null ? 'no label' : `label ${value.facts.label}`}>
            <View opened={value.opened} alt={`function ${id}`} />
          </Figure>
          <div>
            <Facts
              of={[
                ['File', bytesText(value.file.length)],
                ['Bits', value.facts.bits.toFixed(0)],
                ['PSNR', value.facts.psnrDb === null ? 'unknown' : `${value.facts.psnrDb.toFixed(2)} dB`],
              ]}
            />
            <h2>Near it</h2>
            <Progress task={near} doing="Looking" />
            <Thumbs set={set} items={near.value ?? []} onPick={onPick} />
            <div class="row">
              <a class="button plain" href="#/zoom">
                Zoom into it
              </a>
              <button
                type="button"
                class="plain"
                onClick={() => {
                  if (confirm(`Delete function ${id} from ${set}?`))
                    void going.run(async () => {
                      await client.deleteFunction(set, id);
                      onGone();
                    });
                }}
              >
                Delete
              </button>
            </div>
            <Progress task={going} doing="Deleting" />
          </div>
        </>
      )}
    </section>
  );
}

function Making({ set, onMade, onAdded }: { set: string; onMade(name: string): void; onAdded(): void }) {
  const models = useLoaded((signal) => client.models({ signal }), []);
  const [name, setName] = useState('');
  const [model, setModel] = useState('');
  const making = useTask<void>();
  const adding = useTask<string>();
  return (
    <section class="making" aria-label="Add">
      <h2>Add</h2>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          const of = model || models.value?.[0]?.name;
          if (of !== undefined)
            void making.run(async () => {
              await client.createFunctaset(name, { model: of });
              onMade(name);
            });
        }}
      >
        <Field label="New functaset">
          <input
            required
            pattern="[A-Za-z0-9][A-Za-z0-9_\-]*"
            placeholder="mine"
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </Field>
        <Select
          label="Model"
          value={model || models.value?.[0]?.name || ''}
          onChange={setModel}
          options={(models.value ?? []).map((one) => [one.name, one.name] as const)}
        />
        <button type="submit">Make it</button>
      </form>
      <Progress task={making} doing="Making" />
      {set !== '' && (
        <Field label={`Files into ${set}`}>
          <input
            type="file"
            multiple
            onChange={(event) => {
              const files = [...(event.currentTarget.files ?? [])];
              void adding.run(async (signal) => {
                const read = await Promise.all(
                  files.map(async (file) => ({
                    id: file.name,
                    bytes: new Uint8Array(await file.arrayBuffer()),
                  })),
                );
                const { functions, errors } = await client.addFunctions(set, read, { signal });
                onAdded();
                return `${functions.length} added${errors.length > 0 ? `; ${errors.map(({ id, detail }) => `${id}: ${detail}`).join('; ')}` : ''}`;
              });
            }}
          />
        </Field>
      )}
      <Progress task={adding} doing="Coding" />
      {adding.value !== undefined && (
        <p class="note" role="status">
          {adding.value}
        </p>
      )}
    </section>
  );
}
