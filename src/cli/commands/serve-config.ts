/** What `functa serve` is told, from its flags, the environment and a file, and how it is printed. */
import type { Config, Configured } from '../../../server/index.ts';
import { UsageError } from '../exit.ts';
import type { Job, Report } from '../job.ts';
import { columns } from '../text.ts';

export interface ServeFlags {
  readonly config?: string;
  readonly printConfig?: boolean;
  readonly host?: string;
  readonly port?: number;
  readonly models?: readonly string[];
  readonly functaset?: readonly string[];
  readonly home?: string;
  readonly store?: string;
  readonly shard?: string;
  readonly shards?: readonly string[];
  readonly shardKeyFile?: string;
  readonly maxBody?: number;
  readonly allowHost?: readonly string[];
  readonly allowOrigin?: readonly string[];
  readonly anonymous?: NonNullable<Config['anonymous']>;
  readonly allowDirectory?: readonly string[];
  readonly metricsPort?: number;
  readonly jobs?: Config['jobs'];
}

/** Throws what `readConfig` throws. */
export async function configured({ globals, limitsAsked }: Job, flags: ServeFlags): Promise<Configured> {
  const { readConfig } = await import('../../../server/index.ts');
  const { engine, threads } = globals;
  return readConfig({
    file: flags.config ?? process.env.FUNCTA_CONFIG,
    environment: process.env,
    flags: {
      host: flags.host,
      port: flags.port,
      modelsDir: flags.models,
      functasets: flags.functaset,
      home: flags.home,
      store: flags.store,
      shard: flags.shard,
      shards: flags.shards,
      shardKeyFile: flags.shardKeyFile,
      maxBodyBytes: flags.maxBody,
      allowedHosts: flags.allowHost,
      origins: flags.allowOrigin,
      anonymous: flags.anonymous,
      allowedDirectories: flags.allowDirectory && directoriesOf(flags.allowDirectory),
      metricsPort: flags.metricsPort,
      jobs: flags.jobs,
      engine,
      running: threads === undefined ? undefined : threads + 1,
      limits: limitsAsked,
    },
  });
}

/**
 * Every setting, its value and where that comes from. Keys are no settings: only the directory that they are in is. The address of a
 * database is told without its password. Throws BadInputError `store-url`.
 */
export async function configReport({ config: given, sources }: Configured): Promise<Report> {
  const { serviceLimits, settings, valueAt } = await import('../../../server/index.ts');
  const { parseAddress } = await import('../../postgres/index.ts');
  const config = given.store === undefined ? given : { ...given, store: parseAddress(given.store).name };
  const rows = settings.map(({ name, usual }) => {
    const value = valueAt(config, name);
    return { name, value: value ?? usual, source: sources.get(name) ?? ('default' as const) };
  });
  const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
  return {
    data: {
      config,
      settings: rows,
      limits: serviceLimits.map(({ name, setting, unit, usual, what, met }) => {
        const value = setting === undefined ? usual : (valueAt(config, setting) ?? usual);
        return { name: setting ?? name, value, unit, what, met };
      }),
    },
    lines: columns([
      ['setting', 'value', 'from'],
      ...rows.map(({ name, value, source }) => [name, text(value), source]),
    ]),
  };
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
