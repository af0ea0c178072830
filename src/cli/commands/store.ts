/** `functa store`: the health and the figures of a functaset. */
import type { Command } from 'commander';
import { BadStreamError } from '../../core/errors.ts';
import type { Functaset } from '../../functaset/types.ts';
import { checkOutput, writeOutput } from '../files.ts';
import type { Job, Report } from '../job.ts';
import { chooseModel, modelOption } from '../models.ts';
import type { Run } from '../program.ts';
import type { Progress } from '../progress.ts';
import { bytesText, columns, psnrText, sizeText } from '../text.ts';

/** Faults that are printed one by one; the rest are counted. */
const shownFaults = 20;

export function addStore(program: Command, run: Run): void {
  const store = program.command('store').description('check and describe a store of functions');
  store
    .command('verify')
    .description('read every record and check it; exits 3 when one is damaged')
    .argument('<store>', 'the directory of the store')
    .action(run(verify));
  store
    .command('stats')
    .description('count functions, labels and bytes')
    .argument('<store>', 'the directory of the store')
    .action(run(stats));
  store
    .command('pack')
    .description('write the codes of a store as an archive, and labels beside it as JSON')
    .argument('<store>', 'the directory of the store')
    .option(...modelOption)
    .requiredOption('-o, --output <file>', 'the archive; its details go beside it, ending in .json')
    .option('-f, --force', 'replace files that exist', false)
    .action(run(pack));
  store
    .command('unpack')
    .description('make a store from an archive written by pack, or go on making it')
    .argument('<archive>', 'the archive; its details are beside it')
    .argument('<store>', 'the directory of the store')
    .option(...modelOption)
    .action(run(unpack));
}

interface PackFlags {
  readonly model?: string;
  readonly output: string;
  readonly force: boolean;
}

async function pack(job: Job, path: string, { model: ref, output, force }: PackFlags): Promise<Report> {
  const { detailsPath, packFunctaset } = await import('../../pipeline/index.ts');
  const model = await chooseModel(ref, 'this');
  const detailsFile = detailsPath(output);
  for (const file of [output, detailsFile]) await checkOutput(file, force);
  const { archive, details } = await packFunctaset(model, path);
  await writeOutput(detailsFile, new TextEncoder().encode(`${JSON.stringify(details)}\n`), {
    stdout: job.streams.stdout,
    force,
  });
  await writeOutput(output, archive, { stdout: job.streams.stdout, force });
  const functions = details.labels.length;
  return {
    data: { store: path, output, details: detailsFile, functions, bytes: archive.length },
    lines: [`${output}: ${functions} functions, ${bytesText(archive.length)}`],
  };
}

async function unpack(
  job: Job,
  archivePath: string,
  path: string,
  { model: ref }: PackFlags,
): Promise<Report> {
  const { readPack, unpackFunctaset } = await import('../../pipeline/index.ts');
  const model = await chooseModel(ref, 'this');
  const packed = await readPack(archivePath);
  const functions = await job.progress('unpack', 'functions', (progress: Progress) =>
    unpackFunctaset(model, packed, path, {
      signal: job.signal,
      onProgress: (done, total) => progress.update(done, total),
    }),
  );
  return {
    data: { archive: archivePath, store: path, functions },
    lines: [`${path}: ${functions} functions`],
  };
}

async function verify(job: Job, path: string): Promise<Report> {
  const report = await withStore(job, path, 'verify', (store, options) => store.verify(options));
  const { ok, functions, faults, faultCount } = report;
  const data = { store: path, ...report };
  if (ok) return { data, lines: [`${path}: ${functions} functions, all whole`] };
  const hidden = faultCount - Math.min(faults.length, shownFaults);
  return {
    data,
    lines: [
      ...faults.slice(0, shownFaults).map(({ id, code, message }) => `${id}: ${message} [${code}]`),
      ...(hidden > 0 ? [`and ${hidden} more`] : []),
    ],
    fault: new BadStreamError(
      'store-damaged',
      0,
      `${path}: ${faultCount} faults in ${functions} functions; build them again`,
    ),
  };
}

async function stats(job: Job, path: string): Promise<Report> {
  const { info, found } = await withStore(job, path, 'stats', async (store, options) => ({
    info: store.info,
    found: await store.stats(options),
  }));
  const { functions, labels, fileBytes, modulationBytes, codedBytes, meanBits, meanPsnrDb } = found;
  const rows = [
    ['functions', String(functions)],
    ['network', info.networkId],
    ['model', info.modelId],
    ['size', sizeText(info.shape)],
    ['modulation', `${info.layout.length} numbers`],
    ['on disk', bytesText(fileBytes)],
    ['modulations', bytesText(modulationBytes)],
    ['coded', bytesText(codedBytes)],
    ...(meanBits === null ? [] : [['mean bits', meanBits.toFixed(1)]]),
    ...(meanPsnrDb === null ? [] : [['mean psnr', psnrText(meanPsnrDb)]]),
    ['labels', labels.map(({ label, functions: n }) => `${label}: ${n}`).join(', ') || 'none'],
  ];
  return { data: { store: path, ...info, ...found }, lines: columns(rows) };
}

type Walk = { readonly signal: AbortSignal; readonly onProgress: (done: number, total: number) => void };

async function withStore<T>(
  job: Job,
  path: string,
  label: string,
  work: (store: Functaset, options: Walk) => Promise<T>,
): Promise<T> {
  const { openFunctaset } = await import('../../functaset/index.ts');
  const store = await openFunctaset(path, { readOnly: true });
  try {
    return await job.progress(label, 'functions', (progress: Progress) =>
      work(store, { signal: job.signal, onProgress: (done, total) => progress.update(done, total) }),
    );
  } finally {
    await store.close();
  }
}
