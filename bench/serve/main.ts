/**
 * Measures of the server under clients that misbehave, on this machine alone: `slow` and `storm`.
 *
 *   npm run bench:serve -- slow  [--counts 34,200,1000] [--kinds header,idle,...] [--answers 400]
 *   npm run bench:serve -- storm [--clients 256] [--seconds 6] [--rounds 3]
 *
 * `slow` prints, for each kind of slow client and each number of them, how fast others are answered beside how fast
 * they are without. `storm` compares clients that retry at once with clients that wait as they were told.
 */
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { readSetting } from '../rate/setting.ts';
import { type Answered, type Asked, load, percentile } from './load.ts';
import { type Served, serve } from './served.ts';
import { type SlowKind, slowClients, slowKinds } from './slow.ts';

/** One part of `slow` ends after so long. */
const partMs = 20_000;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    counts: { type: 'string', default: '34,200,1000' },
    kinds: { type: 'string', default: slowKinds.join() },
    answers: { type: 'string', default: '400' },
    clients: { type: 'string', default: '256' },
    seconds: { type: 'string', default: '6' },
    rounds: { type: 'string', default: '3' },
  },
});
const { machine, runtime, load: busy, commit, command } = readSetting('bench:serve', process.argv.slice(2));
const server = await serve();
console.log(`${command}\n${machine}, ${runtime}, commit ${commit}, load ${busy}, ${server.entry}`);
try {
  const upload = { path: '/v1/models/fashion-mnist/encode', type: 'image/png', body: await picture() };
  if (positionals[0] === 'slow') await slow(server, upload);
  else if (positionals[0] === 'storm') await storm(server, { port: server.port, ...upload });
  else {
    console.error('say which: slow or storm');
    process.exitCode = 2;
  }
} finally {
  await server.stop();
}

type Upload = { readonly path: string; readonly type: string; readonly body: Uint8Array };

async function slow({ port, memory }: Served, upload: Upload): Promise<void> {
  const asked: Asked[] = [
    { port, ...upload },
    { port, path: '/v1/models' },
  ];
  const others = () =>
    load({ clients: 2, asked, ms: partMs, answers: Number(values.answers), refused: 'retry at once' });
  // the first requests start the workers
  await others();
  console.log(
    '\nkind      clients   p50 ms   p99 ms   without p50   p99   ratio of p99   not 200   MB (most)',
  );
  for (const kind of values.kinds.split(',') as SlowKind[]) {
    for (const count of values.counts.split(',').map(Number)) {
      const without = await others();
      const clients = slowClients({
        port,
        kind,
        count,
        // a client that leaves asks for honest work: in all as often, however many there are
        everyMs: kind === 'leaving' ? 25 * count : 1000,
        upload: kind === 'stalled' ? { ...upload, body: new Uint8Array(2 ** 18) } : upload,
        download: [Array<string>(4).fill('/docs/scalar.js')],
        stay: true,
      });
      await new Promise((resolve) => setTimeout(resolve, 2000));
      const beside = await others();
      clients.stop();
      console.log(row(kind, count, beside, without, memory()));
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }
}

function row(
  kind: string,
  count: number,
  beside: Answered,
  without: Answered,
  { now, most }: { now: number; most: number },
): string {
  const at = ({ times }: Answered, p: number) => percentile(times, p);
  const refused = [...beside.others.values()].reduce((sum, n) => sum + n, 0);
  return [
    kind.padEnd(9),
    String(count).padStart(7),
    at(beside, 0.5).toFixed(1).padStart(8),
    at(beside, 0.99).toFixed(1).padStart(8),
    at(without, 0.5).toFixed(1).padStart(13),
    at(without, 0.99).toFixed(1).padStart(5),
    (at(beside, 0.99) / at(without, 0.99)).toFixed(2).padStart(14),
    String(refused).padStart(9),
    `${now.toFixed(0)} (${most.toFixed(0)})`.padStart(11),
  ].join(' ');
}

async function storm({ cpuSeconds }: Served, asked: Asked): Promise<void> {
  const clients = Number(values.clients);
  const ms = Math.min(20, Number(values.seconds)) * 1000;
  const kinds = [
    { name: `${clients} that wait as told`, refused: 'wait as told' },
    { name: `${clients} that retry at once`, refused: 'retry at once' },
  ] as const;
  await load({ asked: [asked], clients: 4, ms: 3000, refused: 'wait as told' });
  console.log('\nclients                      encodes/s   refused/s   p50 ms   p99 ms   CPU ms an encode');
  const rates = kinds.map(() => [] as number[]);
  // in turn, so that what else the machine does falls on both
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [i, { name, refused }] of kinds.entries()) {
      const before = cpuSeconds();
      const { times, others, seconds } = await load({ asked: [asked], ms, clients, refused });
      const told = [...others.values()].reduce((sum, n) => sum + n, 0);
      rates[i]!.push(times.length / seconds);
      const figures = [
        (times.length / seconds).toFixed(1).padStart(9),
        (told / seconds).toFixed(1).padStart(11),
        percentile(times, 0.5).toFixed(0).padStart(8),
        percentile(times, 0.99).toFixed(0).padStart(8),
        ((1000 * (cpuSeconds() - before)) / times.length).toFixed(1).padStart(18),
      ];
      console.log(`${name.padEnd(28)} ${figures.join(' ')}`);
    }
  }
  const [waiting, retrying] = rates.map((each) => each.reduce((sum, rate) => sum + rate, 0));
  console.log(`retry at once / wait as told: ${((100 * retrying!) / waiting!).toFixed(0)} %`);
}

/** A grey picture of 28 x 28. */
function picture(): Promise<Uint8Array> {
  const raw = Buffer.from(Array.from({ length: 784 }, (_, i) => Math.round(128 + 100 * Math.sin(i / 9))));
  return sharp(raw, { raw: { width: 28, height: 28, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
}
