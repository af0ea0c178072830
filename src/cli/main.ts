#!/usr/bin/env node
import { removeUnfinished } from '../disk/scratch.ts';
import { addBuild } from './commands/build.ts';
import { addClassify } from './commands/classify.ts';
import { addCombine } from './commands/combine.ts';
import { addComplete } from './commands/complete.ts';
import { addData } from './commands/data.ts';
import { addDecode } from './commands/decode.ts';
import { addEncode } from './commands/encode.ts';
import { addEngines } from './commands/engines.ts';
import { addEval } from './commands/eval.ts';
import { addInspect } from './commands/inspect.ts';
import { addLearn } from './commands/learn.ts';
import { addPrior } from './commands/prior.ts';
import { addQuery } from './commands/query.ts';
import { addSample } from './commands/sample.ts';
import { addServe } from './commands/serve.ts';
import { addStore } from './commands/store.ts';
import { exitCodeOf, toFunctaError } from './exit.ts';

import { complain, runCli } from './program.ts';

const commands = [
  addEncode,
  addDecode,
  addInspect,
  addSample,
  addComplete,
  addData,
  addLearn,
  addPrior,
  addBuild,
  addStore,
  addClassify,
  addCombine,
  addEval,
  addQuery,
  addServe,
  addEngines,
];

const argv = process.argv.slice(2);

process.on('uncaughtException', (thrown) => {
  removeUnfinished();
  const error = toFunctaError(thrown);
  void complain(error, process, argv.includes('--json')).then(() => process.exit(exitCodeOf(error)));
});

process.exit(await runCli(argv, process, commands));
