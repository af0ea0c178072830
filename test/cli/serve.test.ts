import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { functaJson as jsonHere } from './in-process.ts';
import { functa, functaJson } from './run.ts';
import { makeWorkplace, type Workplace } from './tiny-model.ts';

let place: Workplace;

beforeAll(async () => {
  place = await makeWorkplace();
  process.env.XDG_DATA_HOME = place.at('data');
});
afterAll(() => place.remove());

describe('functa serve', () => {
  it('says where it is, answers there, and stops in order when it is told to', async () => {
    let answer: Promise<unknown> | undefined;
    const ran = await functa(['serve', '--port', '0', '--models', place.directory, '--json'], {
      onStdout: (text, kill) => {
        if (answer !== undefined || !text.includes('\n')) return;
        const { url } = JSON.parse(text);
        answer = fetch(`${url}/v1/models`)
          .then((response) => response.json())
          .finally(() => kill('SIGTERM'));
      },
    });
    expect(ran.status).toBe(0);
    expect(JSON.parse(ran.stdout.toString())).toMatchObject({ models: ['tiny'], functasets: [] });
    expect(await answer).toMatchObject({ models: [{ name: 'tiny' }] });
    expect(ran.stderr).toContain('"path":"/v1/models","route":"/v1/models","status":200');
    expect(ran.stderr).toMatch(/stopped\n$/);
  });

  it('has its home to itself: a second server on it is refused by name', async () => {
    const args = ['serve', '--port', '0', '--models', place.directory, '--home', place.at('home')];
    let second: Awaited<ReturnType<typeof functaJson>> | undefined;
    let asked: Promise<unknown> | undefined;
    const first = await functa(args, {
      onStdout: (text, kill) => {
        if (asked !== undefined || !text.includes('\n')) return;
        asked = functaJson(args)
          .then((ran) => {
            second = ran;
          })
          .finally(() => kill('SIGTERM'));
      },
    });
    expect([first.status, second?.status]).toEqual([0, 1]);
    expect(second!.json).toMatchObject({ error: { code: 'home-busy' } });
    const again = await functa(args, { onStdout: (text, kill) => text.includes('\n') && kill('SIGTERM') });
    expect(again.status).toBe(0);
  });

  it('prints three commands to try', async () => {
    const ran = await functa(['serve', '--port', '0', '--models', place.directory], {
      onStdout: (text, kill) => {
        if (text.endsWith("decode?size=8x'\n")) kill('SIGINT');
      },
    });
    expect(ran.status).toBe(0);
    const lines = ran.stdout.toString().split('\n');
    expect(lines[0]).toMatch(/^functa serves tiny on http:\/\/127\.0\.0\.1:\d+ /);
    expect(lines.filter((line) => line.startsWith('  curl '))).toHaveLength(3);
  });

  it('asks for a key before others can reach it, and says how one is made', async () => {
    const home = place.at('keyed');
    const args = ['serve', '--host', '0.0.0.0', '--port', '0', '--models', place.directory, '--home', home];
    const refused = await jsonHere(args);
    expect(refused.json.error).toMatchObject({ code: 'key-needed' });
    const made = await jsonHere(['keys', 'create', '--home', home, '--scope', 'write', '--expires', '90d']);
    expect(made.json).toMatchObject({ key: { scope: 'write', namespace: 'default', state: 'valid' } });
    const next = await jsonHere(['keys', 'rotate', made.json.key.id, '--home', home]);
    const listed = await jsonHere(['keys', 'list', '--home', home]);
    expect(listed.json.keys.map(({ state }: { state: string }) => state)).toEqual(['revoked', 'valid']);
    let asked: Promise<number[]> | undefined;
    await functa(args, {
      onStdout: (text, kill) => {
        if (asked !== undefined || !text.includes('\n')) return;
        const url = `http://127.0.0.1:${/0\.0\.0\.0:(\d+)/.exec(text)![1]}/v1/models`;
        const ask = (key: string) => fetch(url, { headers: { authorization: `Bearer ${key}` } });
        asked = Promise.all([made.json.secret, next.json.secret].map(ask))
          .then((answers) => answers.map(({ status }) => status))
          .finally(() => kill('SIGTERM'));
      },
    });
    expect(await asked).toEqual([401, 200]);
  });

  it('warns in one line where all may use it, and writes nothing of a client to the terminal unescaped', async () => {
    let asked: Promise<unknown> | undefined;
    const args = ['serve', '--host', '0.0.0.0', '--anonymous', 'read', '--home', place.at('open')];
    const ran = await functa([...args, '--port', '0', '--models', place.directory], {
      onStdout: (text, kill) => {
        if (asked !== undefined || !text.endsWith('\n')) return;
        const port = Number(/http:\/\/0\.0\.0\.0:(\d+)/.exec(text)![1]);
        asked = forge(port).finally(() => kill('SIGTERM'));
      },
    });
    await asked;
    const lines = ran.stderr.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^anyone who reaches 0\.0\.0\.0 may read without a key/);
    expect(ran.stderr).toMatch(/^[ -~\n]*$/);
    // bytes beyond ASCII are no request line at all
    expect(lines).toHaveLength(3);
    expect(lines[1]).toMatch(/ GET \/a%0A2026-01-01T00:00:00\.000Z%20GET%20\/%1b%5b31m 404 /);
  });

  it('refuses a directory of models that is not there, by name', async () => {
    const { status, json } = await jsonHere(['serve', '--port', '0', '--models', '/nowhere/models']);
    expect(status).not.toBe(0);
    expect(json.error).toMatchObject({ code: 'models-directory' });
    expect(json.error.message).toContain('/nowhere/models');
  });

  it('names a damaged model in one line and serves the others, without a cache that can be written', async () => {
    const models = join(place.directory, 'mixed');
    await mkdir(join(models, 'damaged'), { recursive: true });
    await writeFile(join(models, 'damaged', 'model.safetensors'), 'not a model');
    await writeFile(join(models, 'damaged', 'demo.functa'), 'not a demo');
    await copyFile(join(place.directory, 'tiny.safetensors'), join(models, 'tiny.safetensors'));
    let answer: Promise<unknown> | undefined;
    const ran = await functa(['serve', '--port', '0', '--models', models, '--json'], {
      env: { FUNCTA_DATA: join(models, 'tiny.safetensors') },
      onStdout: (text, kill) => {
        if (answer !== undefined || !text.includes('\n')) return;
        const { url } = JSON.parse(text);
        answer = Promise.all(
          ['/readyz', '/v1/models'].map(async (path) => (await fetch(`${url}${path}`)).json()),
        ).finally(() => kill('SIGTERM'));
      },
    });
    expect(ran.status).toBe(0);
    expect(await answer).toMatchObject([
      { status: 'ok', models: 1, refused: ['damaged'] },
      {
        models: [{ name: 'tiny' }],
        refused: [
          { name: 'damaged', detail: expect.stringMatching(/^model damaged at model\.safetensors /) },
        ],
      },
    ]);
    const lines = ran.stderr.split('\n').filter((line) => line.includes('damaged'));
    expect(lines.some((line) => /^model damaged is not served: /.test(line))).toBe(true);
    expect(lines.some((line) => /^functaset damaged-demo is not served: /.test(line))).toBe(true);
  });

  it('on a port that is taken says so', async () => {
    const { createServer } = await import('node:net');
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as { port: number };
    try {
      const { status, json } = await functaJson([
        'serve',
        '--port',
        String(port),
        '--models',
        place.directory,
      ]);
      expect(status).toBe(1);
      expect(json.error.code).toBe('port-in-use');
    } finally {
      holder.close();
    }
  });
});

/** Requests whose paths would forge a line of the log, or turn the terminal red. */
async function forge(port: number): Promise<void> {
  for (const path of ['/a%0A2026-01-01T00:00:00.000Z%20GET%20/%1b%5b31m', '/\u009b31m']) {
    const head = `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`;
    await new Promise<void>((resolve) => {
      const socket = createConnection(port, '127.0.0.1', () => socket.write(Buffer.from(head, 'latin1')));
      socket.on('close', () => resolve());
      socket.on('error', () => undefined);
      socket.resume();
    });
  }
}
