/** Requests a second of what the service does most, beside another build in the same run. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { openEngine } from '../../src/engine/index.ts';
import { buildFunctaset } from '../../src/jobs/index.ts';
import { loadModel } from '../../src/models/index.ts';
import { makeCluster } from '../../test/postgres.ts';
import { cannon, type Fired, type Shot } from './cannon.ts';
import { empty } from './empty.ts';
import { type Served, serve } from './served.ts';

export interface RowsOptions {
  readonly seconds: number;
  readonly connections: number;
  readonly rounds: number;
  /** The root of another build, whose `dist` is measured beside. */
  readonly base?: string | undefined;
  /** Beside it, the same build with its functasets in a PostgreSQL database of its own. */
  readonly postgres?: boolean | undefined;
  /** Names of rows; default: all. */
  readonly only?: readonly string[] | undefined;
}

interface Row {
  readonly name: string;
  /** By a server that keeps no answers: each is made. */
  readonly fresh?: true;
  readonly shots: (server: Served) => Promise<readonly Shot[]>;
}

/** Pictures that differ: more than answers are asked for again within a round. */
const pictures = 512;

/** Prints a row for each, the builds in turn. */
export async function rows({
  seconds,
  connections,
  rounds,
  base,
  postgres = false,
  only,
}: RowsOptions): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'functa-rows-'));
  const engine = await openEngine();
  const store = join(directory, 'shoes');
  const model = await loadModel('fashion-mnist');
  await buildFunctaset({ data: 'fixture-fashion', split: 'test', path: store, model, engine });
  await engine.close();
  const args = ['--functaset', store];
  const keeping = await serve({ args });
  const fresh = await serve({ args, env: { FUNCTA_TRAFFIC_ANSWER_BYTES: '0' } });
  const other = base === undefined ? undefined : await serve({ args, root: base });
  const cluster = postgres ? await makeCluster({ durable: true }) : undefined;
  const shared = ['--store', (await cluster?.database()) ?? ''];
  const pg = cluster && (await serve({ args: [...args, ...shared] }));
  const pgFresh =
    cluster && (await serve({ args: [...args, ...shared], env: { FUNCTA_TRAFFIC_ANSWER_BYTES: '0' } }));
  const none = await empty();
  try {
    console.log(
      `\n${connections} connections, ${seconds} s, ${rounds} rounds in turn; CPU of the server alone`,
    );
    console.log(
      'row                            build  good/s: each round        p50 ms   p99 ms   most   CPU ms   not 200',
    );
    for (const row of all.filter(({ name }) => only === undefined || only.includes(name))) {
      const found = new Map<string, (Fired & { cpuMs: number })[]>();
      const servers = [
        { name: 'this', server: row.fresh ? fresh : keeping },
        ...(other === undefined ? [] : [{ name: 'base', server: other }]),
        ...(pg === undefined ? [] : [{ name: 'pg', server: row.fresh ? pgFresh! : pg }]),
      ];
      for (let round = 0; round < rounds; round++) {
        for (const { name, server } of servers) {
          const shots = await row.shots(server);
          const asked = { port: server.port, connections, shots };
          await cannon({ ...asked, seconds: 2 });
          const before = server.cpuSeconds();
          const fired = await cannon({ ...asked, seconds });
          const cpuMs = (1000 * (server.cpuSeconds() - before)) / fired.good;
          found.set(name, [...(found.get(name) ?? []), { ...fired, cpuMs }]);
        }
      }
      for (const [name, fired] of found) console.log(line(row.name, name, fired));
    }
    const shots = [{ method: 'GET', path: '/', headers: {} }] as const;
    const before = none.cpuSeconds();
    const fired = await cannon({ port: none.port, connections, seconds, shots });
    const cpuMs = (1000 * (none.cpuSeconds() - before)) / fired.good;
    console.log(line('an empty route of Hono', '', [{ ...fired, cpuMs }]));
  } finally {
    none.stop();
    for (const server of [keeping, fresh, other, pg, pgFresh]) await server?.stop();
    cluster?.remove();
    await rm(directory, { recursive: true });
  }
}

function line(row: string, build: string, fired: readonly (Fired & { cpuMs: number })[]): string {
  const middle = (of: (one: Fired & { cpuMs: number }) => number) =>
    fired.map(of).sort((a, b) => a - b)[Math.floor(fired.length / 2)]!;
  const others = fired
    .flatMap(({ statuses }) => Object.entries(statuses))
    .filter(([status]) => status !== '200');
  return [
    row.padEnd(30),
    build.padEnd(5),
    fired
      .map(({ perSecond }) => perSecond.toFixed(0))
      .join(' ')
      .padStart(25),
    middle(({ p50Ms }) => p50Ms)
      .toFixed(0)
      .padStart(8),
    middle(({ p99Ms }) => p99Ms)
      .toFixed(0)
      .padStart(8),
    Math.max(...fired.map(({ mostMs }) => mostMs))
      .toFixed(0)
      .padStart(6),
    middle(({ cpuMs }) => cpuMs)
      .toFixed(2)
      .padStart(8),
    others
      .map(([status, count]) => `${status}: ${count}`)
      .join(', ')
      .padStart(9),
  ].join(' ');
}

