/** All commands, in the order of the help. Each is loaded when it is needed: a command line has one of them. */
import type { AddCommand } from '../program.ts';

const loaders: ReadonlyMap<string, () => Promise<AddCommand>> = new Map([
  ['encode', async () => (await import('./encode.ts')).addEncode],
  ['decode', async () => (await import('./decode.ts')).addDecode],
  ['inspect', async () => (await import('./inspect.ts')).addInspect],
  ['verify', async () => (await import('./verify.ts')).addVerify],
  ['sample', async () => (await import('./sample.ts')).addSample],
  ['complete', async () => (await import('./complete.ts')).addComplete],
  ['data', async () => (await import('./data.ts')).addData],
  ['encoder', async () => (await import('./encoder.ts')).addEncoder],
  ['learn', async () => (await import('./learn.ts')).addLearn],
  ['prior', async () => (await import('./prior.ts')).addPrior],
  ['build', async () => (await import('./build.ts')).addBuild],
  ['store', async () => (await import('./store.ts')).addStore],
  ['classify', async () => (await import('./classify.ts')).addClassify],
  ['combine', async () => (await import('./combine.ts')).addCombine],
  ['eval', async () => (await import('./eval.ts')).addEval],
  ['query', async () => (await import('./query.ts')).addQuery],
  ['serve', async () => (await import('./serve.ts')).addServe],
  ['worker', async () => (await import('./worker.ts')).addWorker],
  ['keys', async () => (await import('./keys.ts')).addKeys],
  ['engines', async () => (await import('./engines.ts')).addEngines],
]);

export function allCommands(): Promise<AddCommand[]> {
  return Promise.all([...loaders.values()].map((load) => load()));
}

/** What a command line needs: the command that is its first word, or all, of which one is named later or none is. */
export async function commandsFor([first = '']: readonly string[]): Promise<AddCommand[]> {
  const load = loaders.get(first);
  return load === undefined ? allCommands() : [await load()];
}
