/** The thread that a command works in: started by thread.ts, over which it reads, writes and hears that it is to stop. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { abortedByFlag } from '../core/abort.ts';
import { AbortedError } from '../core/errors.ts';
import { useLatch } from '../core/unbroken.ts';
import { tellScratch } from '../disk/scratch.ts';
import { commandsFor } from './commands/index.ts';
import { complain } from './complain.ts';
import { exitCodeOf, toFunctaError } from './exit.ts';
import { runCli } from './program.ts';
import { type Asked, type ThreadData, type Told, WireReadable, WireWritable } from './wire.ts';

const { argv, stop, latch, terminal } = workerData as ThreadData;
useLatch(latch);
const port = parentPort as MessagePort;
const tell = (told: Told) => port.postMessage(told);

const stdout = new WireWritable(port, 'stdout');
const stderr = new WireWritable(port, 'stderr', terminal);
const stdin = new WireReadable(port);
const streams = { stdin, stdout, stderr };
const controller = abortedByFlag(stop);

port.on('message', (asked: Asked) => {
  switch (asked.type) {
    case 'written':
      (asked.stream === 'stdout' ? stdout : stderr).answered(asked.id, asked.fault);
      break;
    case 'piece':
      stdin.answered(asked.piece, asked.fault);
      break;
    case 'abort':
      controller.abort(new AbortedError('interrupted'));
      tell({ type: 'heard' });
      break;
    default:
      asked satisfies never;
  }
});
tellScratch((path, there) => tell({ type: 'file', path, there }));
process.on('uncaughtException', (thrown) => {
  const error = toFunctaError(thrown);
  void complain(error, streams, argv.includes('--json')).then(() =>
    tell({ type: 'exit', code: exitCodeOf(error) }),
  );
});
const commands = await commandsFor(argv);
const code = await runCli(argv, streams, commands, { signal: controller.signal, stop: () => {} });
tell({ type: 'exit', code });
