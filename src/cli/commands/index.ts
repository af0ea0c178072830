/** All commands, in the order of the help. */
import type { AddCommand } from '../program.ts';
import { addBuild } from './build.ts';
import { addClassify } from './classify.ts';
import { addCombine } from './combine.ts';
import { addComplete } from './complete.ts';
import { addData } from './data.ts';
import { addDecode } from './decode.ts';
import { addEncode } from './encode.ts';
import { addEngines } from './engines.ts';
import { addEval } from './eval.ts';
import { addInspect } from './inspect.ts';
import { addKeys } from './keys.ts';
import { addLearn } from './learn.ts';
import { addPrior } from './prior.ts';
import { addQuery } from './query.ts';
import { addSample } from './sample.ts';
import { addServe } from './serve.ts';
import { addStore } from './store.ts';

export const commands: readonly AddCommand[] = [
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
  addKeys,
  addEngines,
];
