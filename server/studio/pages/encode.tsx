/** A file becomes a function, beside what other codecs make of so many bytes. */
import type { InspectionJson } from 'functa/client';
import type { Opened } from 'functa/web';
import { useEffect, useRef, useState } from 'preact/hooks';
import { carried, client, openFunction } from '../service.ts';
import {
  bytesText,
  Facts,
  Figure,
  Page,
  Progress,
  Range,
  Select,
  shapeText,
  useClosing,
  useLoaded,
  useTask,
  View,
} from '../ui.tsx';

/** What stands beside a function, by the name that people have for it. */
const peers = [
  ['webp', 'WebP'],
  ['avif', 'AVIF'],
] as const;

/** What a browser shows by itself. */
const pictures = /^image\/(png|jpeg|webp|avif)$/;
const sounds = /^audio\/(x-)?(wav|wave|flac|ogg|mpeg)$/;
/** Files that begin in any way: their names say what they are. */
const typesOfNames: Readonly<Record<string, string>> = { obj: 'model/obj', wrl: 'model/vrml' };

interface Picked {
  readonly name: string;
  readonly type: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly url: string | undefined;
}

interface Made {
  readonly of: Picked;
  readonly file: Uint8Array;
  readonly model: string;
  readonly psnrDb: number;
  readonly bitsPerPoint: number;
  readonly seconds: number;
  readonly notes: string | undefined;
  readonly opened: Opened;
  readonly spent: NonNullable<InspectionJson['spent']>;
}

export function EncodePage() {
  const models = useLoaded((signal) => client.models({ signal }), []);
  const [picked, setPicked] = useState<Picked>();
  const [model, setModel] = useState('');
  const [quality, setQuality] = useState(50);
  const [effort, setEffort] = useState(1);
  const made = useTask<Made>();
  const [isOver, setOver] = useState(false);
  const input = useRef<HTMLInputElement>(null);

  const reading = useTask<void>();
  const pick = (file: File) =>
    reading.run(async (signal) => {
      const bytes = new Uint8Array(await file.arrayBuffer());
      if (signal.aborted) return;
      if (/\.functa$/i.test(file.name)) {
        const { model } = await client.inspect(bytes, { signal });
        carried.function = { file: bytes, model: model ?? undefined, title: file.name };
        location.hash = '#/zoom';
        return;
      }
      const isShown = pictures.test(file.type) || sounds.test(file.type);
      const suffix = /\.([^.]*)$/.exec(file.name)?.[1]?.toLowerCase() ?? '';
      setPicked({
        name: file.name,
        type: typesOfNames[suffix] ?? file.type,
        bytes,
        url: isShown ? URL.createObjectURL(file) : undefined,
      });
    });
  useEffect(() => () => URL.revokeObjectURL(picked?.url ?? ''), [picked]);
  const ours = useTask<void>();
  const example = () =>
    ours.run(async (signal) => {
      const [set] = await client.functasets({ signal });
      if (set === undefined) throw new Error('no functaset is served here; pick a file of your own');
      for await (const { id } of client.functions(set.name, { signal, limit: 40 })) {
        const bytes = await client.function(set.name, id, { signal, format: 'png' });
        await pick(new File([bytes as Uint8Array<ArrayBuffer>], `${id}.png`, { type: 'image/png' }));
        if (set.model !== null) setModel(set.model);
        return;
      }
    });

  useEffect(() => {
    if (picked === undefined) return;
    const timer = setTimeout(() => {
      void made.run(async (signal) => {
        const began = performance.now();
        const told = Object.values(typesOfNames).includes(picked.type) ? { type: picked.type } : {};
        const options = { signal, quality, effort, ...told };
        const { bytes: file, ...found } = await client.encode(model || undefined, picked.bytes, options);
        const seconds = (performance.now() - began) / 1000;
        const [opened, { spent }] = await Promise.all([
          openFunction(file, found.model),
          client.inspect(file, { signal }),
        ]);
        carried.function = { file, model: found.model, title: picked.name };
        return {
          ...found,
          notes: found.notes,
          of: picked,
          file,
          seconds,
          opened,
          spent: spent ?? [],
        };
      });
    }, 150);
    return () => clearTimeout(timer);
  }, [picked, model, quality, effort]);
  useClosing(useOpened(made.value));
  const { value } = made;
  return (
    <Page
      title="Encode"
      lead="A picture, a sound or a field becomes a function of a few hundred bytes: a network that many share, and the numbers that make it this one."
    >
      <section
        class={isOver ? 'drop over' : 'drop'}
        aria-label="File"
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          const [file] = event.dataTransfer?.files ?? [];
          if (file !== undefined) void pick(file);
        }}
      >
        <p>{picked === undefined ? 'Drop a file here' : picked.name}</p>
        <div class="row">
          <button type="button" onClick={() => input.current?.click()}>
            Choose a file
          </button>
          <button type="button" class="plain" onClick={example}>
            Take a garment
          </button>
        </div>
        <input
          ref={input}
          class="hidden"
          type="file"
          aria-label="File to encode"
          tabIndex={-1}
          onChange={(event) => {
            const [file] = event.currentTarget.files ?? [];
            if (file !== undefined) void pick(file);
          }}
        />
      </section>
      <section class="controls" aria-label="How it is coded">
        <Select
          label="Model"
          value={model}
          onChange={setModel}
          options={[
            ['', 'the one that fits'],
            ...(models.value ?? []).map(({ name }) => [name, name] as const),
          ]}
        />
        <Range label="Quality" min={1} max={100} value={quality} onChange={setQuality} />
        <Range label="Effort" min={1} max={9} value={effort} onChange={setEffort} />
      </section>
      <Progress task={reading} doing="Reading" />
      <Progress task={ours} doing="Fetching a garment" />
      <Progress task={made} doing="Coding" />
      {picked === undefined && made.error === undefined && (
        <p class="empty">
          Nothing is coded yet. PNG, JPEG, WebP, AVIF, WAV, FLAC, npy, netCDF, NIfTI, OBJ and STL are read; a
          .functa file is shown.
        </p>
      )}
      {value !== undefined && value.of === picked && (
        <>
          <Facts
            of={[
              ['File', bytesText(value.file.length)],
              ['Bits per point', value.bitsPerPoint.toFixed(3)],
              ['PSNR', decibels(value.psnrDb)],
              ['Time', `${value.seconds.toFixed(2)} s`],
              ['Model', value.model],
              ['Size', shapeText(value.opened.shape)],
            ]}
          />
          <section class="beside">
            {value.of.url !== undefined && (
              <Figure title="Original" note={bytesText(value.of.bytes.length)}>
                {sounds.test(value.of.type) ? (
                  // biome-ignore lint/a11y/useMediaCaption: what is said in it is not known
                  <audio controls src={value.of.url} aria-label={`${value.of.name}, as it is`} />
                ) : (
                  <img class="pixels" src={value.of.url} alt={`${value.of.name}, as it is`} />
                )}
              </Figure>
            )}
            <Figure title="Function" note={bytesText(value.file.length)}>
              <View opened={value.opened} alt={`${value.of.name}, decoded`} />
            </Figure>
            {pictures.test(value.of.type) &&
              peers.map(([peer, title]) => <Beside key={peer} made={value} peer={peer} title={title} />)}
          </section>
          <p
            class="bits"
            role="img"
            aria-label={`Where the bits went: ${value.spent.map(spentText).join(', ')}`}
          >
            {value.spent
              .filter(({ bits }) => bits >= 1)
              .map((part) => (
                <span key={part.on} style={{ flexGrow: part.bits }}>
                  {spentText(part)}
                </span>
              ))}
          </p>
          {value.notes !== undefined && <p class="note">{value.notes}</p>}
          <div class="row">
            <Download file={value.file} name={value.of.name} />
            <a class="button plain" href="#/zoom">
              Zoom into it
            </a>
          </div>
        </>
      )}
    </Page>
  );
}

