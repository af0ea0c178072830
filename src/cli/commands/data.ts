/** `functa data`: the data sets there are, and fetching them. */
import type { Command } from 'commander';
import type { FetchEvent } from '../../../datasets/dataset.ts';
import type { Job, Report } from '../job.ts';
import { cacheOption } from '../options.ts';
import type { RunCommand } from '../program.ts';
import { bytesText, columns } from '../text.ts';

interface CacheFlags {
  readonly cacheDir?: string;
}

export function addData(program: Command, run: RunCommand): void {
  const data = program.command('data').description('list and fetch data sets');
  data
    .command('list')
    .description('name every data set, its licence, and whether it can be used now')
    .option(...cacheOption)
    .action(run(list));
  data
    .command('fetch')
    .description('download a data set and make it ready for random access')
    .argument('<name>', 'a name from: functa data list')
    .option(...cacheOption)
    .action(run(fetch));
}

async function list(_job: Job, { cacheDir }: CacheFlags): Promise<Report> {
  const { listDatasets } = await import('../../../datasets/registry.ts');
  const datasets = listDatasets(cacheDir === undefined ? {} : { cacheDir }).map(({ name, state, card }) => ({
    name,
    state,
    title: card.title,
    licence: card.licence,
    redistributable: card.redistributable,
    source: card.source,
    split: card.split,
    downloadBytes: card.downloadBytes,
  }));
  const rows = datasets.map(({ name, state, title, licence, downloadBytes }) => [
    name,
    { ready: 'ready', fetch: `fetch ${bytesText(downloadBytes)}`, path: `${name}:DIRECTORY` }[state],
    title,
    licence,
  ]);
  return { data: { datasets }, lines: columns([['name', 'state', 'what', 'licence'], ...rows]) };
}

async function fetch(job: Job, name: string, { cacheDir }: CacheFlags): Promise<Report> {
  const { fetchDataset } = await import('../../../datasets/registry.ts');
  let alreadyThere = false;
  const directory = await job.progress(`fetch ${name}`, 'bytes', (progress) => {
    const onEvent = (event: FetchEvent) => {
      if (event.type === 'step') job.note(`${event.step}: ${event.detail}`);
      else if (event.type === 'progress') progress.update(event.done, event.total, event.step, event.unit);
      else alreadyThere = event.alreadyThere;
    };
    return fetchDataset(name, {
      onEvent,
      signal: job.signal,
      ...(cacheDir === undefined ? {} : { cacheDir }),
    });
  });
  const line = alreadyThere ? `${name} was in ${directory} already` : `${name} is in ${directory}`;
  return { data: { dataset: name, directory, alreadyThere }, lines: [line] };
}
