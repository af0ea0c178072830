import { createServer, request, type ServerResponse } from 'node:http';
import { type AddressInfo, createConnection, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { hostRule } from '../../server/access/hosts.ts';
import { doorTo, type Listener } from '../../server/door.ts';
import type { RunningServer } from '../../server/index.ts';
import { recordJson, recordText } from '../../server/index.ts';
import { Connections } from '../../server/traffic/connections.ts';
import { Pacer } from '../../server/traffic/pacer.ts';
import { defaultTraffic } from '../../server/traffic/traffic.ts';
import { prepare, type Serving } from './serving.ts';

vi.setConfig({ testTimeout: 60_000 });

let serving: Serving;
let server: RunningServer;

beforeAll(async () => {
  serving = await prepare();
  server = await serving.start({ allowedHosts: ['functa.example'] });
}, 120_000);

afterAll(() => serving.stop());

describe('host', () => {
  it.each([
    ['localhost', true],
    ['127.0.0.1:8080', true],
    ['[::1]:80', true],
    ['LOCALHOST:1', true],
    ['functa.example', true],
    ['evil.example', false],
    ['evil.example:8080', false],
    ['localhost.evil.example', false],
    ['127.0.0.1.nip.io', false],
    ['192.168.0.7', false],
    ['', false],
    ['a b', false],
    ['localhost:80@evil.example', false],
    [undefined, false],
  ])('%j on loopback is taken: %j', (host, taken) => {
    expect(hostRule('127.0.0.1', ['functa.example'])(host) === undefined).toBe(taken);
  });

  it('may be any name on an address that others reach, unless names are given', () => {
    expect(hostRule('0.0.0.0')('evil.example')).toBeUndefined();
    expect(hostRule('0.0.0.0')('a b')).toBe('the host header is not a name or an address');
    expect(hostRule('0.0.0.0', ['a.example'])('evil.example')).toContain('--allow-host evil.example');
    expect(hostRule('192.168.0.7', ['a.example'])('192.168.0.7:8080')).toBeUndefined();
  });

  it.each(['GET', 'POST'])('of another name is refused for %s as misdirected, and logged', async (method) => {
    const before = serving.records.length;
    const answer = await send(method, '/v1/models/tiny/encode', { host: 'evil.example' });
    expect(answer.status).toBe(421);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'misdirected', status: 421 });
    expect(answer.type).toBe('application/problem+json');
    expect(serving.records.slice(before)).toMatchObject([{ method, status: 421, code: 'misdirected' }]);
    expect((await send('GET', '/livez', { host: 'functa.example:1' })).status).toBe(200);
  });
});

describe('a request sent before the one ahead of it was answered', () => {
  it('waits for that answer', async () => {
    const begun: ServerResponse[] = [];
    const { door, connections } = doorFor((_incoming, outgoing) => begun.push(outgoing));
    const http = createServer(door);
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const socket = createConnection((http.address() as AddressInfo).port, '127.0.0.1');
    let heard = '';
    socket.on('data', (data) => {
      heard += data;
    });
    socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(2));
    await expect.poll(() => begun.length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(begun).toHaveLength(1);
    begun[0]!.end('one');
    await expect.poll(() => begun.length).toBe(2);
    begun[1]!.end('two');
    await expect.poll(() => heard).toMatch(/one.*two/s);
    socket.destroy();
    http.close();
    connections.close();
  });

  it('is not read when many wait already, so that a client that sends on takes no memory; all are answered', async () => {
    let first: ServerResponse | undefined;
    let answering = false;
    const { door, connections } = doorFor((_incoming, outgoing) => {
      if (answering) outgoing.end();
      else first = outgoing;
    });
    let parsed = 0;
    const http = createServer(door).on('request', () => parsed++);
    const sockets: Socket[] = [];
    http.on('connection', (socket) => sockets.push(socket));
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const socket = createConnection((http.address() as AddressInfo).port, '127.0.0.1');
    const count = 20_000;
    let heard = '';
    socket.on('data', (data) => {
      heard += data.toString('latin1');
    });
    socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(count));
    await expect.poll(() => sockets[0]?.isPaused()).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 200));
    // what the kernel gives in two reads
    expect(parsed).toBeLessThan((2 * 65_536) / 37);
    answering = true;
    first!.end();
    const answers = () => heard.split('HTTP/1.1 200').length - 1;
    await expect.poll(answers, { timeout: 30_000 }).toBe(count);
    socket.destroy();
    http.close();
    connections.close();
  });
});

