/**
 * Measures of the server under clients that misbehave, on this machine alone: `slow` and `storm`.
 *
 *   npm run bench:serve -- slow  [--counts 34,200,1000] [--kinds header,idle,...] [--rate 50] [--against server,sink] [--from 127.0.0.2]
 *   npm run bench:serve -- storm [--clients 256] [--seconds 6] [--rounds 3]
 *   npm run bench:serve -- rows  [--connections 64] [--seconds 6] [--rounds 3] [--base DIRECTORY] [--postgres] [--only NAME;NAME]
 *
 *   npm run bench:serve -- soak [--minutes 10] [--connections 16]      (1440 minutes: a day)
 *   npm run bench:serve -- overload [--connections 10000] [--seconds 60]
 *
 * `slow` prints, for each kind of slow client and each number of them, how fast others are answered beside how fast
 * they are without. All share one machine: against `sink` the same clients bother a server that does nothing, which
 * shows what is not the measured server's doing. `rows` is requests a second, beside another build, or beside the same one with its functasets in PostgreSQL. `storm` compares clients that retry at once with clients that wait as they were told.
 */
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { readSetting } from '../rate/setting.ts';
import { type Answered, type Asked, load, percentile, steady } from './load.ts';
import { encodes, rows } from './rows.ts';
import { type Served, serve } from './served.ts';
import { sink } from './sink.ts';
import { type SlowKind, slowKinds } from './slow.ts';
import { slowProcess } from './slow-process.ts';
import { overload, soak } from './soak.ts';

/** Length of one part of `slow`: beyond the first deadline of slow clients, which is at 10 s. */
const partMs = 15_000;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    counts: { type: 'string', default: '34,200,1000' },
    kinds: { type: 'string', default: slowKinds.join() },
    rate: { type: 'string', default: '50' },
    against: { type: 'string', default: 'server' },
    from: { type: 'string' },
    clients: { type: 'string', default: '256' },
    connections: { type: 'string', default: '64' },
    minutes: { type: 'string', default: '10' },
    base: { type: 'string' },
    postgres: { type: 'boolean' },
    only: { type: 'string' },
    seconds: { type: 'string', default: '6' },
    rounds: { type: 'string', default: '3' },
  },
});
const { machine, runtime, load: busy, commit, command } = readSetting('bench:serve', process.argv.slice(2));
console.log(`${command}\n${machine}, ${runtime}, commit ${commit}, load ${busy}`);
if (positionals[0] === 'rows') {
  const { connections, seconds, rounds, base, postgres, only } = values;
  const counts = { connections: Number(connections), seconds: Number(seconds), rounds: Number(rounds) };
  await rows({ ...counts, base, postgres, only: only?.split(';') });
  process.exit();
}
if (positionals[0] === 'soak') {
  await soak({ minutes: Number(values.minutes), connections: Number(values.connections) });
  process.exit();
}
if (positionals[0] === 'overload') {
  const counts = { connections: Number(values.connections), seconds: Number(values.seconds) };
  await overload({ ...counts, shots: await encodes() });
  process.exit();
}
const server = await serve();
console.log(server.entry);
try {
  const upload = { path: '/v1/models/fashion-mnist/encode', type: 'image/png', body: await picture() };
  if (positionals[0] === 'slow') await slow(server, upload);
  else if (positionals[0] === 'storm') await storm(server, { port: server.port, ...upload });
  else {
    console.error('say which: rows, soak, overload, slow or storm');
    process.exitCode = 2;
  }
} finally {
  await server.stop();
}

type Upload = { readonly path: string; readonly type: string; readonly body: Uint8Array };

async function slow(server: Served, upload: Upload): Promise<void> {
  const asked: Asked[] = [
    { port: server.port, ...upload },
    { port: server.port, path: '/v1/models' },
  ];
  const others = () => steady({ asked, ms: partMs, perSecond: Number(values.rate) });
  // the first requests start the workers
  await load({ clients: 4, asked, ms: 5000, refused: 'retry at once' });
  const idle = await sink();
  console.log(
    `\nothers: ${values.rate} requests a second for ${partMs / 1000} s, timed from when they are due`,
  );
  console.log(
    'kind      clients  against   p50 ms   p99 ms   most   p99/without   not 200   connections   CPU s: server, slow   MB (most)',
  );
  for (const kind of values.kinds.split(',') as SlowKind[]) {
    const without = await others();
    console.log(row({ kind, count: 0, against: 'none' }, without, without));
    for (const count of values.counts.split(',').map(Number)) {
      for (const against of values.against.split(',')) {
        const before = server.cpuSeconds();
        const slow = await slowProcess({
          port: against === 'sink' ? idle.port : server.port,
          kind,
          count,
          // a client that leaves asks for honest work: in all as often, however many there are
          everyMs: kind === 'leaving' ? 25 * count : 1000,
          upload: kind === 'stalled' ? { ...upload, body: new Uint8Array(2 ** 18) } : upload,
          download: [Array<string>(4).fill('/docs/scalar.js')],
          ...(values.from ? { from: values.from } : {}),
        });
        // from the first connection on, so that all that arrive at once, and all that are cut at once, are in it
        const beside = await others();
        const { connected, cpuSeconds } = await slow.stop();
        const cpu = `${(server.cpuSeconds() - before).toFixed(1)}, ${cpuSeconds.toFixed(1)}`;
        const { now, most } = server.memory();
        const rest = [
          String(connected).padStart(13),
          cpu.padStart(21),
          `${now.toFixed(0)} (${most.toFixed(0)})`.padStart(11),
        ];
        console.log(row({ kind, count, against }, beside, without), ...rest);
        await new Promise((resolve) => setTimeout(resolve, 2000));
      }
    }
  }
  idle.stop();
}

function row(
  { kind, count, against }: { readonly kind: string; readonly count: number; readonly against: string },
  { times, others }: Answered,
  without: Answered,
): string {
  const refused = [...others.values()].reduce((sum, n) => sum + n, 0);
  const p99 = percentile(times, 0.99);
  return [
    kind.padEnd(9),
    String(count).padStart(7),
    against.padStart(8),
    percentile(times, 0.5).toFixed(1).padStart(8),
    p99.toFixed(1).padStart(8),
    percentile(times, 1).toFixed(0).padStart(6),
    (p99 / percentile(without.times, 0.99)).toFixed(2).padStart(13),
    String(refused).padStart(9),
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
