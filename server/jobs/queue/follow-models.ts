/** The models of a shared database on a server: each becomes a file of the home and is served, whoever put it there. */
import { readFile, rm, stat } from 'node:fs/promises';
import { readModel } from '../../../src/field/model.ts';
import { pathBeside } from '../../../src/models/beside.ts';
import { listSharedModels, type SharedModel } from '../../../src/postgres/index.ts';
import type { Catalogue } from '../../catalogue.ts';
import { type Home, modelPath } from '../../home.ts';
import { besideKinds } from '../../models/store.ts';
import type { SharedModels } from './models.ts';

export interface FollowedModels {
  /** Resolves when all that were there are here. Never rejects: what could not be had is looked at again. */
  readonly first: Promise<void>;
  /** There may be others. */
  look(): void;
  close(): Promise<void>;
}

export function followModels(models: SharedModels, home: Home, catalogue: Catalogue): FollowedModels {
  /** By their paths: what is here, as JSON. */
  const here = new Map<string, string>();
  let last: Promise<void> = Promise.resolve();
  let waiting = false;
  let closed = false;
  const lookNow = async () => {
    waiting = false;
    if (closed) return;
    for (const model of await listSharedModels(models.database)) {
      const path = modelPath(home, model.namespace, model.name);
      const said = JSON.stringify(model);
      if (here.get(path) === said) continue;
      if (model.gone) await remove(model, path);
      else await bring(model, path);
      here.set(path, said);
    }
  };
  const bring = async (model: SharedModel, path: string) => {
    // after a start most are as they were
    if (here.has(path) || !(await isSame(model, path))) await models.fetch(model, path);
    const { size: fileBytes } = await stat(path);
    const { name, namespace } = model;
    await catalogue.addModel({ name, namespace, path, fileBytes });
  };
  const remove = async ({ digest }: SharedModel, path: string) => {
    // one of this name that was never shared stays
    if ((await digestAt(path)) !== digest) return;
    catalogue.removeModel(path);
    await rm(path, { force: true });
    for (const kind of besideKinds) await rm(pathBeside(path, kind), { force: true });
  };
  const look = () => {
    if (waiting) return last;
    waiting = true;
    last = last.then(lookNow).catch(() => undefined);
    return last;
  };
  return {
    first: look(),
    look: () => void look(),
    async close() {
      closed = true;
      await last;
    },
  };
}

/** The model, with as many files beside it; whether they are the same is not looked at. */
async function isSame({ digest, files }: SharedModel, path: string): Promise<boolean> {
  if ((await digestAt(path)) !== digest) return false;
  for (const kind of besideKinds) {
    const there = await stat(pathBeside(path, kind)).catch(() => undefined);
    if ((there !== undefined) !== (files[kind] !== undefined)) return false;
  }
  return true;
}

async function digestAt(path: string): Promise<string | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  try {
    return bytes && readModel(bytes).id;
  } catch {
    return undefined;
  }
}
