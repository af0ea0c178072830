/** `functa serve`: models and stores over HTTP, until it is told to stop. */
import { accessSync, constants, mkdirSync } from 'node:fs';
import { type Command, Option } from 'commander';
import type { RunningServer, Scope } from '../../../server/index.ts';
import { UsageError } from '../exit.ts';
import type { Job, Report } from '../job.ts';
import { collect, integer } from '../options.ts';
import type { Run } from '../program.ts';

interface ServeFlags {
  readonly host: string;
  readonly port: number;
  readonly models?: readonly string[];
  readonly functaset?: readonly string[];
  readonly home?: string;
  readonly maxBody?: number;
  readonly allowHost?: readonly string[];
  readonly allowOrigin?: readonly string[];
  readonly anonymous?: Scope | 'none';
  readonly allowDirectory?: readonly string[];
}

export function addServe(program: Command, run: Run): void {
  program
    .command('serve')
    .description(
      'serve models and stores over HTTP; stops when it is interrupted, after the requests under way',
    )
    .option('--host <address>', 'where to listen; 0.0.0.0 is every address of this machine', '127.0.0.1')
    .option('-p, --port <n>', '0 takes a free one', integer(0, 65535), 8080)
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
    .action(run(serve));
}

async function serve(job: Job, flags: ServeFlags): Promise<undefined> {
  const { defaultHome, homeAt, recordJson, recordText, startServer } = await import(
    '../../../server/index.ts'
  );
  const { demoFunctasets } = await import('../../jobs/index.ts');
  const onMissing = (name: string, reason: string) => job.note(`functaset ${name} is not served: ${reason}`);
  const demos = { directories: flags.models, signal: job.signal, onMissing };
  const functasets = flags.functaset ?? (await demoFunctasets(demos));
  const server = await startServer({
    host: flags.host,
    port: flags.port,
    modelsDir: flags.models,
    functasets,
    home: flags.home ?? usable(defaultHome(), job),
    maxBodyBytes: flags.maxBody,
    allowedHosts: flags.allowHost,
    origins: flags.allowOrigin,
    anonymous: flags.anonymous,
    keys: homeAt(flags.home ?? defaultHome()).keys,
    allowedDirectories: directoriesOf(flags.allowDirectory ?? []),
    engine: job.globals.engine,
    limits: job.limitsAsked,
    running: job.globals.threads === undefined ? undefined : job.globals.threads + 1,
    signal: job.signal,
    log: (record) => job.note(job.globals.json ? recordJson(record) : recordText(record)),
  });
  const { anonymous = 'none' } = flags;
  if (!server.loopback && anonymous !== 'none') {
    job.note(
      `anyone who reaches ${flags.host} may ${anonymous} without a key; keep it behind a firewall or a proxy`,
    );
  }
  for (const { name, detail } of server.refused) job.note(`model ${name} is not served: ${detail}`);
  await job.present(started(server));
  await server.closed;
  job.note('stopped');
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

/** Paths by name. Throws UsageError `usage`. */
function directoriesOf(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((text) => {
      const equals = text.indexOf('=');
      if (equals < 1)
        throw new UsageError(
          'usage',
          `--allow-directory ${text}: write NAME=PATH, such as photos=/srv/photos`,
        );
      return [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
}

function started({ url, port, models, reply, functasets, engine }: RunningServer): Report {
  return {
    data: { url, port, models, functasets, engine },
    lines: [
      `functa serves ${models.join(', ') || 'no models'} on ${url} (engine ${engine}); ${url}/docs describes it`,
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
