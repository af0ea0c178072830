/** Metrics on a listener of their own, so that they can be had when the service is full, and that no proxy shows them. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EnvironmentError } from '../../src/core/errors.ts';
import { hostRule } from '../access/hosts.ts';
import type { Metrics } from './metrics.ts';

export interface MetricsListener {
  readonly url: string;
  close(): Promise<void>;
}

/** More than a few ask for something else. */
const mostConnections = 16;

/** Throws EnvironmentError `port-in-use` or `cannot-listen`. */
export async function listenForMetrics(
  metrics: Metrics,
  { port, host }: { readonly port: number; readonly host: string },
): Promise<MetricsListener> {
  const server = createServer({ headersTimeout: 5000, requestTimeout: 5000 });
  server.maxConnections = mostConnections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', ({ code, message }: NodeJS.ErrnoException) => {
      const busy = code === 'EADDRINUSE';
      const what = `metrics cannot listen on port ${port} of ${host}: ${busy ? 'it is in use; choose another' : message}`;
      reject(new EnvironmentError(busy ? 'port-in-use' : 'cannot-listen', what));
    });
    server.listen({ port, host }, resolve);
  });
  const { address, port: taken } = server.address() as AddressInfo;
  const wrongName = hostRule(address);
  server.on('request', async (request, response) => {
    const say = (status: number, type: string, body: string) => {
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
    };
    try {
      if (wrongName(request.headers.host) !== undefined)
        say(421, 'text/plain', 'not the name of this server\n');
      else if (request.url?.split('?', 1)[0] !== '/metrics' || request.method !== 'GET')
        say(404, 'text/plain', 'GET /metrics\n');
      else say(200, metrics.contentType, await metrics.text());
    } catch {
      say(500, 'text/plain', 'metrics cannot be had\n');
    }
  });
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