describe('the first request of a connection', () => {
  it('waits in turns where many connect together, and who was there before does not wait for them', async () => {
    const newcomers = 400;
    let inside = 0;
    let ahead: number | undefined;
    const { door, connections } = doorFor((incoming, outgoing) => {
      if (incoming.url === '/new') inside++;
      else ahead = inside;
      outgoing.end();
    });
    let connected = 0;
    const http = createServer(door).on('connection', () => connected++);
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const { port } = http.address() as AddressInfo;
    const ask = (socket: Socket, path: string) =>
      socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
    const known = createConnection(port, '127.0.0.1');
    ask(known, '/known');
    await new Promise((resolve) => known.once('data', resolve));
    ahead = undefined;
    const others = Array.from({ length: newcomers }, () => createConnection(port, '127.0.0.1'));
    await expect.poll(() => connected).toBe(newcomers + 1);
    for (const socket of others) ask(socket, '/new');
    ask(known, '/known');
    await expect.poll(() => ahead).toBeDefined();
    expect(ahead).toBeLessThan(newcomers / 2);
    await expect.poll(() => inside).toBe(newcomers);
    for (const socket of [known, ...others]) socket.destroy();
    http.close();
    connections.close();
  });
});

describe('a body that waits to be asked for', () => {
  it('is asked for only when it is read', async () => {
    const head = (path: string, type: string) =>
      `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${type}\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n`;
    const asked = await raw(head('/v1/models/tiny/encode', 'image/png'), 'body');
    expect(asked).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 415 /);
    const refused = await raw(head('/v1/models/none/encode', 'image/png'), 'body');
    expect(refused).toMatch(/^HTTP\/1.1 404 /);
  });

  it('and is longer than may be is refused as that, whatever room there is', async () => {
    const head = `POST /v1/models/tiny/encode HTTP/1.1\r\nhost: localhost\r\ncontent-type: image/png\r\n`;
    const asked = await raw(`${head}content-length: 99999999999\r\n\r\n`, '');
    expect(asked).toMatch(/^HTTP\/1.1 413 .*limit-body-bytes/s);
  });
});

describe('a body of chunks', () => {
  const chunked = async (chunk: string, count: number) => {
    const head = 'POST /v1/models/tiny/encode HTTP/1.1\r\nhost: localhost\r\ncontent-type: image/png\r\n';
    const before = process.memoryUsage().rss;
    const socket = createConnection(server.port, '127.0.0.1');
    let answer = '';
    socket.on('data', (data) => {
      answer += data;
    });
    socket.on('error', () => undefined);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(`${head}connection: close\r\ntransfer-encoding: chunked\r\n\r\n`);
    const frame = `${chunk.length.toString(16)}\r\n${chunk}\r\n`;
    const perWrite = Math.ceil(8000 / frame.length);
    // a little at a time: the frames that come in one read are parsed by Node at once
    for (let sent = 0; sent < count && answer === ''; sent += perWrite) {
      socket.write(frame.repeat(Math.min(perWrite, count - sent)));
      await new Promise(setImmediate);
    }
    if (answer === '') socket.write('0\r\n\r\n');
    await closed;
    return { answer, grown: process.memoryUsage().rss - before };
  };

  it('that hold next to nothing is refused before it takes a hundred times its bytes of memory', async () => {
    const { answer, grown } = await chunked('x', 1_000_000);
    expect(answer).toMatch(/^HTTP\/1.1 400 .*chunks-too-small/s);
    expect(grown).toBeLessThan(200e6);
  });

  it('is read as any other when they are few, or hold something', async () => {
    for (const [chunk, count] of [
      ['x', 900],
      ['x'.repeat(64), 20_000],
    ] as const) {
      expect((await chunked(chunk, count)).answer).toMatch(/^HTTP\/1.1 415 .*media-type-mismatch/s);
    }
  });
});

describe('what a client wrote', () => {
  const record = {
    time: '2026-01-01T00:00:00.000Z',
    id: 'x',
    method: 'GET',
    path: '/a\n2026 GET /forged 200\u001b[31m\u009b0m\u202e',
    status: 404,
    ms: 1,
    error: 'Error: x\n    at y',
  };
  it('stays in its line and in its colour', () => {
    expect(recordText(record)).toMatch(/^[ -~]*$/);
    expect(recordJson(record)).toMatch(/^[ -~]*$/);
    const { time, error, ...rest } = record;
    const err = { type: 'Error', message: 'Error: x', stack: error };
    expect(JSON.parse(recordJson(record))).toMatchObject({ ...rest, time: Date.parse(time), err, level: 30 });
  });
});

/** A door through which everything passes. */
function doorFor(inside: Listener): { door: Listener; connections: Connections } {
  const connections = new Connections(defaultTraffic);
  const door = doorTo(inside, {
    admission: { isFull: () => false },
    connections,
    pacer: new Pacer(100),
    mayBeCalled: () => undefined,
    log: undefined,
  });
  return { door, connections };
}

function send(
  method: string,
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number; type: string | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ port: server.port, host: '127.0.0.1', method, path, headers }, (answer) => {
      let body = '';
      answer.on('data', (chunk) => {
        body += chunk;
      });
      answer.on('end', () =>
        resolve({ status: answer.statusCode!, type: answer.headers['content-type'], body }),
      );
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** What comes back on a connection; `body` is sent once it is asked for. */
function raw(head: string, body: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = createConnection(server.port, '127.0.0.1', () => socket.write(head));
    socket.on('data', (data) => {
      answer += data;
      if (answer.endsWith('100 Continue\r\n\r\n')) socket.write(body);
      else socket.end();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
  });
}
