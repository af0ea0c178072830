import { createServer, type RequestListener } from 'node:http';
import { type AddressInfo, createConnection, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { pacedResponse } from '../../server/response.ts';
import { Connections } from '../../server/traffic/connections.ts';
import { defaultTraffic, type TrafficLimits } from '../../server/traffic/traffic.ts';
import { Turns } from '../../server/traffic/turns.ts';

const megabyte = 2 ** 20;
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

describe('turns', () => {
  it('are short however many want one, and leave turns of the loop to others', async () => {
    let clock = 0;
    const turns = new Turns(() => clock);
    let steps = 0;
    for (let i = 0; i < 1000; i++) {
      turns.enter(() => {
        clock += 0.3;
        steps++;
        return false;
      });
    }
    let most = 0;
    for (let before = 0; steps < 1000; before = steps) {
      await new Promise(setImmediate);
      most = Math.max(most, steps - before);
    }
    expect(most).toBe(4);
  });

  it('take no more steps than they are told to, for those that cost time only later', async () => {
    const turns = new Turns(() => 0, { most: 8 });
    let steps = 0;
    for (let i = 0; i < 100; i++) turns.enter(() => ++steps < 0);
    await new Promise(setImmediate);
    expect(steps).toBe(8);
    await expect.poll(() => steps).toBe(100);
  });

  it('go round: one that has much to do does not keep the next from its first piece', async () => {
    const turns = new Turns();
    const order: string[] = [];
    const doing = (name: string, times: number) => () => order.push(name) > 0 && --times > 0;
    turns.enter(doing('a', 3));
    turns.enter(doing('b', 1));
    await expect.poll(() => order.join('')).toBe('abaa');
  });
});

describe('bodies that come too slowly', () => {
  it('are given up a few at a time, though all are due together', async () => {
    let clock = 0;
    const { connections, port, sockets } = await serveWith(
      ({ socket }) => connections.of(socket).awaitBody(() => socket.destroy()),
      {},
      undefined,
      () => (clock += 0.3),
    );
    const count = 60;
    for (let i = 0; i < count; i++) ask(port);
    await expect.poll(() => sockets.size).toBe(count);
    await new Promise((resolve) => setTimeout(resolve, 100));
    // in steps, so that it is the clients who are late and not this process
    for (let step = 0; step < 11; step++) {
      clock += defaultTraffic.windowMs / 10;
      connections.sweep();
    }
    const cut = () => [...sockets].filter(({ destroyed }) => destroyed).length;
    let most = 0;
    for (let before = cut(); before < count; before = cut()) {
      await new Promise(setImmediate);
      most = Math.max(most, cut() - before);
    }
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThan(5);
  });
});

describe('answers that nobody reads', () => {
  it('are written a little at a time, where the kernel would take megabytes of each at once', async () => {
    const body = new Uint8Array(8 * megabyte);
    const { sockets, port } = await serveWith((_request, response) => response.end(body));
    const silent = Array.from({ length: 50 }, () => ask(port));
    let last = 0;
    const perTurn: number[] = [];
    await expect
      .poll(
        async () => {
          for (let i = 0; i < 50; i++) {
            await new Promise(setImmediate);
            const written = [...sockets].reduce((sum, { bytesWritten }) => sum + bytesWritten, 0);
            perTurn.push(written - last);
            last = written;
          }
          return last;
        },
        { timeout: 20_000 },
      )
      .toBeGreaterThan(20 * megabyte);
    expect(silent).toHaveLength(50);
    expect(Math.max(...perTurn)).toBeLessThan(16 * megabyte);
  });

  it('of requests sent before the first was answered count for their client, and leave room for bodies', async () => {
    const { connections, port, sockets } = await serveWith(
      (_request, response) => response.end(new Uint8Array(8 * megabyte)),
      { bytesInFlight: 64 * megabyte, clientShare: 0.5 },
    );
    ask(port, 2);
    // all of the client's half of the half for answers
    await expect.poll(() => connections.bytesHeld).toBe(16 * megabyte);
    const own = connections.of([...sockets][0]);
    expect(() => own.holdAnswer().add(1)).toThrow('too many requests');
    expect(() => own.holdBody().add(16 * megabyte)).not.toThrow();
  });

  it('for which there is no room are refused at the pace of refusals', async () => {
    const paced: (() => void)[] = [];
    const { port, sockets } = await serveWith(
      (_request, response) => response.end(new Uint8Array(megabyte)),
      { bytesInFlight: megabyte, clientShare: 1 },
      (go) => paced.push(go),
    );
    ask(port);
    await expect.poll(() => paced.length).toBe(1);
    const [socket] = sockets;
    expect(socket!.destroyed).toBe(false);
    paced[0]!();
    expect(socket!.destroyed).toBe(true);
  });
});

async function serveWith(
  listener: RequestListener,
  traffic: Partial<TrafficLimits> = {},
  pace: (go: () => void) => unknown = (go) => go(),
  now?: () => number,
) {
  const limits = { ...defaultTraffic, clientShare: 1, bytesInFlight: 2 ** 30, ...traffic };
  const connections = new Connections(limits, now);
  const pacer = {
    pace: (go: () => void) => {
      pace(go);
      return () => undefined;
    },
  };
  const server = createServer({ ServerResponse: pacedResponse(connections, pacer) }, listener);
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    connections.take(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    connections.close();
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return { connections, sockets, port: (server.address() as AddressInfo).port };
}

/** A client that asks so many times and reads nothing. */
function ask(port: number, times = 1): Socket {
  const socket = createConnection({ port, host: '127.0.0.1' });
  socket.pause();
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'.repeat(times));
  closers.push(() => socket.destroy());
  return socket;
}
