/**
 * The configuration of the service: one schema for files, environment, flags and `startServer`. A flag counts before the environment, and the
 * environment before the file. Names that nobody knows are refused with the one that was probably meant.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { BadInputError, NotFoundError } from '../../src/core/errors.ts';
import { type Limits, limitNames } from '../../src/core/limits.ts';
import { scopes } from '../access/access.ts';
import { type JobLimits, jobTable } from '../jobs/limits.ts';
import { type TrafficLimits, trafficTable } from '../traffic/traffic.ts';
import { type LimitRow, placeTable, serviceLimits } from './limit-table.ts';

const name = z.string().min(1).max(4096);
const names = z.array(name).readonly();
const count = ({ least = 0, most = Number.MAX_SAFE_INTEGER, unit }: LimitRow) => {
  const number = z.number().min(least).max(most);
  return (unit === 'part' ? number : number.int()).optional();
};
/** The members are those of `T`, which an object made of entries cannot tell the compiler. */
const table = <T>(rows: Readonly<Record<keyof T & string, LimitRow>>) =>
  z.strictObject(
    Object.fromEntries(Object.entries<LimitRow>(rows).map(([key, row]) => [key, count(row)])),
  ) as unknown as z.ZodType<Partial<T>>;

const signalRows = Object.fromEntries(limitNames.map((key) => [key, { least: 1 }])) as Readonly<
  Record<keyof Limits, LimitRow>
>;

export const configSchema = z.strictObject({
  host: name.optional().describe('where to listen; 0.0.0.0 is every address of this machine'),
  port: z.number().int().min(0).max(65535).optional().describe('0 takes a free one'),
  modelsDir: z
    .union([name, names])
    .optional()
    .describe('directories of model files; default: the bundled ones'),
  functasets: z
    .union([names, z.record(z.string(), name).readonly()])
    .optional()
    .describe(
      'paths of functasets that all may read, or paths by name; default: those that come with the models',
    ),
  home: name.optional().describe('where keys and what is made over HTTP are kept'),
  store: name
    .regex(/^postgres(ql)?:/, 'is no address; give postgres://USER@HOST/DATABASE')
    .optional()
    .describe(
      'a database that several servers share: functasets are kept there, and replicas of them in the home',
    ),
  shard: name
    .regex(/^[1-9]\d{0,3}\/[1-9]\d{0,3}$/, 'is no shard; give I/N, such as 1/4')
    .optional()
    .describe('of each functaset of the database, the part that is held here: I/N'),
  shards: names
    .optional()
    .describe(
      'addresses of the servers of all shards, in order: they are asked, and their answers put together',
    ),
  shardKeyFile: name.optional().describe('file with a key of scope admin that all shards take'),
  keys: name.optional().describe('directory of keys; default: that of the home'),
  anonymous: z
    .enum(['none', ...scopes])
    .optional()
    .describe(
      'what may be done without a key; default: all on this machine alone while there is no key, else none',
    ),
  origins: z
    .array(z.string().regex(/^https?:\/\/[^/\s*]+$/, 'is no origin; give https://host'))
    .readonly()
    .optional()
    .describe('origins of pages that may use the service from a browser'),
  allowedHosts: names.optional().describe('names beside its address that the server goes by'),
  allowedDirectories: z
    .record(z.string(), name)
    .readonly()
    .optional()
    .describe('directories whose signals jobs may read, by name'),
  engine: name.optional().describe('what computes the fields; default: the fastest here'),
  metricsPort: z
    .number()
    .int()
    .min(0)
    .max(65535)
    .optional()
    .describe('port of the metrics, without a key; default: none'),
  metricsHost: name.optional().describe('where the metrics are; default: 127.0.0.1'),
  maxBodyBytes: count(placeTable.maxBodyBytes).describe(placeTable.maxBodyBytes.what),
  running: count(placeTable.running).describe(placeTable.running.what),
  waiting: count(placeTable.waiting).describe(placeTable.waiting.what),
  maxSnapshots: count(placeTable.maxSnapshots).describe(placeTable.maxSnapshots.what),
  shardMs: count(placeTable.shardMs).describe(placeTable.shardMs.what),
  graceMs: count(placeTable.graceMs).describe(placeTable.graceMs.what),
  traffic: table<TrafficLimits>(trafficTable).optional(),
  jobs: table<JobLimits>(jobTable).optional(),
  limits: table<Limits>(signalRows).optional(),
});

