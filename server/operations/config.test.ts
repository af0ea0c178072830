import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporary } from '../../test/temporary.ts';
import { Rates } from '../traffic/rates.ts';
import { defaultTraffic } from '../traffic/traffic.ts';
import { nearest, readConfig, settings, valueAt } from './config.ts';
import { limitsPage, serviceLimits } from './limit-table.ts';
import { withTables } from './operations-page.ts';

function file(values: unknown): string {
  const path = join(temporary(), 'functa.json');
  writeFileSync(path, JSON.stringify(values));
  return path;
}

describe('a configuration', () => {
  it('is of flags before the environment before the file, and says which', () => {
    const { config, sources } = readConfig({
      flags: { port: 3, limits: {} },
      environment: { FUNCTA_PORT: '2', FUNCTA_TRAFFIC_HEADERS_MS: '20', FUNCTA_DATA: '/elsewhere' },
      file: file({ port: 1, waiting: 9, traffic: { headersMs: 10, requestMs: 11 }, functasets: ['a', 'b'] }),
    });
    expect(config).toEqual({
      port: 3,
      waiting: 9,
      traffic: { headersMs: 20, requestMs: 11 },
      functasets: ['a', 'b'],
    });
    expect(Object.fromEntries(sources)).toEqual({
      port: 'flag',
      waiting: 'file',
      'traffic.headersMs': 'environment',
      'traffic.requestMs': 'file',
      functasets: 'file',
    });
  });

  it('refuses what it does not know, with what was probably meant', () => {
    const fault = (values: unknown) => () => readConfig({ file: file(values) });
    expect(fault({ prot: 1 })).toThrow('no setting is called prot; did you mean port?');
    expect(fault({ trafic: {} })).toThrow('no setting is called trafic; did you mean traffic?');
    expect(fault({ traffic: { headerMs: 1 } })).toThrow('traffic.headerMs; did you mean traffic.headersMs?');
    expect(fault({ headersMs: 1 })).toThrow('did you mean headersMs?');
    expect(fault({ anonymous: 'all' })).toThrow('anonymous');
    expect(fault({ origins: ['*'] })).toThrow('is no origin');
    expect(fault({ traffic: { clientShare: 2 } })).toThrow('traffic.clientShare');
    const said = (environment: Record<string, string>) => () => readConfig({ environment });
    expect(said({ FUNCTA_PROT: '1' })).toThrow('did you mean FUNCTA_PORT?');
    expect(said({ FUNCTA_PORT: 'http' })).toThrow('give a number');
    expect(() => readConfig({ file: '/nowhere/functa.json' })).toThrow('there is no configuration');
    expect(nearest('quite another', ['port'])).toBeUndefined();
  });

  it('takes each setting from the environment by a name of its own', () => {
    expect(new Set(settings.map(({ variable }) => variable)).size).toBe(settings.length);
    for (const { name, variable, takes } of settings) {
      if (/port$/i.test(name)) continue;
      const texts: Record<string, string> = {
        anonymous: 'read',
        store: 'postgres://host/db',
        shard: '1/4',
        origins: 'https://a.example',
        'traffic.clientShare': '1',
        allowedDirectories: 'a=/b=c',
      };
      const text = texts[name] ?? '2000000';
      const value =
        takes === 'number'
          ? Number(text)
          : takes === 'list'
            ? [text]
            : takes === 'map'
              ? { a: '/b=c' }
              : text;
      expect(valueAt(readConfig({ environment: { [variable]: text } }).config, name), name).toEqual(value);
    }
  });
});

describe('limits', () => {
  it('are one table: what may be set, docs/operations.md, and what holds', () => {
    for (const { setting } of serviceLimits) {
      if (setting !== undefined) expect(settings.map(({ name }) => name)).toContain(setting);
    }
    for (const [name, value] of Object.entries(defaultTraffic))
      expect(limitsPage()).toContain(`\`traffic.${name}\` | ${value} |`);
    const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
    expect(page === withTables(page), 'run: node --import tsx scripts/operations.mjs').toBe(true);
    const [row] = page.match(/.*traffic\.headersMs.*10000.*/)!;
    expect(withTables(page.replace(row, row.replace('10000', '10001')))).not.toContain('10001');
  });
});

describe('rates', () => {
  it('let as many requests of one through as are in its bucket, and say when to come again', () => {
    let now = 0;
    const rates = new Rates(2, () => now);
    const take = (who: string) => {
      try {
        rates.take(who);
        return 'taken';
      } catch (error) {
        return (error as { headers: Record<string, string> }).headers['retry-after'];
      }
    };
    expect(['a', 'a', 'a', 'b'].map(take)).toEqual(['taken', 'taken', '1', 'taken']);
    now = 499;
    expect(take('a')).toBe('1');
    now = 500;
    expect([take('a'), take('a')]).toEqual(['taken', '1']);
    now = 1e6;
    expect(['a', 'a', 'a'].map(take)).toEqual(['taken', 'taken', '1']);
    expect(() => Array.from({ length: 1000 }, () => new Rates(0).take('a'))).not.toThrow();
  });
});
