import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { functa, functaJson } from './run.ts';
import { makeWorkplace, type Workplace } from './tiny-model.ts';

let place: Workplace;

beforeAll(async () => {
  place = await makeWorkplace();
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
    expect(ran.stderr).toContain('"path":"/v1/models","status":200');
    expect(ran.stderr).toMatch(/stopped\n$/);
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
