/** `functa serve`: models and stores over HTTP, until it is told to stop. */
import { accessSync, constants, mkdirSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { RunningServer } from '../../../server/index.ts';
import type { Job, Report } from '../job.ts';
import { collect, integer } from '../options.ts';
import type { RunCommand } from '../program.ts';
import { configReport, configured, type ServeFlags } from './serve-config.ts';

export function addServe(program: Command, run: RunCommand): void {
  program
    .command('serve')
    .description(
      'serve models and stores over HTTP; stops when it is interrupted, after the requests under way',
    )
    .option(
      '--config <file>',
      'settings in JSON; default: $FUNCTA_CONFIG; flags and FUNCTA_* count before it',
    )
    .option('--print-config', 'print every setting, its value and where that comes from, and leave')
    .option(
      '--host <address>',
      'where to listen; 0.0.0.0 is every address of this machine; default: 127.0.0.1',
    )
    .option('-p, --port <n>', '0 takes a free one; default: 8080', integer(0, 65535))
    .option(
      '--models <directory>',
      'directory of model files, may be repeated; default: the bundled ones',
      collect,
    )
    .option(
      '--functaset <store>',
      'a store to serve, may be repeated; default: those that come with the models',
      collect,
    )
    .option(
      '--home <directory>',
      'where to keep keys and what is made over HTTP; default: functa/service in $XDG_DATA_HOME or ~/.local/share',
    )
    .option(
      '--store <address>',
      'postgres://USER@HOST/DATABASE: keep functasets in a database that several servers share; its password may be in $PGPASSWORD',
    )
    .option('--shard <i/n>', 'hold one part of each functaset of the database: 1/4, 2/4, …')
    .option(
      '--shards <url>',
      'address of the server of a shard, repeated for each in order: queries are asked there, and the answers put together',
      collect,
    )
    .option('--shard-key-file <file>', 'a file with a key of scope admin that the shards take')
    .option('--max-body <bytes>', 'refuse larger requests', integer(1))
    .option(
      '--allow-host <name>',
      'a name that the server goes by, may be repeated; on this machine alone others are refused',
      collect,
    )
    .option(
      '--allow-origin <origin>',
      'https://host of pages that may use the service from a browser, may be repeated',
      collect,
    )
    .addOption(
      new Option(
        '--anonymous <scope>',
        'what may be done without a key; default: everything on this machine alone while there is no key, else none',
      ).choices(['none', 'read', 'write', 'admin']),
    )
    .option(
      '--allow-directory <name=path>',
      'a directory whose signals jobs may read, may be repeated; jobs name it by its name',
      collect,
    )
    .option('--metrics-port <n>', 'serve metrics for Prometheus there; default: none', integer(0, 65535))
    .action(run(serve));
}

async function serve(job: Job, flags: ServeFlags): Promise<Report | undefined> {
  const { defaultHome, homeAt, recordJson, recordText, startServer } = await import(
    '../../../server/index.ts'
  );
  const found = await configured(job, flags);
  if (flags.printConfig) return configReport(found);
  const { config } = found;
  const { demoFunctasets } = await import('../../jobs/index.ts');
  const onMissing = (name: string, reason: string) => job.note(`functaset ${name} is not served: ${reason}`);
  const directories = config.modelsDir === undefined ? undefined : [config.modelsDir].flat();
  const write = inOneWrite((text) => job.note(text));
  const server = await startServer({
    ...config,
    functasets: config.functasets ?? (await demoFunctasets({ directories, signal: job.signal, onMissing })),
    home: config.home ?? usable(defaultHome(), job),
    keys: config.keys ?? homeAt(config.home ?? defaultHome()).keys,
    signal: job.signal,
    log: (record) => write(job.globals.json ? recordJson(record) : recordText(record)),
  });
  const { anonymous = 'none', host } = config;
  if (!server.loopback && anonymous !== 'none') {
    job.note(
      `anyone who reaches ${host} may ${anonymous} without a key; keep it behind a firewall or a proxy`,
    );
  }
  for (const { name, detail } of server.refused) job.note(`model ${name} is not served: ${detail}`);
  await job.present(started(server));
  await server.closed;
  await new Promise((resolve) => setImmediate(resolve));
  job.note('stopped');
  return undefined;
}

/** Lines of one turn of the event loop are written at once: a line for each request costs a call of the system each. */
function inOneWrite(write: (text: string) => void): (line: string) => void {
  let lines: string[] = [];
  return (line) => {
    if (lines.push(line) > 1) return;
    setImmediate(() => {
      const all = lines.join('\n');
      lines = [];
      write(all);
    });
  };
}

/** A home that nobody asked for is used where it can be; without one the server reads, and keeps nothing. */
function usable(home: string, job: Job): string | undefined {
  try {
    mkdirSync(home, { recursive: true });
    accessSync(home, constants.W_OK);
    return home;
  } catch (error) {
    job.note(`keeps nothing that is made over HTTP: ${(error as Error).message}; give --home a directory`);
    return undefined;
  }
}

function started({ url, port, metricsUrl, models, reply, functasets, engine }: RunningServer): Report {
  return {
    data: { url, port, metricsUrl, models, functasets, engine },
    lines: [
      `functa serves ${models.join(', ') || 'no models'} on ${url} (engine ${engine}); ${url}/docs describes it`,
      ...(metricsUrl === undefined ? [] : [`metrics: ${metricsUrl}`]),
      ...(functasets.length > 0 ? [`functasets: ${functasets.join(', ')}`] : []),
      ...tries(url, models[0], reply).flatMap((line, i) => (i === 0 ? ['', 'try:', line] : [line])),
    ],
  };
}

/** Commands that need nothing but this server. */
function tries(url: string, model: string | undefined, reply: RunningServer['reply']): string[] {
  if (model === undefined || reply === undefined) return [];
  const accept = `-H 'accept: ${reply.mediaType}'`;
  const [suffix] = reply.suffixes;
  const base = `${url}/v1/models/${encodeURIComponent(model)}`;
  const json = "-H 'content-type: application/json'";
  const functa = 'application/vnd.functa';
  return [
    `  curl ${json} ${accept} -d '{"count": 16, "seed": 1}' -o samples${suffix} ${base}/sample`,
    `  curl ${json} -H 'accept: ${functa}' -d '{"count": 1, "seed": 1}' -o one.functa ${base}/sample`,
    `  curl -H 'content-type: ${functa}' ${accept} --data-binary @one.functa -o one-8x${suffix} '${base}/decode?size=8x'`,
  ];
}
