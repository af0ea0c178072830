/** `functa store`: the health and the figures of a functaset, what goes into it and out of it. */
import { basename, extname } from 'node:path';
import type { Command } from 'commander';
import { magic } from '../../../codec/header.ts';
import { BadInputError, BadStreamError } from '../../core/errors.ts';
import { type Label, labelForms } from '../../core/label.ts';
import { defaultLimits } from '../../core/limits.ts';
import type { Model } from '../../field/model.ts';
import { formatOfFile } from '../../formats/formats.ts';
import { npy } from '../../formats/npy-format.ts';
import type { Backup, FunctionStore, Rewritten, StoredFunction } from '../../functaset/index.ts';
import { UsageError } from '../exit.ts';
import { checkOutput, readInput, standardStream, writeOutput } from '../files.ts';
import type { Job, Report } from '../job.ts';
import { modelOfFile, modelOfStore, modelOption, withEngine } from '../models.ts';
import { forceOption, fromOption, integer } from '../options.ts';
import type { RunCommand } from '../program.ts';
import type { Progress } from '../progress.ts';
import { bytesText, columns, psnrText, sizeText } from '../text.ts';
import { addStoreCopy } from './store-copy.ts';
import { addStoreVectors } from './store-vectors.ts';

/** Faults that are printed one by one; the rest are counted. */
const shownFaults = 20;

export function addStore(program: Command, run: RunCommand): void {
  const store = program.command('store').description('check, describe and change a store of functions');
  const add = (name: string, description: string) =>
    store
      .command(name)
      .description(description)
      .argument(
        '<store>',
        'the directory of the store, or postgres://USER@HOST/DATABASE#FUNCTASET for verify, stats and backup',
      );
  add('verify', 'read every record and check it; exits 3 when one is damaged').action(run(verify));
  add('stats', 'count functions, labels and bytes').action(run(stats));
  add('put', 'put files, or modulations from outside, into a store')
    .argument(
      '<files...>',
      '.functa files of one function, .npy modulations [m] or [n, m], or .safetensors of store export',
    )
    .option(...modelOption)
    .option('--id <id>', 'of the one function that is put; default: the name of its file')
    .option('--label <label>', 'of all that are put')
    .option('--quality <q>', 'whose network modulations are of', integer(1, 100), 50)
    .option('--size <size>', 'WxH: of the signals that modulations are of; default: as the store has them')
    .option('--replace', 'put over functions of the same ids', false)
    .action(run(put));
  add('delete', 'take functions out of a store').argument('<ids...>', 'ids of functions').action(run(remove));
  add('compact', 'free the room that deleted and replaced functions left').action(
    run((job: Job, path: string) => rewritten(job, path, 'compact')),
  );
  add('upgrade', 'make a store of an older format one of this').action(
    run((job: Job, path: string) => rewritten(job, path, 'upgrade')),
  );
  add('backup', 'copy a store into one file, while others read and write it')
    .argument('<file>', 'the backup')
    .option(...forceOption)
    .action(run(backup));
  addStoreCopy(store, run);
  store
    .command('restore')
    .description('make a store of a backup')
    .argument('<file>', 'of store backup, or a snapshot of the service')
    .argument('<store>', 'the directory of the new store')
    .action(run(restore));
  add('pack', 'write a store as one archive, which unpack makes the same store of')
    .option(...modelOption)
    .requiredOption('-o, --output <file>', 'the archive; - is stdout')
    .option(...forceOption)
    .action(run(pack));
  add('export', 'write all modulations as one array, for NumPy and PyTorch')
    .option(...modelOption)
    .requiredOption(
      '-o, --output <file>',
      '.npy: float32 [functions, m] in the order of ids; .safetensors: ids, labels and qualities too',
    )
    .option(...forceOption)
    .action(run(exported));
  addStoreVectors(store, run);
  store
    .command('unpack')
    .description('make a store from an archive, or go on making it')
    .argument('<archive>', 'the archive')
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
  const { packFunctaset } = await import('../../jobs/index.ts');
  job.checkStdout(output);
  await checkOutput(output, force);
  const model = await modelOfStore(ref, path);
  const { archive, functions } = await packFunctaset(model, path, { signal: job.signal });
  await writeOutput(output, archive, { stdout: job.streams.stdout, force });
  const where = output === standardStream ? 'stdout' : output;
  return {
    data: { store: path, output, functions, bytes: archive.length },
    lines: [`${where}: ${functions} functions, ${bytesText(archive.length)}`],
    stdoutTaken: output === standardStream,
  };
}

