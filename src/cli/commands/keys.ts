/** `functa keys`: who may use the service. A running server sees at once what is made or revoked here. */
import { type Command, Option } from 'commander';
import type { KeyRecord, MadeKey, Scope } from '../../../server/index.ts';
import { UsageError } from '../exit.ts';
import type { Job, Report } from '../job.ts';
import type { RunCommand } from '../program.ts';
import { columns } from '../text.ts';

interface HomeFlags {
  readonly home?: string;
}

const homeOption = [
  '--home <directory>',
  'home of the service; default: $FUNCTA_HOME, else $XDG_DATA_HOME/functa/service',
] as const;

export function addKeys(program: Command, run: RunCommand): void {
  const keys = program.command('keys').description('make, list and revoke keys of the service');
  keys
    .command('create')
    .description('make a key and show it, this once')
    .addOption(
      new Option('--scope <scope>', 'what it may do; each holds those before it')
        .choices(['read', 'write', 'admin'])
        .default('read'),
    )
    .option('--namespace <name>', 'whose functasets, models and jobs it sees and makes', 'default')
    .option('--expires <time>', 'how long it holds: 90d, 12h, 30m; default: until it is revoked')
    .option('--note <text>', 'what it is for')
    .option(...homeOption)
    .action(run(create));
  keys
    .command('list')
    .description('name all keys by their ids, which are no secrets')
    .option(...homeOption)
    .action(run(list));
  keys
    .command('revoke')
    .description('end a key now; requests under way finish')
    .argument('<id>', 'of the key')
    .option(...homeOption)
    .action(run(revoke));
  keys
    .command('rotate')
    .description('make a new key in place of another')
    .argument('<id>', 'of the old key')
    .option('--overlap <time>', 'how long the old one still holds: 1d, 12h', '0m')
    .option(...homeOption)
    .action(run(rotate));
}

interface CreateFlags extends HomeFlags {
  readonly scope: Scope;
  readonly namespace: string;
  readonly expires?: string;
  readonly note?: string;
}

async function create(_job: Job, flags: CreateFlags): Promise<Report> {
  const { scope, namespace, note, expires } = flags;
  const { createKey } = await import('../../../server/index.ts');
  const lifeMs = expires === undefined ? undefined : durationMs('--expires', expires, 1);
  const named = { scope, namespace, lifeMs, ...(note === undefined ? {} : { note }) };
  return made(createKey(await folder(flags), named));
}

async function list(_job: Job, flags: HomeFlags): Promise<Report> {
  const { listKeys } = await import('../../../server/index.ts');
  const found = listKeys(await folder(flags));
  if (found.length === 0) return { data: { keys: [] }, lines: ['no keys; functa keys create makes one'] };
  const now = Date.now();
  const rows = found.map((key) => [
    key.id,
    key.scope,
    key.namespace,
    stateOf(key, now),
    day(key.createdAt),
    key.expiresAt === null ? 'never' : day(key.expiresAt),
    key.note,
  ]);
  return {
    data: { keys: found.map((key) => facts(key, now)) },
    lines: columns([['id', 'scope', 'namespace', 'state', 'created', 'expires', 'note'], ...rows]),
  };
}

async function revoke(_job: Job, id: string, flags: HomeFlags): Promise<Report> {
  const { revokeKey } = await import('../../../server/index.ts');
  const revoked = revokeKey(await folder(flags), id);
  return { data: { key: facts(revoked, Date.now()) }, lines: [`key ${id} is revoked`] };
}

async function rotate(
  _job: Job,
  id: string,
  flags: HomeFlags & { readonly overlap: string },
): Promise<Report> {
  const { rotateKey } = await import('../../../server/index.ts');
  return made(rotateKey(await folder(flags), id, durationMs('--overlap', flags.overlap, 0)));
}

async function folder({ home }: HomeFlags): Promise<string> {
  const { defaultHome, homeAt } = await import('../../../server/index.ts');
  return homeAt(home ?? process.env.FUNCTA_HOME ?? defaultHome()).keys;
}

/** The key alone on the last line, for a script that takes it from there. */
function made({ key, record }: MadeKey): Report {
  return {
    data: { secret: key, key: facts(record, Date.now()) },
    lines: [
      `key ${record.id} may ${record.scope} in namespace ${record.namespace}; it is not shown again:`,
      key,
    ],
  };
}

function facts(key: KeyRecord, nowMs: number): Record<string, unknown> {
  const { id, scope, namespace, note, createdAt, expiresAt } = key;
  const text = (ms: number | null) => ms && new Date(ms).toISOString();
  return {
    id,
    scope,
    namespace,
    note,
    state: stateOf(key, nowMs),
    created: text(createdAt),
    expires: text(expiresAt),
  };
}

function stateOf({ revokedAt, expiresAt }: KeyRecord, nowMs: number): 'revoked' | 'expired' | 'valid' {
  if (revokedAt !== null) return 'revoked';
  return expiresAt !== null && expiresAt <= nowMs ? 'expired' : 'valid';
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
}

const units: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const longest = 100 * 365 * 86_400_000;

function durationMs(option: string, text: string, least: number): number {
  const [, count, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  const ms = Number(count) * (units[unit ?? ''] ?? Number.NaN);
  if (ms >= least && ms <= longest) return ms;
  throw new UsageError(
    'bad-lifetime',
    `${option}: ${text} is no time; give minutes, hours or days: 30m, 12h, 90d`,
  );
}
