/** The thread that all writing is done in: it holds the stores that are open to be written, and nothing else does. */
import { parentPort, workerData } from 'node:worker_threads';
import { useLatch } from '../../src/core/unbroken.ts';
import { flatten } from '../wire-error.ts';
import type { FromWriter, ToWriter, WriterSetup } from './messages.ts';
import type { SharedFunctaset, SharedStores } from './shared.ts';
import { Stores } from './stores.ts';

const port = parentPort!;
const { heir, idleMs, latch, share } = workerData as WriterSetup;
useLatch(latch);
const changed = (shared: readonly SharedFunctaset[]) => port.postMessage({ shared } satisfies FromWriter);
const opening = open();
// who asks hears of it
opening.catch(() => undefined);
const sweep = setInterval(
  () => void opening.then(({ stores }) => stores.closeIdle()).catch(() => undefined),
  Math.max(100, idleMs / 4),
);

async function open(): Promise<{ readonly stores: Stores; readonly shared: SharedStores | undefined }> {
  if (share === undefined) return { stores: new Stores({ idleMs, heir }), shared: undefined };
  // what a database needs is loaded where there is one
  const { SharedStores: Shared } = await import('./shared.ts');
  const shared = await Shared.open({ ...share, heir, changed });
  return { stores: new Stores({ idleMs, heir, shared }), shared };
}

async function done(message: ToWriter): Promise<unknown> {
  const { stores, shared } = await opening;
  switch (message.kind) {
    case 'shared':
      return shared?.all ?? [];
    case 'adopt':
      return stores.adopt(message.made, message.path);
    case 'create':
      return stores.create(message.path, message.network);
    case 'drop':
      return stores.drop(message.path);
    case 'write':
      return stores.write(message.path, message.request);
    case 'close':
      clearInterval(sweep);
      return stores.close();
    default:
      return message satisfies never;
  }
}

port.on('message', (message: ToWriter) => {
  const { job } = message;
  const say = (answer: FromWriter) => port.postMessage(answer);
  done(message)
    .then(
      (outcome) => say({ job, done: outcome }),
      (error) => say({ job, error: flatten(error) }),
    )
    .finally(() => message.kind === 'close' && port.close());
});