export type Config = Readonly<z.infer<typeof configSchema>>;

export type Source = 'flag' | 'environment' | 'file' | 'default';

export interface Configured {
  readonly config: Config;
  /** By the name of a setting, such as `traffic.headersMs`: where its value comes from. Those that are not here have their defaults. */
  readonly sources: ReadonlyMap<string, Source>;
}

export interface Setting {
  /** In a file: `traffic.headersMs` is `{"traffic": {"headersMs": ...}}`. */
  readonly name: string;
  /** Variable of the environment. */
  readonly variable: string;
  readonly takes: 'number' | 'list' | 'map' | 'text';
  readonly what: string;
  readonly usual: string;
}

/** Defaults that are no limits. */
const usualOf: Readonly<Record<string, string>> = {
  host: '127.0.0.1',
  port: '8080',
  metricsHost: '127.0.0.1',
  home: 'functa/service in $XDG_DATA_HOME or ~/.local/share',
  running: 'cores + 1',
};

/** Members that hold settings. */
const groups = ['traffic', 'jobs', 'limits'] as const;

const settingNames: readonly string[] = [
  ...Object.keys(configSchema.shape).filter((key) => !groups.some((group) => group === key)),
  ...Object.keys(trafficTable).map((key) => `traffic.${key}`),
  ...Object.keys(jobTable).map((key) => `jobs.${key}`),
  ...limitNames.map((key) => `limits.${key}`),
];

/** Every setting once. */
export const settings: readonly Setting[] = settingNames.map((setting) => {
  const limit = serviceLimits.find((row) => row.setting === setting);
  const member = configSchema.shape[setting as keyof typeof configSchema.shape];
  const lists = ['modelsDir', 'functasets', 'origins', 'allowedHosts', 'shards'];
  const isNumber = limit !== undefined || /port$/i.test(setting);
  return {
    name: setting,
    variable: variableOf(setting),
    takes: isNumber
      ? 'number'
      : setting === 'allowedDirectories'
        ? 'map'
        : lists.includes(setting)
          ? 'list'
          : 'text',
    what: limit?.what ?? member?.description ?? '',
    usual: usualOf[setting] ?? (limit === undefined ? '' : String(limit.usual)),
  };
});

/**
 * Puts together what flags, the environment and a file say. Throws BadInputError `bad-config`, NotFoundError `no-file` for a file that is
 * named and not there.
 */
export function readConfig({
  flags = {},
  environment = {},
  file = environment.FUNCTA_CONFIG,
}: {
  readonly flags?: Config;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Path of a JSON file; default: `$FUNCTA_CONFIG`, if there is one. */
  readonly file?: string | undefined;
}): Configured {
  const layers = [
    { source: 'file', values: file === undefined ? {} : checked(readFile(file), file) },
    { source: 'environment', values: checked(fromEnvironment(environment), 'the environment') },
    { source: 'flag', values: checked(withoutUndefined(flags), 'the command line') },
  ] as const;
  const sources = new Map<string, Source>();
  let config: Config = {};
  for (const { source, values } of layers) {
    for (const setting of settingNames)
      if (valueAt(values, setting) !== undefined) sources.set(setting, source);
    const merged = groups.flatMap((group) => {
      if (config[group] === undefined && values[group] === undefined) return [];
      return [[group, { ...config[group], ...values[group] }]];
    });
    config = { ...config, ...values, ...Object.fromEntries(merged) };
  }
  return { config, sources };
}

