/** What a server is told of shards: which one it holds, or which ones it asks. */
import { readFileSync } from 'node:fs';
import { BadInputError } from '../../src/core/errors.ts';
import type { Shard } from '../../src/postgres/mark.ts';
import type { Config } from '../operations/config.ts';
import { placeTable } from '../operations/limit-table.ts';
import { Shards } from './shards.ts';

type ShardConfig = Pick<Config, 'store' | 'shard' | 'shards' | 'shardKeyFile' | 'shardMs'>;

/** Throws BadInputError `bad-config`. */
export function shardOf({ store, shard, shards }: ShardConfig): Shard | undefined {
  if (shard === undefined) return undefined;
  if (store === undefined) throw bad('shard: shards are of the functasets of a database; give store as well');
  if (shards !== undefined) throw bad('a server holds a shard or asks the others; give shard or shards');
  const [index, count] = shard.split('/').map(Number) as [number, number];
  if (index > count) throw bad(`shard: there is no shard ${index} of ${count}`);
  return { index: index - 1, count };
}

/** Throws BadInputError `bad-config`. */
export function shardsOf({ store, shards, shardKeyFile, shardMs }: ShardConfig): Shards | undefined {
  if (shards === undefined || shards.length === 0) return undefined;
  if (store === undefined)
    throw bad('shards: shards are of the functasets of a database; give store as well');
  for (const url of shards) {
    if (!/^https?:\/\//.test(url) || !URL.canParse(url))
      throw bad('shards: give addresses such as http://10.0.0.5:8080');
  }
  const withinMs = shardMs ?? placeTable.shardMs.usual;
  return new Shards({
    urls: shards,
    key: shardKeyFile === undefined ? undefined : keyIn(shardKeyFile),
    withinMs,
  });
}

function keyIn(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw bad(`shardKeyFile: ${path} cannot be read: ${(error as Error).message}`);
  }
}

function bad(message: string): BadInputError {
  return new BadInputError('bad-config', message);
}