const encodePath = '/v1/models/cifar10/encode?effort=1';

const all: readonly Row[] = [
  {
    name: 'encode 32 x 32, each anew',
    fresh: true,
    shots: async () => (await drawn()).map((body) => post(encodePath, 'image/png', body)),
  },
  {
    name: 'encode 32 x 32, the same',
    shots: async () => [post(encodePath, 'image/png', (await drawn())[0]!)],
  },
  {
    name: 'decode 32 x 32, each anew',
    fresh: true,
    shots: async ({ port }) => {
      files ??= await Promise.all((await drawn()).slice(0, 256).map((body) => encoded(port, body)));
      return files.map((body) => post('/v1/models/cifar10/decode', functa, body, 'image/png'));
    },
  },
  {
    name: 'decode 32 x 32, the same',
    shots: async ({ port }) => {
      const body = await encoded(port, (await drawn())[0]!);
      return [post('/v1/models/cifar10/decode', functa, body, 'image/png')];
    },
  },
  {
    name: 'stored, at 128 x 128',
    shots: async ({ port }) => {
      const page = await fetch(`http://127.0.0.1:${port}/v1/functasets/shoes/functions`);
      const { functions } = (await page.json()) as { functions: { links: { self: string } }[] };
      const path = `${functions[0]!.links.self}?size=128x128`;
      return [{ method: 'GET', path, headers: { accept: 'image/png' } }];
    },
  },
];

const functa = 'application/vnd.functa';
let files: Uint8Array[] | undefined;

function post(path: string, type: string, body: Uint8Array, accept = '*/*'): Shot {
  return { method: 'POST', path, headers: { 'content-type': type, accept }, body };
}

async function encoded(port: number, body: Uint8Array): Promise<Uint8Array> {
  const init = {
    method: 'POST',
    headers: { 'content-type': 'image/png' },
    body: body as Uint8Array<ArrayBuffer>,
  };
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${port}${encodePath}`, init);
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (response.status === 200) return bytes;
  }
}

let made: Promise<Uint8Array[]> | undefined;

/** What a service is asked for by turns: encodes, decodes of what comes of them, models, and pages that describe. */
export async function mixed(port: number): Promise<readonly Shot[]> {
  const bodies = await drawn();
  const found = await Promise.all(bodies.slice(0, 32).map((body) => encoded(port, body)));
  return bodies.flatMap((body, i): Shot[] => [
    post(encodePath, 'image/png', body),
    post('/v1/models/cifar10/decode', functa, found[i % found.length]!, 'image/png'),
    { method: 'GET', path: '/v1/models', headers: {} },
    post('/v1/decode?size=64x64', functa, found[(i + 7) % found.length]!, 'application/x-npy'),
  ]);
}

/** Encodes that differ. */
export async function encodes(): Promise<readonly Shot[]> {
  return (await drawn()).map((body) => post(encodePath, 'image/png', body));
}

/** Pictures of 32 x 32 with a slope, a disc and some noise, each of its own. */
function drawn(): Promise<Uint8Array[]> {
  made ??= Promise.all(Array.from({ length: pictures }, (_, seed) => picture(seed)));
  return made;
}

function picture(seed: number): Promise<Uint8Array> {
  let state = seed * 2654435761 + 1;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const [cx, cy, radius, fx, fy] = [random() * 32, random() * 32, 4 + random() * 10, random(), random()];
  const raw = Buffer.alloc(32 * 32 * 3);
  const tones = [random(), random(), random()];
  for (let y = 0; y < 32; y++) {
    for (let x = 0; x < 32; x++) {
      const inside = Math.hypot(x - cx, y - cy) < radius ? 70 : 0;
      const wave = 40 * Math.sin(fx * x + fy * y);
      for (let c = 0; c < 3; c++)
        raw[(y * 32 + x) * 3 + c] = Math.max(
          0,
          Math.min(255, 60 + 90 * tones[c]! + inside * tones[2 - c]! + wave + 16 * random()),
        );
    }
  }
  return sharp(raw, { raw: { width: 32, height: 32, channels: 3 } })
    .png()
    .toBuffer();
}
