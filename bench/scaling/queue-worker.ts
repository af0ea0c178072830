/** A worker whose work takes its time and nothing else: the address of the database, and a home. */
import { fileAfter, startOf } from '../../server/jobs/queue/test-work.ts';
import { startWorker } from '../../server/worker.ts';

const [store, home] = process.argv.slice(2);
const worker = await startWorker({ store, home, start: startOf(fileAfter(50)) });
console.log('ready');
await worker.closed;
