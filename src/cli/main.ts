#!/usr/bin/env node
import { addData } from './commands/data.ts';
import { exitCodeOf, toFunctaError } from './exit.ts';
import { removeUnfinished } from './files.ts';
import { complain, runCli } from './program.ts';

const argv = process.argv.slice(2);

process.on('uncaughtException', (thrown) => {
  removeUnfinished();
  const error = toFunctaError(thrown);
  void complain(error, process, argv.includes('--json')).then(() => process.exit(exitCodeOf(error)));
});

process.exit(await runCli(argv, process, [addData]));