/** What another codec makes of as many bytes. */
function Beside({ made, peer, title }: { made: Made; peer: (typeof peers)[number][0]; title: string }) {
  const { of, file } = made;
  const found = useLoaded(
    (signal) => client.peer(peer, of.bytes, { bytes: file.length, type: of.type, signal }),
    [made],
  );
  const { value } = found;
  const url = useUrl(value?.bytes, value?.type);
  const told = value && `${bytesText(value.bytes.length)}, ${decibels(value.psnrDb)}`;
  return (
    <Figure
      title={title}
      note={told && (value.bytes.length <= file.length ? told : `${told}: it goes no lower`)}
    >
      {url !== undefined && <img class="pixels" src={url} alt={`${of.name} as ${title}`} />}
      <Progress task={found} doing={`Coding ${title}`} />
    </Figure>
  );
}

function useOpened(made: Made | undefined): readonly Opened[] {
  const [list, setList] = useState<readonly Opened[]>([]);
  useEffect(() => setList(made === undefined ? [] : [made.opened]), [made]);
  return list;
}

function Download({ file, name }: { file: Uint8Array; name: string }) {
  const url = useUrl(file);
  if (url === undefined) return null;
  return (
    <a class="button" href={url} download={`${name.replace(/\.[^.]*$/, '')}.functa`}>
      Download {bytesText(file.length)}
    </a>
  );
}

/** An address of these bytes for as long as they are shown. */
function useUrl(bytes: Uint8Array | undefined, type?: string): string | undefined {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    if (bytes === undefined) return setUrl(undefined);
    const made = URL.createObjectURL(
      new Blob([bytes as Uint8Array<ArrayBuffer>], type === undefined ? {} : { type }),
    );
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [bytes]);
  return url;
}

function spentText({ on, bits }: Made['spent'][number]): string {
  return `${on} ${bits.toFixed(0)} bits`;
}

function decibels(psnrDb: number): string {
  return Number.isFinite(psnrDb) ? `${psnrDb.toFixed(2)} dB` : 'lossless';
}
