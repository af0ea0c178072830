/** The service that Studio was loaded from, and the key that it asks with, if one was given. */
import { FunctaClient, ProblemError } from 'functa/client';
import type { Opened } from 'functa/web';
import { sharedReader } from 'functa/web';

const keyName = 'functa-key';

function opened(): FunctaClient {
  const key = sessionStorage.getItem(keyName) ?? undefined;
  return new FunctaClient(location.origin, { key, retries: 1 });
}

export let client = opened();

export const hasKey = (): boolean => sessionStorage.getItem(keyName) !== null;

/** Kept for this tab alone. */
export function useKeyOfTab(key: string): void {
  sessionStorage.setItem(keyName, key);
  client = opened();
}

/** One line for a person. */
export function messageOf(error: unknown): string {
  if (error instanceof ProblemError) return error.problem.detail;
  if (error instanceof TypeError) return 'the service does not answer; is it still running?';
  return error instanceof Error ? error.message : String(error);
}

export const needsKey = (error: unknown): boolean =>
  error instanceof ProblemError && (error.status === 401 || error.code === 'scope-needed');

const models = new Map<string, Promise<Uint8Array>>();

/** A function of a `.functa` file, opened in the worker of this page. */
export async function openFunction(
  file: Uint8Array,
  model: string | undefined,
  item?: number,
): Promise<Opened> {
  return sharedReader().open({ file, model: model === undefined ? undefined : await modelFile(model), item });
}

function modelFile(name: string): Promise<Uint8Array> {
  const known = models.get(name);
  if (known !== undefined) return known;
  const found = client.modelFile(name);
  found.catch(() => models.delete(name));
  models.set(name, found);
  return found;
}

/** What one page hands to another. */
export const carried: {
  function?: { readonly file: Uint8Array; readonly model: string | undefined; readonly title: string };
} = {};
