#!/usr/bin/env node
/** The command line. Its work is done in a thread of its own, so that this one hears an interruption whatever that one does. */
import { removeUnfinished } from '../disk/scratch.ts';

const argv = process.argv.slice(2);

if (argv.includes('serve') || argv.includes('worker')) {
  // A server answers in between and has threads of its own, a worker processes.
  const [{ exitCodeOf, toFunctaError }, { commandsFor }, { complain }, { runCli }] = await Promise.all([
    import('./exit.ts'),
    import('./commands/index.ts'),
    import('./complain.ts'),
    import('./program.ts'),
  ]);
  process.on('uncaughtException', (thrown) => {
    removeUnfinished();
    const error = toFunctaError(thrown);
    void complain(error, process, argv.includes('--json')).then(() => process.exit(exitCodeOf(error)));
  });
  process.exit(await runCli(argv, process, await commandsFor(argv)));
}
if (argv.length === 1 && ['--version', '-V'].includes(argv[0]!)) {
  // There is nothing to interrupt.
  const { runCli } = await import('./program.ts');
  process.exit(await runCli(argv, process, []));
}
const { runInThread } = await import('./thread.ts');
process.exit(await runInThread(argv));