/** The value of a setting; undefined: its default holds. */
export function valueAt(config: Config, setting: string): unknown {
  const [group, member] = setting.split('.') as [keyof Config, string | undefined];
  const value = config[group];
  return member === undefined ? value : (value as Readonly<Record<string, unknown>> | undefined)?.[member];
}

function readFile(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      throw new NotFoundError('no-file', `there is no configuration ${path}; check the path`);
    throw new BadInputError('bad-config', `${path} cannot be read: ${message}`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BadInputError('bad-config', `${path} is not JSON: ${(error as Error).message}`);
  }
}

/** A variable that is nearly one of ours is a slip; others of the same beginning are of other parts of functa. */
function fromEnvironment(environment: Readonly<Record<string, string | undefined>>): unknown {
  const found: Record<string, unknown> = {};
  for (const [variable, text] of Object.entries(environment)) {
    if (text === undefined || !variable.startsWith('FUNCTA_')) continue;
    const setting = settings.find((known) => known.variable === variable);
    if (setting === undefined) {
      const near = nearest(
        variable,
        settings.map((known) => known.variable),
      );
      if (near === undefined) continue;
      throw new BadInputError('bad-config', `no setting is called ${variable}; did you mean ${near}?`);
    }
    const [group, member] = setting.name.split('.') as [string, string | undefined];
    const value = valueOfText(setting, text);
    if (member === undefined) found[group] = value;
    else found[group] = { ...(found[group] as object | undefined), [member]: value };
  }
  return found;
}

function valueOfText({ takes, variable }: Setting, text: string): unknown {
  if (takes === 'text') return text;
  const parts = text.split(',').filter((part) => part !== '');
  if (takes === 'list') return parts;
  if (takes === 'map') return Object.fromEntries(parts.map((part) => part.split(/=(.*)/s)));
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(value)) return value;
  throw new BadInputError('bad-config', `${variable} is ${JSON.stringify(text.slice(0, 64))}; give a number`);
}

/** Throws BadInputError `bad-config` with the first fault. */
function checked(values: unknown, where: string): Config {
  const parsed = configSchema.safeParse(values);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const at = issue.path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const unknown = [at, issue.keys[0]].filter((part) => part !== '').join('.');
    const near =
      nearest(unknown, [...settingNames, ...groups]) ?? nearest(issue.keys[0]!, settingNames.map(lastPart));
    const hint = near === undefined ? 'functa serve --print-config lists them' : `did you mean ${near}?`;
    throw new BadInputError('bad-config', `${where}: no setting is called ${unknown.slice(0, 64)}; ${hint}`);
  }
  throw new BadInputError('bad-config', `${where}: ${at === '' ? 'it' : at}: ${issue.message}`);
}

function lastPart(setting: string): string {
  return setting.split('.').at(-1)!;
}

function variableOf(setting: string): string {
  return `FUNCTA_${setting
    .replace('.', '_')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toUpperCase()}`;
}

function withoutUndefined(values: Config): Config {
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) => {
      if (value === undefined) return [];
      const isEmpty = typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length === 0;
      return isEmpty ? [] : [[key, value]];
    }),
  );
}

/** Every setting as a table in Markdown. */
export function settingsPage(): string {
  const lines = settings.map(
    ({ name: setting, variable, usual, what }) =>
      `| \`${setting}\` | \`${variable}\` | ${usual} | ${what.replaceAll('|', '\\|')} |`,
  );
  return ['| member | variable | default | what |', '| --- | --- | --- | --- |', ...lines].join('\n');
}

/** Most letters that may be wrong for a name to be taken for another. */
const mostWrong = 2;

/** The name at the least distance (Levenshtein), if that is small; letters of either case count as one. */
export function nearest(given: string, known: readonly string[]): string | undefined {
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const candidate of known) {
    const distance = editDistance(given.toLowerCase(), candidate.toLowerCase());
    if (distance <= mostWrong && (best === undefined || distance < best.distance))
      best = { name: candidate, distance };
  }
  return best?.name;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + Number(a[i - 1] !== b[j - 1]);
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