async function exported(job: Job, path: string, { model: ref, output, force }: PackFlags): Promise<Report> {
  const { exportModulations, modulationsFormats } = await import('../../jobs/index.ts');
  const format = modulationsFormats.find((name) => extname(output).toLowerCase() === `.${name}`);
  if (format === undefined)
    throw new UsageError('output-format', `${output}: modulations are written as .npy or .safetensors`);
  await checkOutput(output, force);
  const model = await modelOfStore(ref, path);
  const { openFunctasetOf } = await import('../../session/store.ts');
  const store = await openFunctasetOf(model, path, { readOnly: true });
  try {
    return await withEngine(job, (engine) =>
      job.progress('export', 'functions', async (progress: Progress) => {
        const { signal, limits } = job;
        const onProgress = (done: number, total: number) => progress.update(done, total);
        const found = exportModulations({ model, engine }, store, { format, limits, signal, onProgress });
        const bytes = await writeOutput(output, found.content, { stdout: job.streams.stdout, force });
        const { ids, length, plainFits } = found;
        if (plainFits.length > 0)
          job.note(`${plainFits.length} of them are stored as samples: their rows are plain fits`);
        return {
          data: { store: path, output, functions: ids.length, length, bytes, ids, plainFits },
          lines: [`${output}: ${ids.length} modulations of ${length} numbers, ${bytesText(bytes)}`],
        };
      }),
    );
  } finally {
    await store.close();
  }
}

async function unpack(
  job: Job,
  archivePath: string,
  path: string,
  { model: ref }: PackFlags,
): Promise<Report> {
  const { inspect } = await import('../../session/index.ts');
  const { readPack, unpackFunctaset } = await import('../../jobs/index.ts');
  const packed = await readPack(archivePath);
  const model = await modelOfFile(ref, archivePath, inspect(packed.archive), packed.archive, job.limits);
  const found = await job.progress('unpack', 'functions', (progress: Progress) =>
    unpackFunctaset(model, packed, path, {
      signal: job.signal,
      onProgress: (done, total) => progress.update(done, total),
    }),
  );
  return {
    data: { archive: archivePath, store: path, ...found, functions: found.total },
    lines: [
      `${path}: ${found.added} functions added${found.there > 0 ? `, ${found.there} of these ids there already` : ''}; ${found.total} in all`,
    ],
  };
}

interface PutFlags {
  readonly model?: string;
  readonly id?: string;
  readonly label?: string;
  readonly quality: number;
  readonly size?: string;
  readonly replace: boolean;
}

async function put(job: Job, path: string, files: string[], flags: PutFlags): Promise<Report> {
  const model = await modelOfStore(flags.model, path);
  const functions: StoredFunction[] = [];
  for (const file of files) functions.push(...(await functionsOfFile(job, model, file, flags)));
  if (flags.id !== undefined && functions.length !== 1) {
    throw new BadInputError('one-id', `--id names one function, and ${functions.length} are put`);
  }
  const { openFunctasetOf } = await import('../../session/store.ts');
  const store = await openFunctasetOf(model, path);
  try {
    await store.putMany(functions, { replace: flags.replace });
    const ids = functions.map(({ id }) => id);
    return {
      data: { store: path, ids, total: store.count },
      lines: [`${path}: ${ids.length} functions put, ${store.count} in all`],
    };
  } finally {
    await store.close();
  }
}

