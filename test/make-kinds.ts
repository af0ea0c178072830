/** Set-up of a run of tests: the models of test/kinds.ts, made where they are not there yet. */
import { makeKinds } from './kinds.ts';

export default makeKinds;
