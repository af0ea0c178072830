/** What workers do, by name. A verb takes plain values and bytes, and stops when its signal says so. */
import type { Made } from '../messages.ts';
import type { Shelf } from '../shelf.ts';
import { backupFunctaset, restoreFunctaset } from './backups.ts';
import { classify, classifyFunctions } from './classify.ts';
import { decode, decodeTogether, encode, encodeTogether, inspect, sample } from './coding.ts';
import { combine } from './combine.ts';
import { complete } from './complete.ts';
import {
  codedFunction,
  decodeFunction,
  describeFunctaset,
  evaluateFunction,
  findFunction,
  listFunctions,
  matchingFunctions,
  modulationOfFunction,
  networkOfModel,
  recordsOfStore,
  summariseFunctaset,
} from './functasets.ts';
import { intake } from './intake.ts';
import { mapFunctaset } from './map.ts';
import { checkBeside, checkModel, describeModel, readyModel, stampOfModel } from './models.ts';
import { prepareParts, queryPart } from './parts.ts';
import { peer } from './peer.ts';
import { query } from './query.ts';

export const verbs = {
  describeModel,
  stampOfModel,
  checkModel,
  checkBeside,
  readyModel,
  encode,
  encodeTogether,
  decode,
  decodeTogether,
  inspect,
  sample,
  complete,
  classify,
  classifyFunctions,
  peer,
  describeFunctaset,
  summariseFunctaset,
  listFunctions,
  findFunction,
  codedFunction,
  decodeFunction,
  evaluateFunction,
  modulationOfFunction,
  networkOfModel,
  recordsOfStore,
  matchingFunctions,
  mapFunctaset,
  intake,
  query,
  queryPart,
  prepareParts,
  combine,
  backupFunctaset,
  restoreFunctaset,
};

export type VerbName = keyof typeof verbs;

type Verb<I, H> = (shelf: Shelf, input: I, signal: AbortSignal) => Promise<Made<H>>;

export type InputOf<V extends VerbName> = Parameters<(typeof verbs)[V]>[1];
export type HeadOf<V extends VerbName> = (typeof verbs)[V] extends Verb<infer _, infer H> ? H : never;
