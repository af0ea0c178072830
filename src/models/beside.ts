/**
 * Files that stand beside a model's: its generative priors and its classifier. Several models may share a directory, so such a
 * file belongs to the model of the network that its card names, whatever it is called.
 */
import { basename, dirname, join } from 'node:path';
import type { Model } from '../field/model.ts';
import { fileKindOf, modelSuffix } from './file-kind.ts';

/** Where a file of this kind is written: `KIND` alone beside a file called `model`, else with the model's own name before it. */
export function pathBeside(modelPath: string, kind: string): string {
  const stem = basename(modelPath, modelSuffix);
  const name = stem === 'model' ? kind : `${stem}.${kind}`;
  return join(dirname(modelPath), `${name}${modelSuffix}`);
}

export interface FoundBeside {
  readonly path: string;
  /** Whether its card names the model's network; undefined: its head cannot be read. */
  readonly own: boolean | undefined;
}

/** The file of this kind that belongs to a model; else one that is there and does not, to say so; else undefined. */
export async function findBeside(
  { path, networkId }: Pick<Model, 'path' | 'networkId'>,
  kind: string,
): Promise<FoundBeside | undefined> {
  if (path === undefined) return undefined;
  const places = [pathBeside(path, kind), join(dirname(path), `${kind}${modelSuffix}`)];
  let other: FoundBeside | undefined;
  for (const place of new Set(places)) {
    const head = await fileKindOf(place);
    if (head === 'absent') continue;
    const own = head === 'unreadable' ? undefined : head.networkId === networkId;
    if (own) return { path: place, own };
    other ??= { path: place, own };
  }
  return other;
}
