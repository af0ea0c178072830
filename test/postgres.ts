/**
 * A PostgreSQL server of one file of tests: its own cluster in a temporary directory, on a socket in it. Where PostgreSQL is not installed the
 * tests of it are skipped, and say so.
 */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';

const places = '/usr/lib/postgresql';

/** Directory of the programs, of the newest version that is here. */
export const postgresBin = existsSync(places)
  ? readdirSync(places)
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(places, version, 'bin'))
      .find((bin) => existsSync(join(bin, 'initdb')))
  : undefined;

export interface Cluster {
  /** Of a new database in it. */
  database(): Promise<string>;
  url(database: string, user?: string): string;
  start(): Promise<void>;
  /** `immediate`: as a crash. */
  stop(how: 'fast' | 'immediate'): void;
  /** Of the server. */
  readonly pid: number;
  /** Makes a standby one that takes writes. */
  promote(): void;
  /** Runs psql as the owner of the cluster. */
  sql(text: string, database?: string): string;
  readonly directory: string;
  remove(): void;
}

export interface ClusterOptions {
  /** Written through to the disk: what is killed loses nothing. Default false: tests that kill nothing. */
  readonly durable?: boolean;
  readonly settings?: readonly string[];
  /** A hot standby of this one, which it follows under the name `standby`. */
  readonly standbyOf?: Cluster;
}

/** The server does not run as root. */
const owner = process.getuid?.() === 0 ? ownerIds() : undefined;

function ownerIds(): { readonly uid: number; readonly gid: number } {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((row) => row.startsWith('postgres:'));
  const [, , uid, gid] = (line ?? 'postgres:x:65534:65534').split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

export async function makeCluster({
  durable = false,
  settings = [],
  standbyOf,
}: ClusterOptions = {}): Promise<Cluster> {
  const directory = mkdtempSync(join(tmpdir(), 'functa-pg-'));
  chmodSync(directory, 0o755);
  if (owner !== undefined) chownSync(directory, owner.uid, owner.gid);
  const data = join(directory, 'data');
  const environment = { ...process.env, LC_ALL: 'C.UTF-8', HOME: directory };
  const run = (program: string, args: readonly string[]) =>
    execFileSync(join(postgresBin!, program), args, {
      ...owner,
      cwd: directory,
      env: environment,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  if (standbyOf === undefined)
    run('initdb', `-D ${data} -U postgres -A trust -E UTF8 --no-sync --no-instructions`.split(' '));
  else {
    const primary = `host=${standbyOf.directory} user=postgres application_name=standby`;
    run('pg_basebackup', ['-d', primary, '-D', data, ...'-R -X stream -c fast --no-sync'.split(' ')]);
  }
  const given = [
    'listen_addresses=',
    `unix_socket_directories=${directory}`,
    'max_connections=60',
    ...(durable ? [] : ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off']),
    ...settings,
  ];
  let databases = 0;
  const cluster: Cluster = {
    directory,
    url: (database, user = 'postgres') =>
      `postgres://${user}@/${database}?host=${encodeURIComponent(directory)}`,
    sql: (text, database = 'postgres') =>
      run('psql', ['-h', directory, '-U', 'postgres', '-d', database, '-Atqc', text]).trim(),
    async database() {
      const name = `test${++databases}`;
      cluster.sql(`CREATE DATABASE ${name}`);
      return cluster.url(name);
    },
    get pid() {
      return Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n', 1)[0]);
    },
    async start() {
      spawn(join(postgresBin!, 'postgres'), ['-D', data, ...given.flatMap((each) => ['-c', each])], {
        ...owner,
        cwd: directory,
        env: environment,
        stdio: process.env.FUNCTA_TEST_POSTGRES === 'loud' ? 'inherit' : 'ignore',
        detached: true,
      }).unref();
      for (let tries = 0; ; tries++) {
        try {
          cluster.sql('SELECT 1');
          return;
        } catch (error) {
          if (tries === 300) throw error;
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      }
    },
    stop(how) {
      run('pg_ctl', ['stop', '-D', data, '-m', how, '-w', '-t', '60']);
    },
    promote() {
      run('pg_ctl', ['promote', '-D', data, '-w', '-t', '60']);
    },
    remove() {
      try {
        if (existsSync(join(data, 'postmaster.pid'))) cluster.stop('immediate');
      } catch {
        // it had gone already
      }
      rmSync(directory, { recursive: true, force: true });
    },
  };
  await cluster.start();
  return cluster;
}

/** Tests with a cluster that is made before the first of them, or one that is skipped and says why. */
export function withPostgres(
  name: string,
  options: ClusterOptions,
  tests: (cluster: () => Cluster) => void,
): void {
  if (postgresBin === undefined) {
    test.skip(`${name}: skipped, PostgreSQL is not installed (Debian: apt-get install postgresql-15)`);
    return;
  }
  describe(name, () => {
    let cluster: Cluster | undefined;
    beforeAll(async () => {
      cluster = await makeCluster(options);
    }, 60_000);
    afterAll(() => cluster?.remove(), 60_000);
    tests(() => cluster!);
  });
}
