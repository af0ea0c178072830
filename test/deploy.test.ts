/** What deploy/ tells others to run is run here, as far as that goes without containers and systemd. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { functa, functaJson } from './cli/in-process.ts';
import { temporary } from './temporary.ts';

const read = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, null>>;
}

afterEach(() => vi.unstubAllEnvs());

describe('deploy/compose.yaml', () => {
  const { services, volumes }: Compose = parse(read('deploy/compose.yaml'));
  const [, entry, usual] = /ENTRYPOINT (\[.*\])\nCMD (\[.*\])/.exec(read('Dockerfile'))!;

  test('names services, volumes and healthchecks that are there', () => {
    for (const { build, image, depends_on = {}, volumes: mounted = [] } of Object.values(services)) {
      expect((build === undefined) !== (image === undefined)).toBe(true);
      for (const [name, { condition }] of Object.entries(depends_on)) {
        expect(services[name]).toBeDefined();
        if (condition === 'service_healthy') expect(services[name]).toHaveProperty('healthcheck.test');
      }
      for (const mount of mounted) expect(Object.keys(volumes)).toContain(mount.split(':')[0]);
    }
  });

  test('every command of functa is one, with the database of the file', async () => {
    expect([JSON.parse(entry!), JSON.parse(usual!)[0]]).toEqual([['node', 'dist/src/cli/main.js'], 'serve']);
    for (const [, name, value] of read('Dockerfile').matchAll(/(FUNCTA_\w+)=(\S+)/g))
      vi.stubEnv(name!, value);
    const { POSTGRES_USER: user, POSTGRES_DB: database } = services.postgres!.environment;
    const own = Object.values(services).filter(({ build }) => build !== undefined);
    expect(own).toHaveLength(2);
    for (const { command } of own) {
      const { status, json } = await functaJson([
        ...command!.filter((word) => word !== '--json'),
        '--print-config',
      ]);
      expect([status, json.config]).toMatchObject([
        0,
        { store: `postgres://${user}@postgres/${database}`, home: '/var/lib/functa' },
      ]);
    }
  });

  test('the key that its head tells to make is made', async () => {
    const line = /run --rm server (keys .*)$/m.exec(read('deploy/compose.yaml'))![1]!;
    const words = line.replace('/var/lib/functa', temporary()).split(' ');
    expect(await functa(words)).toMatchObject({ status: 0 });
  });
});

describe('units of systemd', () => {
  const units = readdirSync(new URL('../deploy', import.meta.url)).filter((name) =>
    name.endsWith('.service'),
  );

  test.each(units)('%s starts a command that takes its configuration', async (name) => {
    const lines = read(`deploy/${name}`)
      .split('\n')
      .filter((line) => line !== '' && !/^[#;]/.test(line));
    expect(lines.filter((line) => !/^(\[\w+\]|[A-Z]\w+=.*)$/.test(line))).toEqual([]);
    const config = join(temporary(), 'functa.json');
    writeFileSync(config, JSON.stringify({ store: 'postgres://functa@db.example/functa' }));
    const start = lines.find((line) => line.startsWith('ExecStart='))!;
    const words = start
      .replace('ExecStart=/usr/bin/env functa ', '')
      .replace('/etc/functa.json', config)
      // biome-ignore lint/suspicious/noTemplateCurlyInString: systemd's
      .replace('${STATE_DIRECTORY}', temporary())
      .split(' ');
    const { status, json } = await functaJson([
      ...words.filter((word) => word !== '--json'),
      '--print-config',
    ]);
    expect([status, json.config.store]).toEqual([0, 'postgres://functa@db.example/functa']);
  });
});