/** One function of a `.functa` file, one for each row of an array of modulations. */
async function functionsOfFile(
  job: Job,
  model: Model,
  file: string,
  { id: given, label: text, quality, size }: PutFlags,
): Promise<StoredFunction[]> {
  const { functionOfFile } = await import('../../session/index.ts');
  const { functionsOfModulations, rowId } = await import('../../jobs/index.ts');
  const { parseSize } = await import('../../signal/index.ts');
  const maxBytes = defaultLimits.maxFileBytes;
  const bytes = await readInput(file, { stdin: job.streams.stdin, maxBytes, signal: job.signal });
  const id = given ?? basename(file, extname(file));
  const label: Label | undefined = text === undefined ? undefined : labelForms(text)[0];
  if (bytes[0] === magic) return [functionOfFile(model, bytes, { id, label })];
  const format = formatOfFile(bytes, file);
  if (format !== undefined && format !== npy)
    throw new BadInputError(
      'modulation',
      `${file} is ${format.title}, a signal and no modulations; encode it first: functa encode, or a folder of them: functa build`,
    );
  const asked = size === undefined ? undefined : fromOption('--size', () => parseSize(size));
  const shape = asked !== undefined && 'shape' in asked ? asked.shape : undefined;
  const found = functionsOfModulations(model, bytes, { id, label, quality, shape, limits: job.limits });
  return given === undefined ? found : found.map((fn, i) => ({ ...fn, id: rowId(given, i, found.length) }));
}

async function remove(_job: Job, path: string, ids: string[]): Promise<Report> {
  const { openFunctaset, unknownFunction } = await import('../../functaset/index.ts');
  const store = await openFunctaset(path);
  try {
    const absent = ids.find((id) => !store.has(id));
    if (absent !== undefined) throw unknownFunction(path, absent);
    const deleted = await store.deleteMany(ids);
    return {
      data: { store: path, deleted, total: store.count },
      lines: [`${path}: ${deleted} functions deleted, ${store.count} left; store compact frees their room`],
    };
  } finally {
    await store.close();
  }
}

async function rewritten(job: Job, path: string, how: 'compact' | 'upgrade'): Promise<Report> {
  const { compactFunctaset, upgradeFunctaset } = await import('../../functaset/index.ts');
  const work = how === 'compact' ? compactFunctaset : upgradeFunctaset;
  const found: Rewritten = await job.progress(how, 'functions', (progress: Progress) =>
    work(path, { signal: job.signal, onProgress: (done, total) => progress.update(done, total) }),
  );
  const { functions, before, after } = found;
  return {
    data: { store: path, functions, before, after },
    lines: [`${path}: ${functions} functions, ${bytesText(before)} before, ${bytesText(after)} now`],
  };
}

async function backup(
  job: Job,
  path: string,
  file: string,
  { force }: { readonly force: boolean },
): Promise<Report> {
  const made = await withStore(job, path, 'backup', (opened, walk) =>
    opened.backup(file, { ...walk, replace: force }),
  );
  return { data: { store: path, file, ...made }, lines: [`${file}: ${copyText(made)}`] };
}

async function restore(job: Job, file: string, path: string): Promise<Report> {
  const { restoreFunctaset } = await import('../../functaset/index.ts');
  const made = await copied(job, 'restore', (walk) => restoreFunctaset(file, path, walk));
  return { data: { file, store: path, ...made }, lines: [`${path}: ${copyText(made)}`] };
}

function copied(job: Job, label: string, work: (walk: Walk) => Promise<Backup>): Promise<Backup> {
  return job.progress(label, 'functions', (progress) =>
    work({ signal: job.signal, onProgress: (done, total) => progress.update(done, total) }),
  );
}

function copyText({ functions, bytes, sha256 }: Backup): string {
  return `${functions} functions, all whole, ${bytesText(bytes)}, sha256 ${sha256}`;
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
    ['files', bytesText(codedBytes)],
    ['not coded', bytesText(modulationBytes)],
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
  work: (store: FunctionStore, options: Walk) => Promise<T>,
): Promise<T> {
  const { openFunctionStore } = await import('../../postgres/index.ts');
  const store = await openFunctionStore(path, { readOnly: true });
  try {
    return await job.progress(label, 'functions', (progress: Progress) =>
      work(store, { signal: job.signal, onProgress: (done, total) => progress.update(done, total) }),
    );
  } finally {
    await store.close();
  }
}
